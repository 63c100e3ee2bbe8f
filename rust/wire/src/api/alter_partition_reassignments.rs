//! `AlterPartitionReassignments` (key 45): moves partitions between brokers, or stops moving them (KIP-455).

use crate::{ErrorCode, Message};

/// Asks for partitions to be placed on other brokers.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterPartitionReassignmentsRequest {
    /// How long to wait for the answer, in milliseconds.
    #[wire(default = 60000)]
    pub timeout_ms: i32,
    /// Whether a partition may get more or fewer replicas than it has (KIP-860).
    #[wire(versions = 1.., default = true)]
    pub allow_replication_factor_change: bool,
    /// The topics.
    pub topics: Vec<ReassignableTopic>,
}

/// A topic with partitions to move.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ReassignableTopic {
    /// The topic's name.
    pub name: String,
    /// The partitions.
    pub partitions: Vec<ReassignablePartition>,
}

/// A partition to move.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ReassignablePartition {
    /// The partition's number.
    pub partition_index: i32,
    /// The brokers that shall hold it; null stops what is under way.
    #[wire(nullable = ..)]
    pub replicas: Option<Vec<i32>>,
}

/// What is under way from now on.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterPartitionReassignmentsResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// Whether a partition could get more or fewer replicas than it has.
    #[wire(versions = 1.., default = true, ignorable)]
    pub allow_replication_factor_change: bool,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(nullable = ..)]
    pub error_message: Option<String>,
    /// The topics.
    pub responses: Vec<ReassignedTopic>,
}

/// The results for one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ReassignedTopic {
    /// The topic's name.
    pub name: String,
    /// The partitions.
    pub partitions: Vec<ReassignedPartition>,
}

/// The result for one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ReassignedPartition {
    /// The partition's number.
    pub partition_index: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(nullable = ..)]
    pub error_message: Option<String>,
}
