//! Metadata (key 3): brokers, topics, partitions and their leaders.

use uuid::Uuid;

use crate::{ErrorCode, Message};

/// Asks for topics, and for the brokers beside them.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct MetadataRequest {
    /// The topics; null asks for all (an empty list does, in version 0).
    #[wire(nullable = 1.., default = Some(Vec::new()))]
    pub topics: Option<Vec<MetadataRequestTopic>>,
    /// Whether a missing topic may be created.
    #[wire(versions = 4.., default = true)]
    pub allow_auto_topic_creation: bool,
    /// Whether to say what the client may do with the cluster.
    #[wire(versions = 8..=10)]
    pub include_cluster_authorized_operations: bool,
    /// Whether to say what the client may do with each topic.
    #[wire(versions = 8..)]
    pub include_topic_authorized_operations: bool,
}

/// A topic asked for, by name or id.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct MetadataRequestTopic {
    /// The topic's id; nil if unknown.
    #[wire(versions = 10.., ignorable)]
    pub topic_id: Uuid,
    /// The topic's name; null if it is asked for by id.
    #[wire(nullable = 10.., default = Some(String::new()))]
    pub name: Option<String>,
}

/// The cluster as this broker sees it.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct MetadataResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    #[wire(versions = 3.., ignorable)]
    pub throttle_time_ms: i32,
    /// All brokers.
    pub brokers: Vec<MetadataBroker>,
    /// The cluster's id.
    #[wire(versions = 2.., nullable = .., ignorable)]
    pub cluster_id: Option<String>,
    /// The controller's id; −1 if there is none.
    #[wire(versions = 1.., default = -1, ignorable)]
    pub controller_id: i32,
    /// The topics asked for.
    pub topics: Vec<MetadataTopic>,
    /// What the client may do, as a bit field; `i32::MIN` if not asked for.
    #[wire(versions = 8..=10, default = i32::MIN)]
    pub cluster_authorized_operations: i32,
    /// What went wrong, if anything.
    #[wire(versions = 13.., ignorable)]
    pub error_code: ErrorCode,
}

/// A broker and its address.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct MetadataBroker {
    /// The broker's id.
    pub node_id: i32,
    /// Where clients reach it.
    pub host: String,
    /// Where clients reach it.
    pub port: i32,
    /// Its rack, if it has one.
    #[wire(versions = 1.., nullable = .., ignorable)]
    pub rack: Option<String>,
}

/// A topic and its partitions.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct MetadataTopic {
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// The topic's name; null if an id is unknown.
    #[wire(nullable = 12.., default = Some(String::new()))]
    pub name: Option<String>,
    /// The topic's id; nil if unknown.
    #[wire(versions = 10.., ignorable)]
    pub topic_id: Uuid,
    /// Whether it is one of Kafka's own topics.
    #[wire(versions = 1.., ignorable)]
    pub is_internal: bool,
    /// The partitions.
    pub partitions: Vec<MetadataPartition>,
    /// What the client may do, as a bit field; `i32::MIN` if not asked for.
    #[wire(versions = 8.., default = i32::MIN)]
    pub topic_authorized_operations: i32,
}

/// A partition, its leader and replicas.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct MetadataPartition {
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// The partition's number.
    pub partition_index: i32,
    /// The leader's id; −1 if there is none.
    pub leader_id: i32,
    /// The leader's epoch; −1 if unknown.
    #[wire(versions = 7.., default = -1, ignorable)]
    pub leader_epoch: i32,
    /// All brokers with a replica.
    pub replica_nodes: Vec<i32>,
    /// The brokers whose replica is in sync.
    pub isr_nodes: Vec<i32>,
    /// The brokers whose replica is offline.
    #[wire(versions = 5.., ignorable)]
    pub offline_replicas: Vec<i32>,
}
