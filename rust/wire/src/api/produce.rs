//! Produce (key 0): batches to append.
//!
//! Fields that are mere hints are dropped by the versions that lack them, instead of being an error as in the schema.

use uuid::Uuid;

use crate::{
    ErrorCode, Message, Records,
    api::leader::{CurrentLeader, NodeEndpoint},
};

/// Asks to append.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ProduceRequest {
    /// The transaction's id, if there is one.
    #[wire(nullable = ..)]
    pub transactional_id: Option<String>,
    /// Whose writing to wait for: 0 nobody (and no response), 1 the leader, −1 all in sync.
    pub acks: i16,
    /// How long to wait for the acknowledgements, in milliseconds.
    pub timeout_ms: i32,
    /// What to append, by topic.
    pub topic_data: Vec<ProduceTopic>,
}

/// What to append to one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ProduceTopic {
    /// The topic's name.
    #[wire(versions = ..=12, ignorable)]
    pub name: String,
    /// The topic's id; nil if unknown.
    #[wire(versions = 13.., ignorable)]
    pub topic_id: Uuid,
    /// What to append, by partition.
    pub partition_data: Vec<ProducePartition>,
}

/// What to append to one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ProducePartition {
    /// The partition's number.
    pub index: i32,
    /// The record batches.
    pub records: Records,
}

/// What became of the batches.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ProduceResponse {
    /// The results, by topic.
    pub responses: Vec<ProducedTopic>,
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// Where the leaders just named are reached (KIP-951).
    #[wire(versions = 10.., tag = 0, ignorable)]
    pub node_endpoints: Vec<NodeEndpoint>,
}

/// The results for one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ProducedTopic {
    /// The topic's name.
    #[wire(versions = ..=12, ignorable)]
    pub name: String,
    /// The topic's id; nil if unknown.
    #[wire(versions = 13.., ignorable)]
    pub topic_id: Uuid,
    /// The results, by partition.
    pub partition_responses: Vec<ProducedPartition>,
}

/// The result for one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ProducedPartition {
    /// The partition's number.
    pub index: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// The first record's offset; −1 on failure.
    pub base_offset: i64,
    /// When the broker appended, in milliseconds since 1970; −1 unless the topic uses that time.
    #[wire(default = -1)]
    pub log_append_time_ms: i64,
    /// Where the partition starts; −1 if unknown.
    #[wire(versions = 5.., default = -1, ignorable)]
    pub log_start_offset: i64,
    /// Which records were rejected.
    #[wire(versions = 8.., ignorable)]
    pub record_errors: Vec<RecordError>,
    /// What went wrong, in words.
    #[wire(versions = 8.., nullable = .., ignorable)]
    pub error_message: Option<String>,
    /// Whom to turn to instead (KIP-951).
    #[wire(versions = 10.., tag = 0, ignorable)]
    pub current_leader: CurrentLeader,
}

/// A record that was rejected.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct RecordError {
    /// The record's position in the batch.
    pub batch_index: i32,
    /// Why it was rejected.
    #[wire(nullable = ..)]
    pub batch_index_error_message: Option<String>,
}
