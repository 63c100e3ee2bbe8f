//! `OffsetDelete` (key 47): forget how far a group has read.

use crate::{ErrorCode, Message};

/// Deletes committed offsets.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetDeleteRequest {
    /// The group's id.
    pub group_id: String,
    /// The topics.
    pub topics: Vec<OffsetDeleteTopic>,
}

/// The partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetDeleteTopic {
    /// The topic's name.
    pub name: String,
    /// The partitions.
    pub partitions: Vec<OffsetDeletePartition>,
}

/// A partition whose offset goes.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetDeletePartition {
    /// The partition's number.
    pub partition_index: i32,
}

/// What was deleted.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetDeleteResponse {
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<DeletedOffsetsTopic>,
}

/// The results for one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeletedOffsetsTopic {
    /// The topic's name.
    pub name: String,
    /// The partitions.
    pub partitions: Vec<DeletedOffset>,
}

/// The result for one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeletedOffset {
    /// The partition's number.
    pub partition_index: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
}
