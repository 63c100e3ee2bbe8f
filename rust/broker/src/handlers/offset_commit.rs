//! `OffsetCommit` · key 8 · versions 2–10
//!
//! Behaviour: offsets are stored and answered when a restart would find them. What is wrong with one partition is that
//! partition's error; what is wrong with the member is everybody's.
//!
//! Version notes: a retention of its own up to 4, as in Kafka. Leader epochs from 6, static members from 7 (KIP-345). From 9 an
//! unknown group has its own error. From 10 topics are named by id (KIP-516).

use std::sync::Arc;

use kafkalite_cluster::{TopicImage, TopicKey};
use kafkalite_wire::{
    ErrorCode,
    api::offset_commit::{
        CommittedPartition, CommittedTopic, OffsetCommitPartition, OffsetCommitRequest,
        OffsetCommitResponse, OffsetCommitTopic,
    },
};

use super::{Context, Reply, coordinator};
use crate::groups::Commit;

const FIRST_WITH_TOPIC_IDS: i16 = 10;

pub(super) async fn handle(
    context: &Context,
    mut request: OffsetCommitRequest,
) -> Reply<OffsetCommitResponse> {
    let mut commits = Vec::new();
    let mut topics: Vec<CommittedTopic> = std::mem::take(&mut request.topics)
        .into_iter()
        .map(|topic| check_topic(context, topic, &mut commits))
        .collect();
    let committed = match coordinator::check(context, &request.group_id) {
        Ok(()) => {
            let groups = &context.broker.groups;
            groups.commit(&request, context.api_version, commits).await
        }
        Err(code) => Err(code),
    };
    if let Err(code) = committed {
        let partitions = topics.iter_mut().flat_map(|topic| &mut topic.partitions);
        for partition in partitions.filter(|partition| partition.error_code == ErrorCode::None) {
            partition.error_code = code;
        }
    }
    OffsetCommitResponse {
        topics,
        ..Default::default()
    }
    .into()
}

/// Answers for one topic, and adds what can be committed to `commits`.
fn check_topic(
    context: &Context,
    asked: OffsetCommitTopic,
    commits: &mut Vec<Commit>,
) -> CommittedTopic {
    let by_id = context.api_version >= FIRST_WITH_TOPIC_IDS;
    let key = TopicKey::of(by_id, &asked.name, asked.topic_id);
    let topic = context.broker.registry.image().by_key(&key).cloned();
    let unknown = key.unknown();
    let max_bytes = context.broker.configs.settings().offset_metadata_max_bytes;
    let mut check = |partition: OffsetCommitPartition| {
        let checked = topic
            .as_deref()
            .ok_or(unknown)
            .and_then(|topic| check_partition(topic, &partition, max_bytes).map(|()| topic));
        let error_code = match checked {
            Ok(topic) => {
                commits.push(Commit {
                    topic: Arc::clone(&topic.name),
                    topic_id: topic.id,
                    partition: partition.partition_index,
                    offset: partition.committed_offset,
                    leader_epoch: partition.committed_leader_epoch,
                    metadata: partition.committed_metadata.unwrap_or_default(),
                });
                ErrorCode::None
            }
            Err(code) => code,
        };
        CommittedPartition {
            partition_index: partition.partition_index,
            error_code,
        }
    };
    CommittedTopic {
        partitions: asked.partitions.into_iter().map(&mut check).collect(),
        name: asked.name,
        topic_id: asked.topic_id,
    }
}

fn check_partition(
    topic: &TopicImage,
    asked: &OffsetCommitPartition,
    max_units: usize,
) -> Result<(), ErrorCode> {
    if topic.partition(asked.partition_index).is_none() {
        return Err(ErrorCode::UnknownTopicOrPartition);
    }
    match &asked.committed_metadata {
        // Apache Kafka counts as Java does, whatever the setting's name says.
        Some(metadata) if metadata.encode_utf16().count() > max_units => {
            Err(ErrorCode::OffsetMetadataTooLarge)
        }
        _ => Ok(()),
    }
}
