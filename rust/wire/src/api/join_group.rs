//! `JoinGroup` (key 11): enter a group, wait for the others.

use bytes::Bytes;

use crate::{ErrorCode, Message};

/// Asks to enter a group.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct JoinGroupRequest {
    /// The group's id.
    pub group_id: String,
    /// After how long without a heartbeat a member is dead, in milliseconds.
    pub session_timeout_ms: i32,
    /// How long members have to join again or give up partitions, in milliseconds; −1 if not said.
    #[wire(versions = 1.., default = -1, ignorable)]
    pub rebalance_timeout_ms: i32,
    /// The member's id; empty at first.
    pub member_id: String,
    /// The static member's own name (KIP-345); null for dynamic ones.
    #[wire(versions = 5.., nullable = ..)]
    pub group_instance_id: Option<String>,
    /// What the group does: `consumer`, `connect`.
    pub protocol_type: String,
    /// Ways of assigning that the member supports, the best liked first.
    pub protocols: Vec<JoinGroupProtocol>,
    /// Why, in words.
    #[wire(versions = 8.., nullable = .., ignorable)]
    pub reason: Option<String>,
}

/// A way of assigning that the member supports.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct JoinGroupProtocol {
    /// Its name.
    pub name: String,
    /// The member's subscription, in the protocol's own format.
    pub metadata: Bytes,
}

/// The generation that was formed.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct JoinGroupResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    #[wire(versions = 2.., ignorable)]
    pub throttle_time_ms: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// The generation; −1 for none.
    #[wire(default = -1)]
    pub generation_id: i32,
    /// What the group does: `consumer`, `connect`.
    #[wire(versions = 7.., nullable = .., ignorable)]
    pub protocol_type: Option<String>,
    /// The way of assigning that was chosen.
    #[wire(nullable = 7.., default = Some(String::new()))]
    pub protocol_name: Option<String>,
    /// The leading member's id.
    pub leader: String,
    /// Whether the leader shall not assign anew.
    #[wire(versions = 9..)]
    pub skip_assignment: bool,
    /// The member's id.
    pub member_id: String,
    /// All members, for the leader; empty for the others.
    pub members: Vec<JoinGroupMember>,
}

/// A member, as its leader sees it.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct JoinGroupMember {
    /// The member's id.
    pub member_id: String,
    /// The static member's own name (KIP-345); null for dynamic ones.
    #[wire(versions = 5.., nullable = .., ignorable)]
    pub group_instance_id: Option<String>,
    /// The member's subscription, in the protocol's own format.
    pub metadata: Bytes,
}
