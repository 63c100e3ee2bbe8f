//! `OffsetForLeaderEpoch` · key 23 · versions 2–4
//!
//! Behaviour: where the epoch asked for ended in this log: the offset after its last record, with the largest epoch not
//! above it that has records. A consumer compares it with its position to find that its log was cut (KIP-320).
//!
//! Version notes: none; 3 adds the follower's id, 4 is the flexible form.

use kafkalite_cluster::TopicKey;
use kafkalite_wire::{
    ErrorCode,
    api::offset_for_leader_epoch::{
        EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
        OffsetForLeaderPartition, OffsetForLeaderTopic, OffsetForLeaderTopicResult,
    },
};

use super::{Context, Reply, leader_epoch};
use crate::replicas::partition::Partition;

pub(super) async fn handle(
    context: &Context,
    request: OffsetForLeaderEpochRequest,
) -> Reply<OffsetForLeaderEpochResponse> {
    let answer = |of_topic: OffsetForLeaderTopic| {
        let topic = context.broker.replicas.by_name(&of_topic.topic);
        let of_partition = |asked: &OffsetForLeaderPartition| {
            let partition = topic
                .as_ref()
                .and_then(|topic| topic.partition(asked.partition));
            let elsewhere = || {
                let key = TopicKey::Name(of_topic.topic.as_str().into());
                context.elsewhere(&key, asked.partition).code
            };
            let end = partition
                .ok_or_else(elsewhere)
                .and_then(|partition| end_of_epoch(partition, asked));
            let (error_code, (leader_epoch, end_offset)) = match end {
                Ok(end) => (ErrorCode::None, end.unwrap_or((-1, -1))),
                Err(code) => (code, (-1, -1)),
            };
            EpochEndOffset {
                error_code,
                partition: asked.partition,
                leader_epoch,
                end_offset,
            }
        };
        let partitions = of_topic.partitions.iter().map(of_partition).collect();
        OffsetForLeaderTopicResult {
            topic: of_topic.topic,
            partitions,
        }
    };
    let topics = request.topics.into_iter().map(answer).collect();
    OffsetForLeaderEpochResponse {
        topics,
        ..Default::default()
    }
    .into()
}

fn end_of_epoch(
    partition: &Partition,
    asked: &OffsetForLeaderPartition,
) -> Result<Option<(i32, i64)>, ErrorCode> {
    leader_epoch::check(partition, asked.current_leader_epoch)?;
    Ok(partition.end_of_epoch(asked.leader_epoch))
}
