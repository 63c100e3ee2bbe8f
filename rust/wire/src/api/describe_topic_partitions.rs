//! `DescribeTopicPartitions` (key 75): topics page by page (KIP-966).

use uuid::Uuid;

use crate::{ErrorCode, Message};

/// Asks for a page of partitions.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeTopicPartitionsRequest {
    /// The topics.
    pub topics: Vec<DescribeTopicPartitionsTopic>,
    /// Most partitions on the page.
    #[wire(default = 2000)]
    pub response_partition_limit: i32,
    /// Where to begin; null for the first page.
    #[wire(nullable = ..)]
    pub cursor: Option<TopicPartitionsCursor>,
}

/// A topic asked for.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeTopicPartitionsTopic {
    /// The topic's name.
    pub name: String,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct TopicPartitionsCursor {
    /// The topic's name.
    pub topic_name: String,
    /// The partition's number.
    pub partition_index: i32,
}

/// A page of partitions.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeTopicPartitionsResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<DescribedTopic>,
    /// Where the next page begins; null if this is the last.
    #[wire(nullable = ..)]
    pub next_cursor: Option<TopicPartitionsCursor>,
}

/// A topic and its partitions on this page.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribedTopic {
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// The topic's name; null if unknown.
    #[wire(nullable = ..)]
    pub name: Option<String>,
    /// The topic's id; nil if unknown.
    pub topic_id: Uuid,
    /// Whether it is one of Kafka's own topics.
    pub is_internal: bool,
    /// The partitions.
    pub partitions: Vec<DescribedPartition>,
    /// What the client may do, as a bit field; `i32::MIN` if not asked for.
    #[wire(default = i32::MIN)]
    pub topic_authorized_operations: i32,
}

/// A partition, its leader and replicas.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribedPartition {
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// The partition's number.
    pub partition_index: i32,
    /// The leader's id; −1 if there is none.
    pub leader_id: i32,
    /// The leader's epoch; −1 if unknown.
    #[wire(default = -1)]
    pub leader_epoch: i32,
    /// All brokers with a replica.
    pub replica_nodes: Vec<i32>,
    /// The brokers whose replica is in sync.
    pub isr_nodes: Vec<i32>,
    /// Replicas outside of the in-sync ones that may still lead (KIP-966).
    #[wire(nullable = ..)]
    pub eligible_leader_replicas: Option<Vec<i32>>,
    /// Replicas that were eligible last.
    #[wire(nullable = ..)]
    pub last_known_elr: Option<Vec<i32>>,
    /// The brokers whose replica is offline.
    pub offline_replicas: Vec<i32>,
}
