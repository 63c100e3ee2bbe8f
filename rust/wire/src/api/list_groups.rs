//! `ListGroups` (key 16): the groups that a broker coordinates.

use crate::{ErrorCode, Message};

/// Asks for groups.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ListGroupsRequest {
    /// Only groups in these states; empty for all.
    #[wire(versions = 4..)]
    pub states_filter: Vec<String>,
    /// Only groups of these types; empty for all.
    #[wire(versions = 5..)]
    pub types_filter: Vec<String>,
}

/// The groups.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ListGroupsResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    #[wire(versions = 1.., ignorable)]
    pub throttle_time_ms: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// The groups.
    pub groups: Vec<ListedGroup>,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ListedGroup {
    /// The group's id.
    pub group_id: String,
    /// What the group does: `consumer`, `connect`.
    pub protocol_type: String,
    /// The group's state.
    #[wire(versions = 4.., ignorable)]
    pub group_state: String,
    /// The group's type: `classic`, `consumer`, `share`.
    #[wire(versions = 5.., ignorable)]
    pub group_type: String,
}
