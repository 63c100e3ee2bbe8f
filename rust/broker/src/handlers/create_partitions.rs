//! `CreatePartitions` · key 37 · versions 0–3
//!
//! Behaviour: gives a topic the number of partitions asked for, which must be more than it has; they are usable when the
//! answer comes. An assignment has to name for each new partition as many brokers as the topic has replicas. A topic
//! that stands more than once in the request is answered once and stays as it is.
//!
//! Version notes: none; 2 is the flexible form.

use kafkalite_cluster::names;
use kafkalite_wire::{
    ErrorCode,
    api::create_partitions::{
        CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopic,
        CreatedPartitionsTopic,
    },
};

use super::{Context, Reply, repeated::split_repeated};
use crate::refusal::Refusal;

pub(super) async fn handle(
    context: &Context,
    request: CreatePartitionsRequest,
) -> Reply<CreatePartitionsResponse> {
    let (once, repeated) = split_repeated(request.topics, |topic| topic.name.clone());
    let mut results = Vec::with_capacity(once.len() + repeated.len());
    for topic in once {
        let outcome = grow(context, &topic, request.validate_only).await;
        results.push(answer(topic.name, outcome));
    }
    for topic in repeated {
        let refusal = Refusal::repeated(&topic.name);
        results.push(answer(topic.name, Err(refusal)));
    }
    CreatePartitionsResponse {
        results,
        ..Default::default()
    }
    .into()
}

fn answer(name: String, outcome: Result<(), Refusal>) -> CreatedPartitionsTopic {
    let refusal = outcome.err();
    CreatedPartitionsTopic {
        name,
        error_code: refusal
            .as_ref()
            .map_or(ErrorCode::None, |refusal| refusal.code),
        error_message: refusal.map(|refusal| refusal.message),
    }
}

async fn grow(
    context: &Context,
    asked: &CreatePartitionsTopic,
    validate_only: bool,
) -> Result<(), Refusal> {
    let registry = &context.broker.registry;
    if names::is_internal(&asked.name) {
        let message = format!("topic '{}' is kept by the broker itself", asked.name);
        return Err(Refusal::new(ErrorCode::InvalidTopic, message));
    }
    let assignments: Option<Vec<Vec<i32>>> = asked
        .assignments
        .as_ref()
        .map(|assigned| assigned.iter().map(|one| one.broker_ids.clone()).collect());
    registry.check_growth(&asked.name, asked.count, assignments.as_deref())?;
    if validate_only {
        Ok(())
    } else {
        let name = asked.name.clone();
        registry.grow(name, asked.count, assignments).await
    }
}
