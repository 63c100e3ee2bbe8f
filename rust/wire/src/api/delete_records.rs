//! `DeleteRecords` (key 21): moves a partition's start forward.

use crate::{ErrorCode, Message};

/// Asks to delete the beginning of partitions.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteRecordsRequest {
    /// The topics.
    pub topics: Vec<DeleteRecordsTopic>,
    /// How long to wait for completion, in milliseconds.
    pub timeout_ms: i32,
}

/// The partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteRecordsTopic {
    /// The topic's name.
    pub name: String,
    /// The partitions.
    pub partitions: Vec<DeleteRecordsPartition>,
}

/// A partition and its new start.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteRecordsPartition {
    /// The partition's number.
    pub partition_index: i32,
    /// The new start; −1 for the high watermark.
    pub offset: i64,
}

/// What was deleted.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteRecordsResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<DeletedRecordsTopic>,
}

/// The results for one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeletedRecordsTopic {
    /// The topic's name.
    pub name: String,
    /// The partitions.
    pub partitions: Vec<DeletedRecordsPartition>,
}

/// The result for one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeletedRecordsPartition {
    /// The partition's number.
    pub partition_index: i32,
    /// The partition's start now.
    pub low_watermark: i64,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
}
