//! From a classic group to one of KIP-848 and back, with its members.

use kafkalite_wire::consumer_protocol::{ConsumerProtocolAssignment, ConsumerProtocolSubscription};

use super::mixed::{named, places_of};
use super::records::{ClassicRecord, ProtocolRecord};
use super::{Consumer, ConsumerRules, Member, Now, Topology};
use crate::classic::Moving;
use crate::epochs::{GroupEpochs, MemberAssignment};
use kafkalite_names::counted;

impl Consumer {
    /// The group that the members of a classic one form: each in the group's generation, with what it was assigned last. `None`
    /// if what they say cannot be read.
    pub fn from_classic(
        generation: i32,
        members: Vec<Moving>,
        topics: &dyn Topology,
        rules: &ConsumerRules,
        now: Now,
    ) -> Option<Self> {
        let mut group = Self {
            epochs: GroupEpochs {
                group: generation,
                targets: generation,
            },
            ..Self::default()
        };
        for moving in members {
            let said = ConsumerProtocolSubscription::decode(&moving.protocols.first()?.1).ok()?;
            let given = ConsumerProtocolAssignment::decode(&moving.assignment).ok()?;
            let mut assigned = places_of(&given.assigned_partitions, topics);
            assigned.retain(|place| group.occupied.is_free(place));
            let protocol = |(name, metadata)| ProtocolRecord { name, metadata };
            let mut member = Member {
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
            };
            member.renew(rules, now);
            group.insert(moving.id, member);
        }
        let mut keys = group.all_keys();
        keys.remove(&super::Key::Topics);
        group.keep(keys);
        group.resubscribe(topics);
        group.tell(format!(
            "takes over {} of the classic protocol",
            counted(group.members.len(), "member")
        ));
        Some(group)
    }

    /// Whether only members of the classic protocol are left, and how many.
    pub fn only_classic(&self) -> Option<usize> {
        let all = !self.is_empty() && self.members.values().all(|member| member.classic.is_some());
        all.then_some(self.members.len())
    }

    /// The members as a classic group knows them, and their generation.
    pub fn to_classic(&self, topics: &dyn Topology) -> (i32, Vec<Moving>) {
        let moving = |(id, member): (&String, &Member)| {
            let classic = member.classic.clone()?;
            Some(Moving {
                id: id.clone(),
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
                assignment: named(&member.assignment.assigned, topics)
                    .encode()
                    .unwrap_or_default(),
            })
        };
        (self.epochs.group, self.members.iter().filter_map(moving).collect())
    }
}
