//! `OffsetCommit` (key 8): how far a group has read.

use uuid::Uuid;

use crate::{ErrorCode, Message};

/// Commits offsets.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetCommitRequest {
    /// The group's id.
    pub group_id: String,
    /// The generation, or the member's epoch (KIP-848); −1 outside of a group.
    #[wire(default = -1)]
    pub generation_id_or_member_epoch: i32,
    /// The member's id; empty outside of a group.
    pub member_id: String,
    /// The static member's own name (KIP-345); null for dynamic ones.
    #[wire(versions = 7.., nullable = ..)]
    pub group_instance_id: Option<String>,
    /// How long to keep the offsets, in milliseconds; −1 for the broker's default.
    #[wire(versions = ..=4, default = -1, ignorable)]
    pub retention_time_ms: i64,
    /// What to commit.
    pub topics: Vec<OffsetCommitTopic>,
}

/// The partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetCommitTopic {
    /// The topic's name.
    #[wire(versions = ..=9, ignorable)]
    pub name: String,
    /// The topic's id; nil if unknown.
    #[wire(versions = 10.., ignorable)]
    pub topic_id: Uuid,
    /// The partitions.
    pub partitions: Vec<OffsetCommitPartition>,
}

/// The offset of one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetCommitPartition {
    /// The partition's number.
    pub partition_index: i32,
    /// The offset of the next record to consume; −1 for none.
    pub committed_offset: i64,
    /// The epoch of the last record consumed; −1 if unknown.
    #[wire(versions = 6.., default = -1, ignorable)]
    pub committed_leader_epoch: i32,
    /// The client's own note, given back unchanged.
    #[wire(nullable = ..)]
    pub committed_metadata: Option<String>,
}

/// What was committed.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetCommitResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    #[wire(versions = 3.., ignorable)]
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<CommittedTopic>,
}

/// The results for one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CommittedTopic {
    /// The topic's name.
    #[wire(versions = ..=9, ignorable)]
    pub name: String,
    /// The topic's id; nil if unknown.
    #[wire(versions = 10.., ignorable)]
    pub topic_id: Uuid,
    /// The partitions.
    pub partitions: Vec<CommittedPartition>,
}

/// The result for one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CommittedPartition {
    /// The partition's number.
    pub partition_index: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
}
