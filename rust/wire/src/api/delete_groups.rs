//! `DeleteGroups` (key 42).

use crate::{ErrorCode, Message};

/// Asks to delete groups.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteGroupsRequest {
    /// The groups' ids.
    pub groups_names: Vec<String>,
}

/// What was deleted.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteGroupsResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// The results.
    pub results: Vec<DeletedGroup>,
}

/// The result for one group.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeletedGroup {
    /// The group's id.
    pub group_id: String,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(versions = 3.., nullable = 3.., ignorable)]
    pub error_message: Option<String>,
}
