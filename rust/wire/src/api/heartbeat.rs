//! Heartbeat (key 12): a member is alive, and learns of a rebalance.

use crate::{ErrorCode, Message};

/// Says that a member is alive.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct HeartbeatRequest {
    /// The group's id.
    pub group_id: String,
    /// The generation; −1 for none.
    pub generation_id: i32,
    /// The member's id.
    pub member_id: String,
    /// The static member's own name (KIP-345); null for dynamic ones.
    #[wire(versions = 3.., nullable = ..)]
    pub group_instance_id: Option<String>,
}

/// Whether the generation still stands.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct HeartbeatResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    #[wire(versions = 1.., ignorable)]
    pub throttle_time_ms: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
}
