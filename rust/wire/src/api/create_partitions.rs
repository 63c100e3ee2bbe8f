//! `CreatePartitions` (key 37): more partitions for a topic.

use crate::{ErrorCode, Message};

/// Asks for more partitions.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreatePartitionsRequest {
    /// The topics.
    pub topics: Vec<CreatePartitionsTopic>,
    /// How long to wait for completion, in milliseconds.
    pub timeout_ms: i32,
    /// Whether to check only, and change nothing.
    pub validate_only: bool,
}

/// A topic and its new number of partitions.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreatePartitionsTopic {
    /// The topic's name.
    pub name: String,
    /// The number of partitions that there shall be in all.
    pub count: i32,
    /// Where to place the new ones; null leaves it to the broker.
    #[wire(nullable = ..)]
    pub assignments: Option<Vec<CreatePartitionsAssignment>>,
}

/// The brokers that one new partition is placed on.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreatePartitionsAssignment {
    /// The brokers' ids, the preferred leader first.
    pub broker_ids: Vec<i32>,
}

/// What was created.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreatePartitionsResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// The results.
    pub results: Vec<CreatedPartitionsTopic>,
}

/// The result for one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreatedPartitionsTopic {
    /// The topic's name.
    pub name: String,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(nullable = ..)]
    pub error_message: Option<String>,
}
