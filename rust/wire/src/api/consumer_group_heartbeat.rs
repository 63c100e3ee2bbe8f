//! `ConsumerGroupHeartbeat` (key 68): the one request of the new group protocol (KIP-848).

use uuid::Uuid;

use crate::{ErrorCode, Message};

/// Joins, stays or leaves, and says what has changed since the last time.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ConsumerGroupHeartbeatRequest {
    /// The group's id.
    pub group_id: String,
    /// The member's id.
    pub member_id: String,
    /// The member's epoch; 0 joins, −1 leaves, −2 leaves for a while (static).
    pub member_epoch: i32,
    /// The static member's own name; null for none or unchanged.
    #[wire(nullable = ..)]
    pub instance_id: Option<String>,
    /// The member's rack; null for none or unchanged.
    #[wire(nullable = ..)]
    pub rack_id: Option<String>,
    /// How long members have to join again or give up partitions, in milliseconds; −1 if not said.
    #[wire(default = -1)]
    pub rebalance_timeout_ms: i32,
    /// The topics; null for unchanged.
    #[wire(nullable = ..)]
    pub subscribed_topic_names: Option<Vec<String>>,
    /// Topics by regular expression; null for none or unchanged.
    #[wire(versions = 1.., nullable = ..)]
    pub subscribed_topic_regex: Option<String>,
    /// The assignor that the broker shall use; null for its own or unchanged.
    #[wire(nullable = ..)]
    pub server_assignor: Option<String>,
    /// What the member owns now; null for unchanged.
    #[wire(nullable = ..)]
    pub topic_partitions: Option<Vec<OwnedTopicPartitions>>,
}

/// Partitions of one topic that the member owns.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct OwnedTopicPartitions {
    /// The topic's id; nil if unknown.
    pub topic_id: Uuid,
    /// The partitions.
    pub partitions: Vec<i32>,
}

/// The member's epoch and, if it has changed, its assignment.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ConsumerGroupHeartbeatResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(nullable = ..)]
    pub error_message: Option<String>,
    /// The member's id, if the broker chose it.
    #[wire(nullable = ..)]
    pub member_id: Option<String>,
    /// The member's epoch.
    pub member_epoch: i32,
    /// How often to send heartbeats, in milliseconds.
    pub heartbeat_interval_ms: i32,
    /// What the member shall own; null for unchanged.
    #[wire(nullable = ..)]
    pub assignment: Option<HeartbeatAssignment>,
}

/// The partitions that the member shall own.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct HeartbeatAssignment {
    /// Partitions, by topic.
    pub topic_partitions: Vec<AssignedTopicPartitions>,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AssignedTopicPartitions {
    /// The topic's id; nil if unknown.
    pub topic_id: Uuid,
    /// The partitions.
    pub partitions: Vec<i32>,
}
