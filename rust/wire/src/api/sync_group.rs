//! `SyncGroup` (key 14): the leader hands in assignments, every member receives its own.

use bytes::Bytes;

use crate::{ErrorCode, Message};

/// Hands in assignments, asks for one's own.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct SyncGroupRequest {
    /// The group's id.
    pub group_id: String,
    /// The generation; −1 for none.
    pub generation_id: i32,
    /// The member's id.
    pub member_id: String,
    /// The static member's own name (KIP-345); null for dynamic ones.
    #[wire(versions = 3.., nullable = ..)]
    pub group_instance_id: Option<String>,
    /// What the group does: `consumer`, `connect`.
    #[wire(versions = 5.., nullable = .., ignorable)]
    pub protocol_type: Option<String>,
    /// The way of assigning that was chosen.
    #[wire(versions = 5.., nullable = .., ignorable)]
    pub protocol_name: Option<String>,
    /// What each shall consume; empty from members that do not lead.
    pub assignments: Vec<SyncGroupAssignment>,
}

/// What one member shall consume.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct SyncGroupAssignment {
    /// The member's id.
    pub member_id: String,
    /// What the member shall consume, in the protocol's own format.
    pub assignment: Bytes,
}

/// The member's assignment.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct SyncGroupResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    #[wire(versions = 1.., ignorable)]
    pub throttle_time_ms: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What the group does: `consumer`, `connect`.
    #[wire(versions = 5.., nullable = .., ignorable)]
    pub protocol_type: Option<String>,
    /// The way of assigning that was chosen.
    #[wire(versions = 5.., nullable = .., ignorable)]
    pub protocol_name: Option<String>,
    /// What the member shall consume, in the protocol's own format.
    pub assignment: Bytes,
}
