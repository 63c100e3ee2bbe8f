//! Fetch (key 1): batches to read, by partition and offset; sessions are KIP-227, topic ids KIP-516.
//!
//! Answers in versions 0 and 1 hold message sets of magic 0, in 2 and 3 those of magic 0 and 1, and none holds batches.
//!
//! Fields that are mere hints are dropped by the versions that lack them, instead of being an error as in the schema.

use uuid::Uuid;

use crate::{
    ErrorCode, Message, Records,
    api::leader::{CurrentLeader, NodeEndpoint},
};

/// Asks for batches.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct FetchRequest {
    /// The cluster that a follower believes to be in.
    #[wire(versions = 12.., nullable = .., tag = 0, ignorable)]
    pub cluster_id: Option<String>,
    /// The follower's id; −1 for consumers.
    #[wire(versions = ..=14, default = -1)]
    pub replica_id: i32,
    /// Which follower is fetching.
    #[wire(versions = 15.., tag = 1)]
    pub replica_state: FetchReplicaState,
    /// How long to wait for `min_bytes`, in milliseconds.
    pub max_wait_ms: i32,
    /// Fewest bytes worth a response.
    pub min_bytes: i32,
    /// Most bytes of batches in the response; the first batch comes even if larger (KIP-74).
    #[wire(versions = 3.., default = i32::MAX, ignorable)]
    pub max_bytes: i32,
    /// 0 reads all records, 1 only those of committed transactions.
    #[wire(versions = 4..)]
    pub isolation_level: i8,
    /// The fetch session; 0 asks for a new one (KIP-227).
    #[wire(versions = 7.., ignorable)]
    pub session_id: i32,
    /// The request's number in the session; −1 for none, 0 for the first.
    #[wire(versions = 7.., default = -1, ignorable)]
    pub session_epoch: i32,
    /// What to read; within a session, what has changed.
    pub topics: Vec<FetchTopic>,
    /// What to take out of the session.
    #[wire(versions = 7..)]
    pub forgotten_topics_data: Vec<ForgottenTopic>,
    /// The client's rack; empty if unknown.
    #[wire(versions = 11.., ignorable)]
    pub rack_id: String,
}

/// Which follower is fetching; nothing for consumers.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct FetchReplicaState {
    /// The follower's id; −1 for consumers.
    #[wire(default = -1)]
    pub replica_id: i32,
    /// The follower's broker epoch.
    #[wire(default = -1)]
    pub replica_epoch: i64,
}

/// What to read from one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct FetchTopic {
    /// The topic's name.
    #[wire(versions = ..=12, ignorable)]
    pub topic: String,
    /// The topic's id; nil if unknown.
    #[wire(versions = 13.., ignorable)]
    pub topic_id: Uuid,
    /// What to read, by partition.
    pub partitions: Vec<FetchPartition>,
}

/// Partitions to take out of the session.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ForgottenTopic {
    /// The topic's name.
    #[wire(versions = ..=12, ignorable)]
    pub topic: String,
    /// The topic's id; nil if unknown.
    #[wire(versions = 13.., ignorable)]
    pub topic_id: Uuid,
    /// The partitions' numbers.
    pub partitions: Vec<i32>,
}

/// Where and how much to read in one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct FetchPartition {
    /// The partition's number.
    pub partition: i32,
    /// The leader's epoch as the client knows it; −1 if it doesn't.
    #[wire(versions = 9.., default = -1, ignorable)]
    pub current_leader_epoch: i32,
    /// The first offset wanted.
    pub fetch_offset: i64,
    /// The epoch of the follower's last record; −1 for consumers.
    #[wire(versions = 12.., default = -1)]
    pub last_fetched_epoch: i32,
    /// Where the follower's log starts; −1 for consumers.
    #[wire(versions = 5.., default = -1, ignorable)]
    pub log_start_offset: i64,
    /// Most bytes of this partition.
    pub partition_max_bytes: i32,
    /// The follower's log directory.
    #[wire(versions = 17.., tag = 0, ignorable)]
    pub replica_directory_id: Uuid,
    /// The follower's high watermark; `i64::MAX` if not given.
    #[wire(versions = 18.., tag = 1, default = i64::MAX, ignorable)]
    pub high_watermark: i64,
}

/// The batches.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct FetchResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    #[wire(versions = 1.., ignorable)]
    pub throttle_time_ms: i32,
    /// What went wrong, if anything.
    #[wire(versions = 7.., ignorable)]
    pub error_code: ErrorCode,
    /// The fetch session; 0 if there is none.
    #[wire(versions = 7..)]
    pub session_id: i32,
    /// The batches, by topic.
    pub responses: Vec<FetchedTopic>,
    /// Where the leaders just named are reached (KIP-951).
    #[wire(versions = 16.., tag = 0, ignorable)]
    pub node_endpoints: Vec<NodeEndpoint>,
}

/// The partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct FetchedTopic {
    /// The topic's name.
    #[wire(versions = ..=12, ignorable)]
    pub topic: String,
    /// The topic's id; nil if unknown.
    #[wire(versions = 13.., ignorable)]
    pub topic_id: Uuid,
    /// The batches, by partition.
    pub partitions: Vec<FetchedPartition>,
}

/// The batches of one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct FetchedPartition {
    /// The partition's number.
    pub partition_index: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// The end of what may be read.
    pub high_watermark: i64,
    /// The end of what a committed reader may read; −1 if unknown.
    #[wire(versions = 4.., default = -1, ignorable)]
    pub last_stable_offset: i64,
    /// Where the partition starts; −1 if unknown.
    #[wire(versions = 5.., default = -1, ignorable)]
    pub log_start_offset: i64,
    /// Where the follower's log has to be cut.
    #[wire(versions = 12.., tag = 0)]
    pub diverging_epoch: DivergingEpoch,
    /// Whom to turn to instead (KIP-951).
    #[wire(versions = 12.., tag = 1, ignorable)]
    pub current_leader: CurrentLeader,
    /// A snapshot to load instead.
    #[wire(versions = 12.., tag = 2)]
    pub snapshot_id: FetchSnapshotId,
    /// Aborted transactions within the batches; null for readers of everything.
    #[wire(versions = 4.., nullable = .., ignorable)]
    pub aborted_transactions: Option<Vec<AbortedTransaction>>,
    /// The replica to read from instead; −1 for this one.
    #[wire(versions = 11.., default = -1)]
    pub preferred_read_replica: i32,
    /// The record batches; the last may be cut off.
    pub records: Records,
}

/// Where the leader's log leaves the follower's.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DivergingEpoch {
    /// The epoch; −1 if there is none.
    #[wire(default = -1)]
    pub epoch: i32,
    /// The offset after the last; −1 if unknown.
    #[wire(default = -1)]
    pub end_offset: i64,
}

/// The snapshot to load instead of the log (`KRaft` only).
#[derive(Debug, Clone, PartialEq, Message)]
pub struct FetchSnapshotId {
    /// The offset after the last; −1 if unknown.
    #[wire(default = -1)]
    pub end_offset: i64,
    /// The epoch; −1 if there is none.
    #[wire(default = -1)]
    pub epoch: i32,
}

/// A transaction whose records a committed reader leaves out.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AbortedTransaction {
    /// The producer's id; −1 for none.
    pub producer_id: i64,
    /// Where its first record stands.
    pub first_offset: i64,
}
