//! From a classic group to one of KIP-848.

use kafkalite_names::counted;
use kafkalite_wire::consumer_protocol::{ConsumerProtocolAssignment, ConsumerProtocolSubscription};

use super::MigrationPolicy;
use super::named_partitions::places_of;
use crate::classic::{Classic, ClassicState, MovingMember};
use crate::consumer::{
    ClassicRecord, Consumer, ConsumerKey, ConsumerRules, Member, Now, ProtocolRecord, Topology,
};
use crate::epochs::{GroupEpochs, MemberAssignment};

/// The group of KIP-848 that a classic one can become because a member of that protocol joins: its members are in it, each in
/// the group's generation, with what it was assigned last. `None` if it cannot, or if what its members say cannot be read.
pub fn upgrade(
    classic: &Classic,
    policy: MigrationPolicy,
    topics: &dyn Topology,
    rules: &ConsumerRules,
    now: Now,
) -> Option<Consumer> {
    if classic.state() == ClassicState::Empty {
        return Some(Consumer::default());
    }
    if !policy.upgrades || !classic.is_for_consumers() || classic.size() > rules.max_size {
        return None;
    }
    let (generation, members) = classic.moving();
    let mut group = Consumer::default();
    group.epochs = GroupEpochs {
        group: generation,
        targets: generation,
    };
    for moving in members {
        let id = moving.id.clone();
        let mut member = member(moving, generation, &group, topics)?;
        member.renew(rules, now);
        group.insert(id, member);
    }
    let mut keys = group.all_keys();
    keys.remove(&ConsumerKey::Topics);
    group.keep(keys);
    group.resubscribe(topics);
    let members = counted(group.members.len(), "member");
    group.tell(format!("takes over {members} of the classic protocol"));
    Some(group)
}

fn member(
    moving: MovingMember,
    generation: i32,
    group: &Consumer,
    topics: &dyn Topology,
) -> Option<Member> {
    let said = ConsumerProtocolSubscription::decode(&moving.protocols.first()?.1).ok()?;
    let given = ConsumerProtocolAssignment::decode(&moving.assignment).ok()?;
    let mut assigned = places_of(&given.assigned_partitions, topics);
    assigned.retain(|place| group.occupied.is_free(place));
    let protocol = |(name, metadata)| ProtocolRecord { name, metadata };
    Some(Member {
        instance_id: moving.instance_id,
        rack_id: said.rack_id,
        client_id: moving.client_id,
        client_host: moving.client_host,
        topics: said.topics.into_iter().collect(),
        rebalance_timeout_ms: moving.rebalance_timeout_ms,
        classic: Some(ClassicRecord {
            session_timeout_ms: moving.session_timeout_ms,
            protocols: moving.protocols.into_iter().map(protocol).collect(),
        }),
        assignment: MemberAssignment::settled(generation, assigned),
        ..Member::new()
    })
}
