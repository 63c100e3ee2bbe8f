//! `LeaveGroup` (key 13): members go.

use crate::{ErrorCode, Message};

/// Takes members out of a group.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct LeaveGroupRequest {
    /// The group's id.
    pub group_id: String,
    /// The member's id (up to version 2).
    #[wire(versions = ..=2)]
    pub member_id: String,
    /// The members (from version 3).
    #[wire(versions = 3..)]
    pub members: Vec<LeavingMember>,
}

/// A member that goes.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct LeavingMember {
    /// The member's id.
    pub member_id: String,
    /// The static member's own name (KIP-345); null for dynamic ones.
    #[wire(nullable = ..)]
    pub group_instance_id: Option<String>,
    /// Why, in words.
    #[wire(versions = 5.., nullable = .., ignorable)]
    pub reason: Option<String>,
}

/// Who has left.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct LeaveGroupResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    #[wire(versions = 1.., ignorable)]
    pub throttle_time_ms: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// The results (from version 3).
    #[wire(versions = 3..)]
    pub members: Vec<LeftMember>,
}

/// The result for one member.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct LeftMember {
    /// The member's id.
    pub member_id: String,
    /// The static member's own name (KIP-345); null for dynamic ones.
    #[wire(nullable = ..)]
    pub group_instance_id: Option<String>,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
}
