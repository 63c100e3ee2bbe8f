//! `OffsetFetch` (key 9): how far a group had read.

use uuid::Uuid;

use crate::{ErrorCode, Message};

/// Asks for committed offsets: of one group up to version 7, of several since.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetFetchRequest {
    /// The group's id.
    #[wire(versions = ..=7)]
    pub group_id: String,
    /// What is asked for; null asks for all.
    #[wire(versions = ..=7, nullable = 2.., default = Some(Vec::new()))]
    pub topics: Option<Vec<OffsetFetchTopic>>,
    /// The groups (from version 8).
    #[wire(versions = 8..)]
    pub groups: Vec<OffsetFetchGroup>,
    /// Whether to refuse offsets of which a transaction is pending.
    #[wire(versions = 7..)]
    pub require_stable: bool,
}

/// The partitions of one topic (up to version 7).
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetFetchTopic {
    /// The topic's name.
    pub name: String,
    /// The partitions' numbers.
    pub partition_indexes: Vec<i32>,
}

/// A group asked about.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetFetchGroup {
    /// The group's id.
    pub group_id: String,
    /// The member's id; null for none.
    #[wire(versions = 9.., nullable = .., ignorable)]
    pub member_id: Option<String>,
    /// The member's epoch; −1 for none.
    #[wire(versions = 9.., default = -1, ignorable)]
    pub member_epoch: i32,
    /// What is asked for; null asks for all.
    #[wire(nullable = ..)]
    pub topics: Option<Vec<OffsetFetchGroupTopic>>,
}

/// The partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetFetchGroupTopic {
    /// The topic's name.
    #[wire(versions = ..=9, ignorable)]
    pub name: String,
    /// The topic's id; nil if unknown.
    #[wire(versions = 10.., ignorable)]
    pub topic_id: Uuid,
    /// The partitions' numbers.
    pub partition_indexes: Vec<i32>,
}

/// The committed offsets.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OffsetFetchResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    #[wire(versions = 3.., ignorable)]
    pub throttle_time_ms: i32,
    /// The offsets, by topic.
    #[wire(versions = ..=7)]
    pub topics: Vec<FetchedOffsetsTopic>,
    /// What went wrong, if anything.
    #[wire(versions = 2..=7, ignorable)]
    pub error_code: ErrorCode,
    /// The offsets, by group (from version 8).
    #[wire(versions = 8..)]
    pub groups: Vec<FetchedOffsetsGroup>,
}

/// The offsets of one topic (up to version 7).
#[derive(Debug, Clone, PartialEq, Message)]
pub struct FetchedOffsetsTopic {
    /// The topic's name.
    pub name: String,
    /// The partitions.
    pub partitions: Vec<FetchedOffset>,
}

/// The offsets of one group.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct FetchedOffsetsGroup {
    /// The group's id.
    pub group_id: String,
    /// The offsets, by topic.
    pub topics: Vec<FetchedOffsetsGroupTopic>,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
}

/// The offset of one partition (up to version 7).
#[derive(Debug, Clone, PartialEq, Message)]
pub struct FetchedOffset {
    /// The partition's number.
    pub partition_index: i32,
    /// The offset of the next record to consume; −1 for none.
    pub committed_offset: i64,
    /// The epoch of the last record consumed; −1 if unknown.
    #[wire(versions = 5.., default = -1, ignorable)]
    pub committed_leader_epoch: i32,
    /// The client's own note.
    #[wire(nullable = ..)]
    pub metadata: Option<String>,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
}

/// The offsets of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct FetchedOffsetsGroupTopic {
    /// The topic's name.
    #[wire(versions = ..=9, ignorable)]
    pub name: String,
    /// The topic's id; nil if unknown.
    #[wire(versions = 10.., ignorable)]
    pub topic_id: Uuid,
    /// The partitions.
    pub partitions: Vec<FetchedGroupOffset>,
}

/// The offset of one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct FetchedGroupOffset {
    /// The partition's number.
    pub partition_index: i32,
    /// The offset of the next record to consume; −1 for none.
    pub committed_offset: i64,
    /// The epoch of the last record consumed; −1 if unknown.
    #[wire(default = -1)]
    pub committed_leader_epoch: i32,
    /// The client's own note.
    #[wire(nullable = ..)]
    pub metadata: Option<String>,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
}
