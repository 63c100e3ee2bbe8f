//! What a membership is told, and what it wants done.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::join_group::{JoinGroupMember, JoinGroupResponse};
use kafkalite_wire::api::sync_group::SyncGroupResponse;
use tokio::time::Instant;

use crate::error::{ClientError, Result};
use kafkalite_names::TopicPartition;

pub(in crate::group) type PartitionSet = BTreeSet<TopicPartition>;
pub(in crate::group) type TopicSet = BTreeSet<Arc<str>>;

/// What happened.
#[derive(Debug)]
pub(in crate::group) enum MembershipEvent {
    /// The member wants these topics, for this reason.
    Subscribed(TopicSet, String),
    /// It wants nothing any more.
    Unsubscribed,
    /// It goes for good.
    Close,
    /// The group shall divide anew, for this reason.
    Rejoin(String),
    /// When a reader last asked for something.
    Asked(Instant),
    /// A reader asks, after the member rested.
    Knocked,
    /// Time has passed.
    Tick,
    /// The answer to [`MembershipEffect::Join`] with this number.
    Joined(u64, Result<JoinGroupResponse>),
    /// The leader has divided, as [`MembershipEffect::Divide`] with this number asked: members' ids and assignments.
    Divided(u64, Result<Vec<(String, Bytes)>>),
    /// The answer to [`MembershipEffect::Sync`] with this number.
    Synced(u64, Result<SyncGroupResponse>),
    /// The answer to a heartbeat in this generation.
    Beaten(i32, Result<ErrorCode>),
    /// The answer to a commit in this generation concerns the membership.
    CommitRefused(i32, ErrorCode),
    /// [`MembershipEffect::Release`] is done.
    Released,
    /// [`MembershipEffect::Leave`] was answered, or never will be.
    Left,
}

/// What is to be done. Requests that are numbered may be abandoned: an answer with an old number counts for nothing.
#[derive(Debug)]
pub(in crate::group) enum MembershipEffect {
    /// Send a `JoinGroup`.
    Join {
        attempt: u64,
        member_id: String,
        generation: i32,
        topics: TopicSet,
        owned: PartitionSet,
        why: String,
    },
    /// Divide the topics' partitions among the members.
    Divide {
        attempt: u64,
        protocol: String,
        members: Vec<JoinGroupMember>,
    },
    /// Send a `SyncGroup`.
    Sync {
        attempt: u64,
        member_id: String,
        generation: i32,
        protocol: String,
        assignments: Vec<(String, Bytes)>,
    },
    /// Send a heartbeat.
    Heartbeat { member_id: String, generation: i32 },
    /// Send a `LeaveGroup`; what still waits for an answer is of no interest any more.
    Leave { member_id: String, why: String },
    /// Have readers drop these partitions, commit what they consumed unless the partitions are lost, and let go of them.
    Release {
        partitions: PartitionSet,
        lost: bool,
    },
    /// Read these partitions too.
    Adopt(PartitionSet),
    /// A rebalance is over.
    Settled {
        generation: i32,
        why: String,
        gained: PartitionSet,
        given_up: PartitionSet,
        owned: usize,
    },
    /// Tell the reader.
    Report(MembershipFailure),
    /// The reader was silent for too long.
    Silent,
}

/// Why the member is not in the group, or has nothing in it.
#[derive(Debug)]
pub(in crate::group) enum MembershipFailure {
    /// The coordinator refuses.
    Refused(ErrorCode),
    /// The coordinator can't be asked.
    Unable(ClientError),
    /// Another member has this one's name.
    Fenced,
    /// The assignment cannot be read.
    Garbage { generation: i32, detail: String },
}

/// Whether the same may succeed later.
pub(super) fn passes(error: &ClientError) -> bool {
    error.retriable() || error.stale_metadata()
}
