//! Members that move to a group of another protocol, and from there.

use bytes::Bytes;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::join_group::JoinGroupProtocol;

use super::member::Member;
use super::{CONSUMER, Classic, ClassicRules, ClassicState, Effects, Now};

/// A member between two kinds of groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovingMember {
    /// Its id.
    pub id: String,
    /// The static member's name (KIP-345).
    pub instance_id: Option<String>,
    /// Its client's own name for itself.
    pub client_id: String,
    /// Where it connects from, as Kafka writes it.
    pub client_host: String,
    /// Milliseconds without a heartbeat after which it is out.
    pub session_timeout_ms: i32,
    /// Milliseconds that it may take to join again.
    pub rebalance_timeout_ms: i32,
    /// Names and subscriptions, the best liked first.
    pub protocols: Vec<(String, Bytes)>,
    /// What it was assigned last.
    pub assignment: Bytes,
}

impl Classic {
    /// How many members there are.
    pub fn size(&self) -> usize {
        self.members.len()
    }

    /// The generation and its members. One that has not been in any is not among them: it joins again.
    pub fn moving(&self) -> (i32, Vec<MovingMember>) {
        let members = self.members.values().filter(|member| !member.is_new);
        let moving = |member: &Member| MovingMember {
            id: member.id.clone(),
            instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            session_timeout_ms: member.session_timeout_ms,
            rebalance_timeout_ms: member.rebalance_timeout_ms,
            protocols: member
                .protocols
                .iter()
                .map(|protocol| (protocol.name.clone(), protocol.metadata.clone()))
                .collect(),
            assignment: member.assignment.clone(),
        };
        (self.generation, members.map(moving).collect())
    }

    /// Ends the group for another one that goes on with its members: who waits is told to join that.
    pub fn dissolve(&mut self) -> Effects {
        for id in self.ids() {
            let Some(member) = self.members.get_mut(&id) else {
                continue;
            };
            let (joining, syncing) = (member.joining.take(), member.syncing.take());
            if let Some(ticket) = joining {
                self.refuse_join(ticket, &id, ErrorCode::RebalanceInProgress);
            }
            if let Some(ticket) = syncing {
                self.refuse_sync(ticket, ErrorCode::RebalanceInProgress);
            }
        }
        self.bury();
        self.take_effects()
    }

    /// The group that members form who come from one of another protocol, in its generation. For the `reason` for which they
    /// do, it rebalances.
    pub fn with_members(
        generation: i32,
        members: Vec<MovingMember>,
        reason: &str,
        rules: ClassicRules,
        now: Now,
    ) -> (Self, Effects) {
        let mut group = Self::new(rules, now);
        group.generation = generation;
        for moving in members {
            let id = moving.id.clone();
            let protocol = |(name, metadata)| JoinGroupProtocol { name, metadata };
            let member = Member {
                id: moving.id,
                instance_id: moving.instance_id,
                client_id: moving.client_id,
                client_host: moving.client_host,
                session_timeout_ms: moving.session_timeout_ms,
                rebalance_timeout_ms: moving.rebalance_timeout_ms,
                protocols: moving.protocols.into_iter().map(protocol).collect(),
                assignment: moving.assignment,
                joining: None,
                syncing: None,
                owes_sync: false,
                is_new: false,
                expires: 0,
            };
            group.insert(member, CONSUMER.to_owned());
            group.renew_session(&id, now);
        }
        group.protocol = group.elect_protocol();
        group.state = ClassicState::Stable;
        group.prepare(reason, now);
        group.effects.store = true;
        let effects = group.take_effects();
        (group, effects)
    }
}
