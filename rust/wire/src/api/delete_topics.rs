//! `DeleteTopics` (key 20), by name or (from version 6) by id.

use uuid::Uuid;

use crate::{ErrorCode, Message};

/// Asks to delete topics.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteTopicsRequest {
    /// The topics.
    #[wire(versions = 6..)]
    pub topics: Vec<DeleteTopic>,
    /// The topics' names (up to version 5).
    #[wire(versions = ..=5, ignorable)]
    pub topic_names: Vec<String>,
    /// How long to wait for completion, in milliseconds.
    pub timeout_ms: i32,
}

/// A topic to delete: its name, or its id and no name.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteTopic {
    /// The topic's name; null if it is named by id.
    #[wire(nullable = ..)]
    pub name: Option<String>,
    /// The topic's id; nil if unknown.
    pub topic_id: Uuid,
}

/// What was deleted.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteTopicsResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    #[wire(versions = 1.., ignorable)]
    pub throttle_time_ms: i32,
    /// The results.
    pub responses: Vec<DeletedTopic>,
}

/// The result for one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeletedTopic {
    /// The topic's name; null if an id is unknown.
    #[wire(nullable = 6.., default = Some(String::new()))]
    pub name: Option<String>,
    /// The topic's id; nil if unknown.
    #[wire(versions = 6.., ignorable)]
    pub topic_id: Uuid,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(versions = 5.., nullable = .., ignorable)]
    pub error_message: Option<String>,
}
