//! `CreateTopics` (key 19).

use uuid::Uuid;

use crate::{ErrorCode, Message};

/// Asks for new topics.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreateTopicsRequest {
    /// The topics.
    pub topics: Vec<CreatableTopic>,
    /// How long to wait for completion, in milliseconds.
    #[wire(default = 60000)]
    pub timeout_ms: i32,
    /// Whether to check only, and change nothing.
    #[wire(versions = 1..)]
    pub validate_only: bool,
}

/// A topic to create.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreatableTopic {
    /// The topic's name.
    pub name: String,
    /// How many partitions; −1 for the broker's default, or where `assignments` says it.
    pub num_partitions: i32,
    /// How many replicas; −1 for the broker's default, or where `assignments` says it.
    pub replication_factor: i16,
    /// Where to place the partitions; empty leaves it to the broker.
    pub assignments: Vec<CreatableReplicaAssignment>,
    /// Settings that differ from the broker's defaults.
    pub configs: Vec<CreatableTopicConfig>,
}

/// The brokers that one partition is placed on.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreatableReplicaAssignment {
    /// The partition's number.
    pub partition_index: i32,
    /// The brokers' ids, the preferred leader first.
    pub broker_ids: Vec<i32>,
}

/// A setting of the new topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreatableTopicConfig {
    /// The setting's name.
    pub name: String,
    /// The value.
    #[wire(nullable = ..)]
    pub value: Option<String>,
}

/// What was created.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreateTopicsResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    #[wire(versions = 2.., ignorable)]
    pub throttle_time_ms: i32,
    /// The topics.
    pub topics: Vec<CreatedTopic>,
}

/// The result for one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreatedTopic {
    /// The topic's name.
    pub name: String,
    /// The topic's id; nil if unknown.
    #[wire(versions = 7.., ignorable)]
    pub topic_id: Uuid,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(versions = 1.., nullable = .., ignorable)]
    pub error_message: Option<String>,
    /// Why the settings are not told, if they are not.
    #[wire(versions = 5.., tag = 0, ignorable)]
    pub topic_config_error_code: ErrorCode,
    /// How many partitions; −1 if unknown.
    #[wire(versions = 5.., default = -1, ignorable)]
    pub num_partitions: i32,
    /// How many replicas; −1 if unknown.
    #[wire(versions = 5.., default = -1, ignorable)]
    pub replication_factor: i16,
    /// The settings in force; null if not told.
    #[wire(versions = 5.., nullable = .., ignorable)]
    pub configs: Option<Vec<CreatedTopicConfig>>,
}

/// A setting as it is in force for the new topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreatedTopicConfig {
    /// The setting's name.
    pub name: String,
    /// The value; null if there is none, or if it is secret.
    #[wire(nullable = ..)]
    pub value: Option<String>,
    /// Whether it can't be changed.
    pub read_only: bool,
    /// Where the value comes from: 1 topic, 2 broker, 3 all brokers, 4 start of the broker, 5 default; −1 unknown.
    #[wire(default = -1)]
    pub config_source: i8,
    /// Whether the value is secret.
    pub is_sensitive: bool,
}
