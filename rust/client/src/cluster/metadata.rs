//! What a client knows about the cluster: brokers, topics, leaders.

use std::collections::HashMap;
use std::sync::Arc;

use kafkalite_link::{Address, NamedBy};
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::metadata::MetadataResponse;
use tokio::time::Instant;
use uuid::Uuid;

use crate::error::ClientError;

/// Why a partition is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The cluster has no such topic.
    Topic,
    /// The topic has only so many partitions.
    Partition(usize),
}

/// A snapshot; a refresh makes a new one.
#[derive(Debug, Clone)]
pub(crate) struct Metadata {
    pub(crate) cluster_id: Option<String>,
    pub(crate) controller: i32,
    pub(crate) brokers: HashMap<i32, Address>,
    pub(crate) topics: HashMap<Arc<str>, Arc<TopicMetadata>>,
    pub(crate) taken: Instant,
}

/// One topic of a snapshot.
#[derive(Debug)]
pub(crate) struct TopicMetadata {
    pub(crate) name: Arc<str>,
    /// Zero where the cluster has no topic ids.
    pub(crate) id: Uuid,
    pub(crate) error: ErrorCode,
    /// By partition number.
    pub(crate) partitions: Vec<PartitionMetadata>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PartitionMetadata {
    /// `None` while an election is on.
    pub(crate) leader: Option<i32>,
    pub(crate) leader_epoch: i32,
}

const NO_LEADER: PartitionMetadata = PartitionMetadata {
    leader: None,
    leader_epoch: -1,
};

impl Metadata {
    /// Nothing is known yet.
    pub(crate) fn unknown() -> Self {
        Self {
            cluster_id: None,
            controller: -1,
            brokers: HashMap::new(),
            topics: HashMap::new(),
            taken: Instant::now(),
        }
    }

    pub(crate) fn is_known(&self) -> bool {
        !self.brokers.is_empty()
    }

    pub(crate) fn of(response: MetadataResponse) -> Self {
        let brokers = response.brokers.into_iter().filter_map(|broker| {
            let port = u16::try_from(broker.port).ok()?;
            let origin = NamedBy::Advertised(broker.node_id);
            Some((
                broker.node_id,
                Address {
                    host: broker.host,
                    port,
                    origin,
                },
            ))
        });
        let topics = response.topics.into_iter().filter_map(|topic| {
            let name: Arc<str> = topic.name?.into();
            let mut partitions = topic.partitions;
            partitions.sort_unstable_by_key(|partition| partition.partition_index);
            // Numbers are dense. Where a response leaves one out, what follows would be under a wrong number: cut there.
            let partitions = partitions
                .iter()
                .enumerate()
                .take_while(|(index, partition)| {
                    usize::try_from(partition.partition_index) == Ok(*index)
                })
                .map(|(_, partition)| PartitionMetadata {
                    leader: Some(partition.leader_id).filter(|id| *id >= 0),
                    leader_epoch: partition.leader_epoch,
                })
                .collect();
            let topic = TopicMetadata {
                name: Arc::clone(&name),
                id: topic.topic_id,
                error: topic.error_code,
                partitions,
            };
            Some((name, Arc::new(topic)))
        });
        Self {
            cluster_id: response.cluster_id,
            controller: response.controller_id,
            brokers: brokers.collect(),
            topics: topics.collect(),
            taken: Instant::now(),
        }
    }

    /// Whether the cluster said that there is no such topic, or was not asked.
    pub(crate) fn lacks(&self, topic: &str) -> bool {
        self.topics
            .get(topic)
            .is_none_or(|topic| topic.error == ErrorCode::UnknownTopicOrPartition)
    }

    /// Whether a partition is missing, and why; not if nobody knows.
    pub(crate) fn missing(&self, topic: &str, partition: i32) -> Option<Missing> {
        let topic = self.topics.get(topic)?;
        let has = |count: usize| usize::try_from(partition).is_ok_and(|number| number < count);
        match (topic.error, topic.partitions.len()) {
            (ErrorCode::UnknownTopicOrPartition, _) => Some(Missing::Topic),
            (ErrorCode::None, count @ 1..) if !has(count) => Some(Missing::Partition(count)),
            _ => None,
        }
    }

    /// What the cluster says against a partition: its topic is refused, or it is missing.
    pub(crate) fn objection(&self, topic: &Arc<str>, partition: i32) -> Option<ClientError> {
        let found = self.topics.get(topic)?;
        match self.missing(topic, partition) {
            Some(Missing::Partition(partitions)) => Some(ClientError::UnknownPartition {
                topic: Arc::clone(topic),
                partition,
                partitions,
            }),
            _ if found.error == ErrorCode::None => None,
            _ => Some(ClientError::broker("Metadata", &**topic, found.error, None)),
        }
    }

    /// A partition's leader and its epoch, as far as known.
    pub(crate) fn partition(&self, topic: &str, partition: i32) -> PartitionMetadata {
        let known = self
            .topics
            .get(topic)
            .and_then(|t| t.partitions.get(usize::try_from(partition).ok()?));
        known.copied().unwrap_or(NO_LEADER)
    }
}
