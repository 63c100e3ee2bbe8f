//! `CreatePartitions` · key 37 · versions 0–3
//!
//! Behaviour: gives a topic the number of partitions asked for, which must be more than it has; they are usable when the
//! answer comes. An assignment has to name this broker for each new partition. A topic that stands
//! more than once in the request is answered once and stays as it is.
//!
//! Version notes: none; 2 is the flexible form.

use kafkalite_wire::{
    ErrorCode,
    api::create_partitions::{
        CreatePartitionsRequest, CreatePartitionsResponse, CreatePartitionsTopic,
        CreatedPartitionsTopic,
    },
};

use super::{Context, Reply, repeated::split_repeated};
use crate::{refusal::Refusal, topics::name};

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
    let topics = &context.broker.topics;
    if name::is_internal(&asked.name) {
        let message = format!("topic '{}' is kept by the broker itself", asked.name);
        return Err(Refusal::new(ErrorCode::InvalidTopic, message));
    }
    let topic = topics.check_growth(&asked.name, asked.count)?;
    if let Some(assignments) = &asked.assignments {
        let added = asked.count as usize - topic.partitions.len();
        let node = context.broker.node_id;
        if assignments.len() != added || assignments.iter().any(|one| one.broker_ids != [node]) {
            let message = format!(
                "the assignment must name broker {node}, the only one, for each of {added} partitions"
            );
            return Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, message));
        }
    }
    if validate_only {
        Ok(())
    } else {
        topics.grow(asked.name.clone(), asked.count).await
    }
}
