//! `ListOffsets` (key 2): the offset at a time, or at either end.
//!
//! Fields that are mere hints are dropped by the versions that lack them, instead of being an error as in the schema.

use crate::{ErrorCode, Message};

/// Asks for offsets.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ListOffsetsRequest {
    /// The follower's id; −1 for consumers.
    pub replica_id: i32,
    /// 0 reads all records, 1 only those of committed transactions.
    #[wire(versions = 2..)]
    pub isolation_level: i8,
    /// What to look for.
    pub topics: Vec<ListOffsetsTopic>,
    /// How long to wait for an offset from remote storage, in milliseconds.
    #[wire(versions = 10.., ignorable)]
    pub timeout_ms: i32,
}

/// The partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ListOffsetsTopic {
    /// The topic's name.
    pub name: String,
    /// The partitions.
    pub partitions: Vec<ListOffsetsPartition>,
}

/// The time to look for in one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ListOffsetsPartition {
    /// The partition's number.
    pub partition_index: i32,
    /// The leader's epoch as the client knows it; −1 if it doesn't.
    #[wire(versions = 4.., default = -1, ignorable)]
    pub current_leader_epoch: i32,
    /// A time in milliseconds since 1970, or −1 latest, −2 earliest, −3 of the greatest time, −4
    /// earliest local, −5 latest tiered, −6 earliest not yet tiered.
    pub timestamp: i64,
    /// How many offsets are wanted at the most.
    #[wire(versions = ..=0, default = 1, ignorable)]
    pub max_num_offsets: i32,
}

/// The offsets found.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ListOffsetsResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    #[wire(versions = 2.., ignorable)]
    pub throttle_time_ms: i32,
    /// What was found.
    pub topics: Vec<ListedOffsetsTopic>,
}

/// The results for one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ListedOffsetsTopic {
    /// The topic's name.
    pub name: String,
    /// The partitions.
    pub partitions: Vec<ListedOffsetsPartition>,
}

/// The result for one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ListedOffsetsPartition {
    /// The partition's number.
    pub partition_index: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// The offsets found, the largest first.
    #[wire(versions = ..=0, ignorable)]
    pub old_style_offsets: Vec<i64>,
    /// The record's time in milliseconds since 1970; −1 for none.
    #[wire(versions = 1.., default = -1, ignorable)]
    pub timestamp: i64,
    /// The offset found; −1 for none.
    #[wire(versions = 1.., default = -1, ignorable)]
    pub offset: i64,
    /// The leader's epoch; −1 if unknown.
    #[wire(versions = 4.., default = -1, ignorable)]
    pub leader_epoch: i32,
}
