//! `OffsetDelete` · key 47 · version 0
//!
//! Behaviour: forgets committed offsets (KIP-496). Those of topics that members consume stay; groups whose members do something
//! else than consume must be empty.
//!
//! Version notes: none.

use kafkalite_wire::{
    ErrorCode,
    api::offset_delete::{
        DeletedOffset, DeletedOffsetsTopic, OffsetDeleteRequest, OffsetDeleteResponse,
    },
};

use super::{Context, Reply, coordinator};

pub(super) async fn handle(
    context: &Context,
    request: OffsetDeleteRequest,
) -> Reply<OffsetDeleteResponse> {
    if request.group_id.is_empty() {
        return OffsetDeleteResponse {
            error_code: ErrorCode::InvalidGroupId,
            ..Default::default()
        }
        .into();
    }
    if let Err(error_code) = coordinator::check(context, &request.group_id) {
        return OffsetDeleteResponse {
            error_code,
            ..Default::default()
        }
        .into();
    }
    // Borrowed: an index of four bytes must not cost its topic's name.
    let places: Vec<(&str, i32)> = request
        .topics
        .iter()
        .filter_map(|asked| Some((asked, context.broker.registry.topic(&asked.name)?)))
        .flat_map(|(asked, topic)| {
            let indexes = asked.partitions.iter().map(index_of);
            indexes
                .filter(move |&index| topic.partition(index).is_some())
                .map(|index| (asked.name.as_str(), index))
        })
        .collect();
    let deleted = (context.broker.groups)
        .delete_offsets(&request.group_id, &places)
        .await;
    let outcomes = match deleted {
        Ok(outcomes) => outcomes,
        Err(error_code) => {
            return OffsetDeleteResponse {
                error_code,
                ..Default::default()
            }
            .into();
        }
    };
    let mut outcomes = places.into_iter().zip(outcomes).peekable();
    let topics = request.topics.iter().map(|topic| {
        let partitions = topic.partitions.iter().map(|partition| {
            let partition_index = index_of(partition);
            let own = |((name, index), _): &((&str, i32), ErrorCode)| {
                *name == topic.name && *index == partition_index
            };
            let outcome = outcomes.next_if(own).map(|(_, outcome)| outcome);
            DeletedOffset {
                partition_index,
                error_code: outcome.unwrap_or(ErrorCode::UnknownTopicOrPartition),
            }
        });
        DeletedOffsetsTopic {
            partitions: partitions.collect(),
            name: topic.name.clone(),
        }
    });
    OffsetDeleteResponse {
        topics: topics.collect(),
        ..Default::default()
    }
    .into()
}

fn index_of(partition: &kafkalite_wire::api::offset_delete::OffsetDeletePartition) -> i32 {
    partition.partition_index
}
