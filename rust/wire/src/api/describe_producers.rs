//! `DescribeProducers` (key 61): which idempotent producers a partition remembers (KIP-664).

use crate::{ErrorCode, Message};

/// Asks for the producers of partitions.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeProducersRequest {
    /// The topics.
    pub topics: Vec<DescribeProducersTopic>,
}

/// The partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeProducersTopic {
    /// The topic's name.
    pub name: String,
    /// The partitions' numbers.
    pub partition_indexes: Vec<i32>,
}

/// The producers.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeProducersResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<DescribedProducersTopic>,
}

/// The producers of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribedProducersTopic {
    /// The topic's name.
    pub name: String,
    /// The partitions.
    pub partitions: Vec<DescribedProducersPartition>,
}

/// The producers of one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribedProducersPartition {
    /// The partition's number.
    pub partition_index: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(nullable = ..)]
    pub error_message: Option<String>,
    /// The producers.
    pub active_producers: Vec<ActiveProducer>,
}

/// What a partition remembers of one producer.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ActiveProducer {
    /// The producer's id.
    pub producer_id: i64,
    /// Its epoch.
    pub producer_epoch: i32,
    /// The sequence number of its last record; −1 if there is none.
    #[wire(default = -1)]
    pub last_sequence: i32,
    /// The time of its last record, in milliseconds since 1970; −1 if there is none.
    #[wire(default = -1)]
    pub last_timestamp: i64,
    /// The epoch of the transaction coordinator that wrote its last marker; −1 if none did.
    pub coordinator_epoch: i32,
    /// Where its open transaction begins; −1 if none is open.
    #[wire(default = -1)]
    pub current_txn_start_offset: i64,
}
