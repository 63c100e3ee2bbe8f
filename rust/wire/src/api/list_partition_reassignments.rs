//! `ListPartitionReassignments` (key 46): which partitions are moving between brokers (KIP-455).

use crate::{ErrorCode, Message};

/// Asks what is under way.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ListPartitionReassignmentsRequest {
    /// How long to wait for the answer, in milliseconds.
    #[wire(default = 60000)]
    pub timeout_ms: i32,
    /// The topics; null asks for all.
    #[wire(nullable = ..)]
    pub topics: Option<Vec<ListPartitionReassignmentsTopics>>,
}

/// The partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ListPartitionReassignmentsTopics {
    /// The topic's name.
    pub name: String,
    /// The partitions' numbers.
    pub partition_indexes: Vec<i32>,
}

/// What is under way.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ListPartitionReassignmentsResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(nullable = ..)]
    pub error_message: Option<String>,
    /// The topics of which partitions are moving.
    pub topics: Vec<OngoingTopicReassignment>,
}

/// A topic of which partitions are moving.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OngoingTopicReassignment {
    /// The topic's name.
    pub name: String,
    /// Those of its partitions that are moving.
    pub partitions: Vec<OngoingPartitionReassignment>,
}

/// A partition that is moving.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OngoingPartitionReassignment {
    /// The partition's number.
    pub partition_index: i32,
    /// The brokers that hold it now.
    pub replicas: Vec<i32>,
    /// The brokers that it is being copied to.
    pub adding_replicas: Vec<i32>,
    /// The brokers that it will be taken from.
    pub removing_replicas: Vec<i32>,
}
