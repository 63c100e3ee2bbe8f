//! `DeleteRecords` · key 21 · versions 0–2
//!
//! Behaviour: raises a partition's start offset; -1 means the high watermark. What lies before it cannot be read from
//! then on, and segments that lie before it as a whole are deleted. An offset at or below the start changes nothing. A
//! topic whose `cleanup.policy` is `compact` alone refuses. Where the new start cannot be noted on the disk, so that a crash
//! would bring the records back, the answer is `KAFKA_STORAGE_ERROR`.
//!
//! Version notes: none; version 2 is the flexible form.

use std::sync::Arc;

use kafkalite_cluster::{TopicKey, names};
use kafkalite_wire::{
    ErrorCode,
    api::delete_records::{
        DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsResponse,
        DeletedRecordsPartition, DeletedRecordsTopic,
    },
};

use super::{Context, Reply, leader_epoch};
use crate::{
    refusal::Refusal,
    replicas::{HostedTopic, Partition},
};

const HIGH_WATERMARK: i64 = -1;

pub(super) async fn handle(
    context: &Context,
    request: DeleteRecordsRequest,
) -> Reply<DeleteRecordsResponse> {
    let mut topics = Vec::with_capacity(request.topics.len());
    for asked in request.topics {
        let topic = context.broker.replicas.by_name(&asked.name);
        let mut partitions = Vec::with_capacity(asked.partitions.len());
        for partition in asked.partitions {
            let outcome = delete(context, &asked.name, topic.as_deref(), &partition).await;
            let (error_code, low_watermark) = match outcome {
                Ok(start) => (ErrorCode::None, start),
                Err(code) => (code, -1),
            };
            let partition_index = partition.partition_index;
            partitions.push(DeletedRecordsPartition {
                partition_index,
                low_watermark,
                error_code,
            });
        }
        topics.push(DeletedRecordsTopic {
            name: asked.name,
            partitions,
        });
    }
    // What was deleted stays deleted after a crash as well.
    let replicas = Arc::clone(&context.broker.replicas);
    let checkpoint = tokio::task::spawn_blocking(move || replicas.checkpoint_start_offsets()).await;
    if let Ok(Err(error)) = &checkpoint {
        tracing::warn!(
            "a crash before the next checkpoint would bring deleted records back: {error}"
        );
    }
    if !matches!(checkpoint, Ok(Ok(()))) {
        let partitions = topics.iter_mut().flat_map(|topic| &mut topic.partitions);
        for partition in partitions.filter(|partition| partition.error_code == ErrorCode::None) {
            partition.error_code = ErrorCode::KafkaStorageError;
            partition.low_watermark = -1;
        }
    }
    DeleteRecordsResponse {
        topics,
        ..Default::default()
    }
    .into()
}

async fn delete(
    context: &Context,
    name: &str,
    topic: Option<&HostedTopic>,
    asked: &DeleteRecordsPartition,
) -> Result<i64, ErrorCode> {
    if names::is_internal(name) && context.broker.registry.topic(name).is_some() {
        return Err(ErrorCode::InvalidTopic);
    }
    let elsewhere = || {
        context
            .elsewhere(&TopicKey::Name(name.into()), asked.partition_index)
            .code
    };
    let topic = topic.ok_or_else(elsewhere)?;
    let compacted_only = {
        let settings = topic.settings.load();
        settings.compact && !settings.log.delete_expired
    };
    if compacted_only {
        return Err(ErrorCode::PolicyViolation);
    }
    let partition = topic.partition(asked.partition_index);
    let partition = partition.ok_or_else(elsewhere)?;
    leader_epoch::check(partition, leader_epoch::UNKNOWN)?;
    let high_watermark = partition.log.high_watermark();
    let before = if asked.offset == HIGH_WATERMARK {
        high_watermark
    } else {
        asked.offset
    };
    if !(0..=high_watermark).contains(&before) {
        return Err(ErrorCode::OffsetOutOfRange);
    }
    let partition = Arc::clone(partition);
    let outcome = tokio::task::spawn_blocking(move || delete_before(&partition, before)).await;
    outcome
        .unwrap_or_else(|_| Err(Refusal::stopping()))
        .map_err(|refusal| refusal.code)
}

fn delete_before(partition: &Partition, offset: i64) -> Result<i64, Refusal> {
    let log = &partition.log;
    let deleted = log
        .delete_records_before(offset)
        .and_then(|start| log.retain(partition.clock.now_ms()).map(|_| start));
    deleted.map_err(|error| partition.explain(error))
}
