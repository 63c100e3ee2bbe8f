//! From a group of KIP-848 to a classic one.

use super::MigrationPolicy;
use super::named_partitions::named;
use crate::classic::{Classic, ClassicRules, Effects, MovingMember, Now};
use crate::consumer::{ClassicRecord, Consumer, Member, Topology};

/// The classic group that one of KIP-848 becomes because all members that are left speak the classic protocol: they are in it,
/// and are told to join again. `None` if it stays what it is.
pub fn downgrade(
    consumer: &Consumer,
    policy: MigrationPolicy,
    topics: &dyn Topology,
    rules: ClassicRules,
    now: Now,
) -> Option<(Classic, Effects)> {
    let members = &consumer.members;
    if !policy.downgrades || members.is_empty() || members.len() > rules.max_size {
        return None;
    }
    // Every heartbeat asks, and nearly always the first members answer.
    if members.values().any(|member| member.classic.is_none()) {
        return None;
    }
    let moving = |(id, member): (&String, &Member)| {
        let classic = member.classic.clone()?;
        Some(moving(id, member, classic, topics))
    };
    let moving = members.iter().filter_map(moving).collect();
    let reason = "its last member of the consumer protocol is gone";
    Some(Classic::with_members(
        consumer.epochs.group,
        moving,
        reason,
        rules,
        now,
    ))
}

/// A member as a classic group knows it.
fn moving(
    id: &str,
    member: &Member,
    classic: ClassicRecord,
    topics: &dyn Topology,
) -> MovingMember {
    let assignment = named(&member.assignment.assigned, topics);
    MovingMember {
        id: id.to_owned(),
        instance_id: member.instance_id.clone(),
        client_id: member.client_id.clone(),
        client_host: member.client_host.clone(),
        session_timeout_ms: classic.session_timeout_ms,
        rebalance_timeout_ms: member.rebalance_timeout_ms,
        protocols: classic
            .protocols
            .into_iter()
            .map(|protocol| (protocol.name, protocol.metadata))
            .collect(),
        assignment: assignment.encode().unwrap_or_default(),
    }
}
