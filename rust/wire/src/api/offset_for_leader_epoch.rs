//! `OffsetForLeaderEpoch` (key 23): where a leader's epoch ended, to find a diverged log (KIP-101).

use crate::{ErrorCode, Message};

/// Asks for the ends of epochs.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetForLeaderEpochRequest {
    /// The follower's id; −1 for consumers, −2 for a debugging one.
    #[wire(versions = 3.., default = -2, ignorable)]
    pub replica_id: i32,
    /// The topics.
    pub topics: Vec<OffsetForLeaderTopic>,
}

/// The partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetForLeaderTopic {
    /// The topic's name.
    pub topic: String,
    /// The partitions.
    pub partitions: Vec<OffsetForLeaderPartition>,
}

/// The epoch asked about in one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetForLeaderPartition {
    /// The partition's number.
    pub partition: i32,
    /// The leader's epoch as the client knows it; −1 if it doesn't.
    #[wire(default = -1)]
    pub current_leader_epoch: i32,
    /// The epoch asked about.
    pub leader_epoch: i32,
}

/// The ends of epochs.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetForLeaderEpochResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<OffsetForLeaderTopicResult>,
}

/// The results for one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetForLeaderTopicResult {
    /// The topic's name.
    pub topic: String,
    /// The partitions.
    pub partitions: Vec<EpochEndOffset>,
}

/// The result for one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct EpochEndOffset {
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// The partition's number.
    pub partition: i32,
    /// The largest epoch not above the one asked about; −1 if there is none.
    #[wire(default = -1)]
    pub leader_epoch: i32,
    /// Where it ended; −1 if unknown.
    #[wire(default = -1)]
    pub end_offset: i64,
}
