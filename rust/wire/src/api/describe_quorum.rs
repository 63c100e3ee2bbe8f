//! `DescribeQuorum` (key 55): who keeps the cluster's metadata, and how far each of them is (KIP-595, KIP-836, KIP-853).

use uuid::Uuid;

use crate::{ErrorCode, Message};

/// Asks for the quorums of partitions; only `__cluster_metadata` has one.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeQuorumRequest {
    /// The topics.
    pub topics: Vec<DescribeQuorumTopic>,
}

/// The partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeQuorumTopic {
    /// The topic's name.
    pub topic_name: String,
    /// The partitions.
    pub partitions: Vec<DescribeQuorumPartition>,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeQuorumPartition {
    /// The partition's number.
    pub partition_index: i32,
}

/// The quorums.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeQuorumResponse {
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(versions = 2.., nullable = 2.., ignorable)]
    pub error_message: Option<String>,
    /// The topics.
    pub topics: Vec<DescribedQuorumTopic>,
    /// The nodes of the quorum and where they listen.
    #[wire(versions = 2..)]
    pub nodes: Vec<QuorumNode>,
}

/// The quorums of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribedQuorumTopic {
    /// The topic's name.
    pub topic_name: String,
    /// The partitions.
    pub partitions: Vec<DescribedQuorumPartition>,
}

/// The quorum of one partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribedQuorumPartition {
    /// The partition's number.
    pub partition_index: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(versions = 2.., nullable = 2.., ignorable)]
    pub error_message: Option<String>,
    /// The leader's id; −1 if unknown.
    pub leader_id: i32,
    /// The leader's epoch.
    pub leader_epoch: i32,
    /// The offset up to which a majority has everything.
    pub high_watermark: i64,
    /// Those who vote.
    pub current_voters: Vec<QuorumReplica>,
    /// Those who only follow.
    pub observers: Vec<QuorumReplica>,
}

/// A member of a quorum and how far it is.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct QuorumReplica {
    /// The node's id.
    pub replica_id: i32,
    /// The id of its directory; nil if it has none.
    #[wire(versions = 2..)]
    pub replica_directory_id: Uuid,
    /// The end of its log; −1 if unknown.
    pub log_end_offset: i64,
    /// When it last fetched from the leader, in milliseconds since 1970; −1 if unknown.
    #[wire(versions = 1.., default = -1, ignorable)]
    pub last_fetch_timestamp: i64,
    /// When it had everything that the leader had, in milliseconds since 1970; −1 if unknown.
    #[wire(versions = 1.., default = -1, ignorable)]
    pub last_caught_up_timestamp: i64,
}

/// A node of a quorum.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct QuorumNode {
    /// The node's id.
    pub node_id: i32,
    /// Where it listens.
    pub listeners: Vec<QuorumListener>,
}

/// Where a node of a quorum listens.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct QuorumListener {
    /// The listener's name.
    pub name: String,
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
}
