//! A group as a record, and back.

use kafkalite_wire::api::join_group::JoinGroupProtocol;

use super::member::Member;
use super::{Classic, ClassicRules, ClassicState, Now};
use crate::records::{GroupMetadata, StoredMember};

impl Classic {
    /// What a restart must know.
    pub fn to_record(&self) -> GroupMetadata {
        let protocol = self.protocol.as_deref();
        let members = self.members.values().map(|member| StoredMember {
            member_id: member.id.clone(),
            group_instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            rebalance_timeout: member.rebalance_timeout_ms,
            session_timeout: member.session_timeout_ms,
            subscription: member.metadata(protocol),
            assignment: member.assignment.clone(),
        });
        GroupMetadata {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            current_state_timestamp: self.since_ms.unwrap_or(-1),
            members: members.collect(),
        }
    }

    /// The group that was stored. Its members have a session timeout's time to be heard of.
    pub fn from_record(record: GroupMetadata, rules: ClassicRules, now: Now) -> Self {
        let mut group = Self::new(rules, now);
        group.since_ms = Some(record.current_state_timestamp).filter(|&ms| ms >= 0);
        group.generation = record.generation;
        group.protocol = record.protocol;
        group.protocol_type = Some(record.protocol_type).filter(|kind| !kind.is_empty());
        for stored in record.members {
            let protocol = JoinGroupProtocol {
                name: group.protocol.clone().unwrap_or_default(),
                metadata: stored.subscription,
            };
            let member = Member {
                id: stored.member_id,
                instance_id: stored.group_instance_id,
                client_id: stored.client_id,
                client_host: stored.client_host,
                session_timeout_ms: stored.session_timeout,
                // Records of version 0 have one timeout for both.
                rebalance_timeout_ms: match stored.rebalance_timeout {
                    ..0 => stored.session_timeout,
                    timeout => timeout,
                },
                protocols: vec![protocol],
                assignment: stored.assignment,
                joining: None,
                syncing: None,
                owes_sync: false,
                is_new: false,
                expires: 0,
            };
            let id = member.id.clone();
            group.insert(member, group.protocol_type.clone().unwrap_or_default());
            group.renew_session(&id, now);
            group.state = ClassicState::Stable;
        }
        if group.members.is_empty() {
            group.leader = None;
        } else if let Some(leader) = record.leader.filter(|id| group.members.contains_key(id)) {
            group.leader = Some(leader);
        }
        group
    }
}
