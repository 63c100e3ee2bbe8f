//! `ConsumerGroupDescribe` (key 69): groups of the new protocol, with members (KIP-848).

use uuid::Uuid;

use crate::{ErrorCode, Message};

/// Asks about groups.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ConsumerGroupDescribeRequest {
    /// The groups' ids.
    pub group_ids: Vec<String>,
    /// Whether to say what the client may do with each group.
    pub include_authorized_operations: bool,
}

/// The groups.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ConsumerGroupDescribeResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// The groups.
    pub groups: Vec<DescribedConsumerGroup>,
}

/// A group and its members.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribedConsumerGroup {
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(nullable = ..)]
    pub error_message: Option<String>,
    /// The group's id.
    pub group_id: String,
    /// The group's state.
    pub group_state: String,
    /// Grows with every change of membership or subscription.
    pub group_epoch: i32,
    /// The group epoch that the target assignment was made for.
    pub assignment_epoch: i32,
    /// The assignor in use.
    pub assignor_name: String,
    /// The members.
    pub members: Vec<ConsumerGroupMember>,
    /// What the client may do, as a bit field; `i32::MIN` if not asked for.
    #[wire(default = i32::MIN)]
    pub authorized_operations: i32,
}

/// A member.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ConsumerGroupMember {
    /// The member's id.
    pub member_id: String,
    /// The static member's own name, if it has one.
    #[wire(nullable = ..)]
    pub instance_id: Option<String>,
    /// The member's rack, if it has one.
    #[wire(nullable = ..)]
    pub rack_id: Option<String>,
    /// The member's epoch; −1 for none.
    pub member_epoch: i32,
    /// The client's name for itself.
    pub client_id: String,
    /// Where it connects from.
    pub client_host: String,
    /// The topics it subscribes to.
    pub subscribed_topic_names: Vec<String>,
    /// The regular expression it subscribes with, if any.
    #[wire(nullable = ..)]
    pub subscribed_topic_regex: Option<String>,
    /// What it owns.
    pub assignment: ConsumerGroupAssignment,
    /// What it shall own.
    pub target_assignment: ConsumerGroupAssignment,
    /// 0 for the classic protocol, 1 for the new one; −1 if unknown.
    #[wire(versions = 1.., default = -1, ignorable)]
    pub member_type: i8,
}

/// Partitions by topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ConsumerGroupAssignment {
    /// Partitions, by topic.
    pub topic_partitions: Vec<ConsumerGroupTopicPartitions>,
}

/// Partitions of one topic.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ConsumerGroupTopicPartitions {
    /// The topic's id; nil if unknown.
    pub topic_id: Uuid,
    /// The topic's name.
    pub topic_name: String,
    /// The partitions.
    pub partitions: Vec<i32>,
}
