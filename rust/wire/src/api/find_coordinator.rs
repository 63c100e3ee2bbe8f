//! `FindCoordinator` (key 10): which broker keeps a group or a transaction.

use crate::{ErrorCode, Message};

/// Asks for coordinators.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct FindCoordinatorRequest {
    /// The group's or transaction's id.
    #[wire(versions = ..=3)]
    pub key: String,
    /// What the key names: 0 group, 1 transaction, 2 share group.
    #[wire(versions = 1..)]
    pub key_type: i8,
    /// The groups' or transactions' ids.
    #[wire(versions = 4..)]
    pub coordinator_keys: Vec<String>,
}

/// The coordinators.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct FindCoordinatorResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    #[wire(versions = 1.., ignorable)]
    pub throttle_time_ms: i32,
    /// What went wrong, if anything (up to version 3; one result, as all below).
    #[wire(versions = ..=3)]
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(versions = 1..=3, nullable = .., ignorable)]
    pub error_message: Option<String>,
    /// The coordinator's id.
    #[wire(versions = ..=3)]
    pub node_id: i32,
    /// Where clients reach it.
    #[wire(versions = ..=3)]
    pub host: String,
    /// Where clients reach it.
    #[wire(versions = ..=3)]
    pub port: i32,
    /// The coordinators, by key.
    #[wire(versions = 4..)]
    pub coordinators: Vec<Coordinator>,
}

/// The coordinator of one key.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct Coordinator {
    /// The group's or transaction's id.
    pub key: String,
    /// The coordinator's id.
    pub node_id: i32,
    /// Where clients reach it.
    pub host: String,
    /// Where clients reach it.
    pub port: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(nullable = ..)]
    pub error_message: Option<String>,
}
