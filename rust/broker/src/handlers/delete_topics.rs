//! `DeleteTopics` · key 20 · versions 0–6
//!
//! Behaviour: a deleted topic is gone when the answer comes: producers get `UNKNOWN_TOPIC_OR_PARTITION`, parked fetches
//! are answered. Its files are renamed to `-delete` and removed afterwards. The broker's own topics are not deleted.
//! A topic that stands more than once in the request, by name or by id, is answered once and stays.
//!
//! Version notes: from 5 the answer has a sentence with each error. From 6 topics may be named by id.

use kafkalite_cluster::deletion;
use kafkalite_wire::{
    ErrorCode,
    api::delete_topics::{DeleteTopic, DeleteTopicsRequest, DeleteTopicsResponse, DeletedTopic},
};
use uuid::Uuid;

use super::{Context, Reply, repeated::split_repeated};
use crate::refusal::Refusal;

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
    let resolved: Vec<(DeleteTopic, Result<String, Refusal>)> = asked
        .into_iter()
        .map(|topic| {
            let name = resolve(context, &topic);
            (topic, name)
        })
        .collect();
    // By name and by id is twice as well.
    let (once, repeated) = split_repeated(resolved, |(asked, name)| match name {
        Ok(name) => (Some(name.clone()), Uuid::nil()),
        Err(_) => (asked.name.clone(), asked.topic_id),
    });
    let names = once.iter().filter_map(|(_, name)| name.clone().ok());
    let mut outcomes = context
        .broker
        .registry
        .delete(names.collect())
        .await
        .into_iter();
    let once = once.into_iter().map(|(asked, name)| {
        let outcome = name.as_ref().map_err(Clone::clone).and_then(|_| {
            outcomes
                .next()
                .expect("one outcome for each topic that was handed over")
        });
        answer(asked, name.ok(), outcome)
    });
    let mut responses: Vec<_> = once.collect();
    responses.extend(repeated.into_iter().map(|(asked, name)| {
        let name = name.ok().or(asked.name.clone());
        let refusal = Refusal::repeated(name.as_deref().unwrap_or("of this id"));
        answer(asked, name, Err(refusal))
    }));
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

fn answer(asked: DeleteTopic, name: Option<String>, outcome: Result<(), Refusal>) -> DeletedTopic {
    let refusal = outcome.err();
    DeletedTopic {
        name: name.or(asked.name),
        topic_id: asked.topic_id,
        error_code: refusal
            .as_ref()
            .map_or(ErrorCode::None, |refusal| refusal.code),
        error_message: refusal.map(|refusal| refusal.message),
    }
}

fn resolve(context: &Context, asked: &DeleteTopic) -> Result<String, Refusal> {
    if !context.broker.configs.settings().delete_topic_enable {
        let message = "delete.topic.enable is false on this broker";
        return Err(Refusal::new(ErrorCode::TopicDeletionDisabled, message));
    }
    let image = context.broker.registry.image();
    let topic = deletion::named(&image, asked.name.as_deref(), asked.topic_id)?;
    Ok(topic.name.to_string())
}
