//! `DescribeGroups` (key 15): groups of the classic protocol, with members.
//!
//! Fields that are mere hints are dropped by the versions that lack them, instead of being an error as in the schema.

use bytes::Bytes;

use crate::{ErrorCode, Message};

/// Asks about groups.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeGroupsRequest {
    /// The groups' ids.
    pub groups: Vec<String>,
    /// Whether to say what the client may do with each group.
    #[wire(versions = 3..)]
    pub include_authorized_operations: bool,
}

/// The groups.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeGroupsResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    #[wire(versions = 1.., ignorable)]
    pub throttle_time_ms: i32,
    /// The groups.
    pub groups: Vec<DescribedGroup>,
}

/// A group and its members.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribedGroup {
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(versions = 6.., nullable = .., ignorable)]
    pub error_message: Option<String>,
    /// The group's id.
    pub group_id: String,
    /// The group's state.
    pub group_state: String,
    /// What the group does: `consumer`, `connect`.
    pub protocol_type: String,
    /// The way of assigning that is in use.
    pub protocol_data: String,
    /// The members.
    pub members: Vec<DescribedGroupMember>,
    /// What the client may do, as a bit field; `i32::MIN` if not asked for.
    #[wire(versions = 3.., default = i32::MIN)]
    pub authorized_operations: i32,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribedGroupMember {
    /// The member's id.
    pub member_id: String,
    /// The static member's own name (KIP-345); null for dynamic ones.
    #[wire(versions = 4.., nullable = .., ignorable)]
    pub group_instance_id: Option<String>,
    /// The client's name for itself.
    pub client_id: String,
    /// Where it connects from.
    pub client_host: String,
    /// Its subscription, in the protocol's own format.
    pub member_metadata: Bytes,
    /// What it consumes, in the protocol's own format.
    pub member_assignment: Bytes,
}
