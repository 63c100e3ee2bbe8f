//! `DeleteTopics` · key 20 · versions 0–6
//!
//! Behaviour: a deleted topic is gone when the answer comes: producers get `UNKNOWN_TOPIC_OR_PARTITION`, parked fetches
//! are answered. Its files are renamed to `-delete` and removed afterwards. The broker's own topics are not deleted.
//!
//! Version notes: from 5 the answer has a sentence with each error. From 6 topics may be named by id.

use std::collections::HashMap;

use kafkalite_wire::{
    ErrorCode,
    api::delete_topics::{DeleteTopic, DeleteTopicsRequest, DeleteTopicsResponse, DeletedTopic},
};
use uuid::Uuid;

use super::{Context, Reply};
use crate::{refusal::Refusal, topics::name};

const FIRST_BY_ID: i16 = 6;

pub(super) async fn handle(
    context: &Context,
    request: DeleteTopicsRequest,
) -> Reply<DeleteTopicsResponse> {
    let asked = if context.api_version >= FIRST_BY_ID {
        request.topics
    } else {
        let by_name = |name| DeleteTopic {
            name: Some(name),
            topic_id: Uuid::nil(),
        };
        request.topic_names.into_iter().map(by_name).collect()
    };
    let resolved: Vec<Result<String, Refusal>> =
        asked.iter().map(|topic| resolve(context, topic)).collect();
    let mut counts: HashMap<String, usize> = HashMap::new();
    for name in resolved.iter().flatten() {
        *counts.entry(name.clone()).or_default() += 1;
    }
    let once = |name: String| {
        if counts.get(&name).is_some_and(|&count| count > 1) {
            return Err(Refusal::repeated(&name));
        }
        Ok(name)
    };
    let resolved: Vec<_> = resolved
        .into_iter()
        .map(|name| name.and_then(once))
        .collect();
    let names = resolved.iter().flatten().cloned().collect();
    let mut outcomes = context.broker.topics.delete(names).await.into_iter();
    let answer = |(asked, resolved): (DeleteTopic, Result<String, Refusal>)| {
        let name = resolved.as_ref().ok().cloned().or(asked.name);
        let outcome = resolved.and_then(|_| {
            outcomes
                .next()
                .expect("one outcome for each topic that was handed over")
        });
        let refusal = outcome.err();
        DeletedTopic {
            name,
            topic_id: asked.topic_id,
            error_code: refusal
                .as_ref()
                .map_or(ErrorCode::None, |refusal| refusal.code),
            error_message: refusal.map(|refusal| refusal.message),
        }
    };
    let responses: Vec<_> = asked.into_iter().zip(resolved).map(answer).collect();
    let deleted = responses
        .iter()
        .filter(|topic| topic.error_code == ErrorCode::None)
        .filter_map(|topic| topic.name.clone());
    let deleted = deleted.collect();
    context.broker.groups.topics_deleted(deleted).await;
    DeleteTopicsResponse {
        responses,
        ..Default::default()
    }
    .into()
}

fn resolve(context: &Context, asked: &DeleteTopic) -> Result<String, Refusal> {
    if !context.broker.configs.settings().delete_topic_enable {
        let message = "delete.topic.enable is false on this broker";
        return Err(Refusal::new(ErrorCode::TopicDeletionDisabled, message));
    }
    let topics = &context.broker.topics;
    let name = match (&asked.name, asked.topic_id) {
        (Some(name), id) if id.is_nil() => topics
            .by_name(name)
            .map(|topic| topic.name.to_string())
            .ok_or_else(|| Refusal::unknown_topic(name)),
        (None, id) if !id.is_nil() => topics
            .by_id(id)
            .map(|topic| topic.name.to_string())
            .ok_or_else(|| Refusal::unknown_topic_id(id)),
        _ => Err(Refusal::new(
            ErrorCode::InvalidRequest,
            "name the topic by its name or by its id, and not by both",
        )),
    }?;
    if name::is_internal(&name) {
        let message = format!("topic '{name}' is kept by the broker itself");
        return Err(Refusal::new(ErrorCode::InvalidTopic, message));
    }
    Ok(name)
}
