//! What a member says to its coordinator.

use std::sync::Arc;
use std::time::Duration;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::heartbeat::HeartbeatRequest;
use kafkalite_wire::api::join_group::{JoinGroupProtocol, JoinGroupRequest};
use kafkalite_wire::api::leave_group::{LeaveGroupRequest, LeavingMember};
use kafkalite_wire::api::sync_group::{SyncGroupAssignment, SyncGroupRequest};
use tokio::time::timeout;

use super::coordinator_link::CoordinatorLink;
use super::division::subscription;
use super::membership::{MembershipEffect, MembershipEvent};
use super::shared::MemberShared;
use crate::config::ConsumerConfig;
use crate::error::ClientError;

/// What members of consumer groups call what they do.
const PROTOCOL_TYPE: &str = "consumer";

/// From this version on `LeaveGroup` names several members.
const SEVERAL_LEAVE: i16 = 3;

/// How much longer than the rebalance may take the answer to a `JoinGroup` may.
const SLACK: Duration = Duration::from_secs(5);

/// Sends what the membership wants sent, and waits for the answer.
pub(super) async fn send(
    shared: Arc<MemberShared>,
    link: Arc<CoordinatorLink>,
    effect: MembershipEffect,
) -> Option<MembershipEvent> {
    let config = shared.consumer.config();
    let request_timeout = config.client.request_timeout;
    let group_id = || shared.group.to_string();
    let instance = || shared.instance.as_deref().map(str::to_owned);
    match effect {
        MembershipEffect::Join {
            attempt,
            member_id,
            generation,
            topics,
            owned,
            why,
        } => {
            let protocols = config.assignors.iter().filter_map(|assignor| {
                let metadata = subscription(*assignor, &topics, &owned, generation).ok()?;
                let name = assignor.name().to_owned();
                Some(JoinGroupProtocol { name, metadata })
            });
            let protocols: Vec<_> = protocols.collect();
            let request = |_| JoinGroupRequest {
                group_id: group_id(),
                session_timeout_ms: config.session_timeout.as_millis() as i32,
                rebalance_timeout_ms: config.max_poll_interval.as_millis() as i32,
                member_id: member_id.clone(),
                group_instance_id: instance(),
                protocol_type: PROTOCOL_TYPE.to_owned(),
                protocols: protocols.clone(),
                reason: Some(shortened(&why)),
            };
            let limit = request_timeout.max(config.max_poll_interval + SLACK);
            let answer = link.ask(request, limit, |response| response.error_code);
            Some(MembershipEvent::Joined(attempt, answer.await))
        }
        MembershipEffect::Sync {
            attempt,
            member_id,
            generation,
            protocol,
            assignments,
        } => {
            let assignments = assignments.into_iter();
            let assignments: Vec<_> = assignments
                .map(|(member_id, assignment)| SyncGroupAssignment {
                    member_id,
                    assignment,
                })
                .collect();
            let request = |_| SyncGroupRequest {
                group_id: group_id(),
                generation_id: generation,
                member_id: member_id.clone(),
                group_instance_id: instance(),
                protocol_type: Some(PROTOCOL_TYPE.to_owned()),
                protocol_name: Some(protocol.clone()),
                assignments: assignments.clone(),
            };
            let limit = request_timeout.max(config.max_poll_interval + SLACK);
            let answer = link.ask(request, limit, |response| response.error_code);
            Some(MembershipEvent::Synced(attempt, answer.await))
        }
        MembershipEffect::Heartbeat {
            member_id,
            generation,
        } => {
            let request = |_| HeartbeatRequest {
                group_id: group_id(),
                generation_id: generation,
                member_id: member_id.clone(),
                group_instance_id: instance(),
            };
            let limit = request_timeout.min(config.session_timeout);
            let answer = link
                .ask(request, limit, |response| response.error_code)
                .await;
            let answer = answer.map(|response| response.error_code);
            Some(MembershipEvent::Beaten(generation, answer))
        }
        MembershipEffect::Leave { member_id, why } => {
            // What waits there is not waited for any more; and behind a `JoinGroup` nothing would get through.
            link.hang_up().await;
            let request = |version| match version {
                SEVERAL_LEAVE.. => LeaveGroupRequest {
                    group_id: group_id(),
                    members: vec![LeavingMember {
                        member_id: member_id.clone(),
                        group_instance_id: None,
                        reason: Some(shortened(&why)),
                    }],
                    ..LeaveGroupRequest::default()
                },
                _ => LeaveGroupRequest {
                    group_id: group_id(),
                    member_id: member_id.clone(),
                    ..LeaveGroupRequest::default()
                },
            };
            let cluster = shared.consumer.cluster();
            let answer = cluster.ask_coordinator(&shared.group, request, |it| it.error_code);
            if !matches!(timeout(request_timeout, answer).await, Ok(Ok(_))) {
                tracing::debug!(group = %shared.group, "the coordinator was not told that this member leaves");
            }
            Some(MembershipEvent::Left)
        }
        _ => None,
    }
}

/// What counts as the answer to a request that nobody waits for any more.
pub(super) fn unanswered(effect: &MembershipEffect, error: ClientError) -> Option<MembershipEvent> {
    match effect {
        MembershipEffect::Join { attempt, .. } => {
            Some(MembershipEvent::Joined(*attempt, Err(error)))
        }
        MembershipEffect::Sync { attempt, .. } => {
            Some(MembershipEvent::Synced(*attempt, Err(error)))
        }
        MembershipEffect::Heartbeat { generation, .. } => {
            Some(MembershipEvent::Beaten(*generation, Err(error)))
        }
        MembershipEffect::Leave { .. } => Some(MembershipEvent::Left),
        _ => None,
    }
}

/// A reason as long as brokers expect one (KIP-800).
fn shortened(why: &str) -> String {
    why.chars().take(255).collect()
}

/// What to try when the coordinator does not take a member.
pub(super) fn advice(code: ErrorCode, config: &ConsumerConfig) -> String {
    match code {
        ErrorCode::InconsistentGroupProtocol => {
            let names: Vec<_> = config.assignors.iter().map(|it| it.name()).collect();
            format!(
                "its members divide partitions in none of the ways of partition.assignment.strategy={}: give all of them one \
                 in common",
                names.join(",")
            )
        }
        ErrorCode::InvalidSessionTimeout => format!(
            "session.timeout.ms={} is outside of what the broker allows (group.min.session.timeout.ms to \
             group.max.session.timeout.ms)",
            config.session_timeout.as_millis()
        ),
        ErrorCode::GroupMaxSizeReached => {
            "the group is full: end a member, or raise the broker's group.max.size".to_owned()
        }
        ErrorCode::InvalidGroupId => "choose another group.id".to_owned(),
        ErrorCode::GroupAuthorizationFailed => {
            "have the broker's administrator allow it to read in the group".to_owned()
        }
        _ => "look at the broker's log".to_owned(),
    }
}
