//! `ElectLeaders` (key 43): has partitions choose their leaders again (KIP-460).

use crate::{ErrorCode, Message};

/// Asks for elections.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ElectLeadersRequest {
    /// 0 elects the preferred replica, 1 also one that is not in sync if no other is there.
    #[wire(versions = 1..)]
    pub election_type: i8,
    /// The partitions; null asks for all.
    #[wire(nullable = ..)]
    pub topic_partitions: Option<Vec<ElectLeadersTopic>>,
    /// How long to wait for the elections, in milliseconds.
    #[wire(default = 60000)]
    pub timeout_ms: i32,
}

/// The partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ElectLeadersTopic {
    /// The topic's name.
    pub topic: String,
    /// The partitions' numbers.
    pub partitions: Vec<i32>,
}

/// How the elections ended.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ElectLeadersResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// What went wrong, if anything.
    #[wire(versions = 1..)]
    pub error_code: ErrorCode,
    /// The topics.
    pub replica_election_results: Vec<ElectedTopic>,
}

/// The results for one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ElectedTopic {
    /// The topic's name.
    pub topic: String,
    /// The partitions.
    pub partition_result: Vec<ElectedPartition>,
}

/// The result for one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ElectedPartition {
    /// The partition's number.
    pub partition_id: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(nullable = ..)]
    pub error_message: Option<String>,
}
