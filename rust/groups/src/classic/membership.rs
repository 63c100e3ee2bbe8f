//! Entering a member into the group, changing it, taking it out: where all the group's counts are kept in step.

use bytes::Bytes;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::join_group::{JoinGroupRequest, JoinGroupResponse};
use kafkalite_wire::api::sync_group::SyncGroupResponse;

use super::member::{Member, NEVER};
use super::{Classic, MemberAnswer, Now, Ticket, protocols};

/// How long a new member's first `JoinGroup` may wait, in milliseconds. Its client may be gone without our knowing, and
/// asks again if it is not.
const NEW_MEMBER_PATIENCE_MS: u64 = 5 * 60 * 1000;

impl Classic {
    /// Whether a member with these protocols can be in a group with the present ones.
    pub(super) fn supports(&self, request: &JoinGroupRequest) -> bool {
        if self.members.is_empty() {
            return !request.protocol_type.is_empty() && !request.protocols.is_empty();
        }
        self.protocol_type.as_ref() == Some(&request.protocol_type)
            && request
                .protocols
                .iter()
                .any(|offered| self.support.is_common(&offered.name, self.members.len()))
    }

    /// Puts a new member in. Its protocols were found to be supported.
    pub(super) fn insert(&mut self, member: Member, protocol_type: String) {
        if self.members.is_empty() {
            self.protocol_type = Some(protocol_type);
        }
        if let Some(instance) = &member.instance_id {
            self.statics.insert(instance.clone(), member.id.clone());
        }
        self.leader.get_or_insert_with(|| member.id.clone());
        self.pending.remove(&member.id);
        self.support.add(&member);
        self.subscribed.take();
        self.joining += usize::from(member.joining.is_some());
        self.members.insert(member.id.clone(), member);
    }

    /// Takes over what a member says when it joins again, and parks its request.
    pub(super) fn update(&mut self, id: &str, request: JoinGroupRequest, ticket: Ticket) {
        let Some(member) = self.members.get_mut(id) else {
            return;
        };
        self.support.remove(member);
        member.take(request);
        self.support.add(member);
        self.subscribed.take();
        match member.joining.replace(ticket) {
            // It asks again, most likely over a new connection: the old request has nobody who waits for it.
            Some(earlier) => self.refuse_join(earlier, id, ErrorCode::RebalanceInProgress),
            None => self.joining += 1,
        }
    }

    /// Takes a member, or an id that has not joined yet, out. Its waiting requests are told so: if its client still lives,
    /// it joins anew.
    pub(super) fn remove(&mut self, id: &str) {
        self.pending.remove(id);
        let Some(member) = self.members.remove(id) else {
            return;
        };
        self.support.remove(&member);
        self.subscribed.take();
        if let Some(instance) = &member.instance_id {
            self.statics.remove(instance);
        }
        if let Some(ticket) = member.joining {
            self.joining -= 1;
            self.refuse_join(ticket, "", ErrorCode::UnknownMemberId);
        }
        if let Some(ticket) = member.syncing {
            self.refuse_sync(ticket, ErrorCode::UnknownMemberId);
        }
        if self.leader.as_deref() == Some(id) {
            self.leader = self.members.keys().next().cloned();
        }
    }

    /// Gives the place of a static member to the same member after its restart. What the old one waits for is refused:
    /// it is fenced (KIP-345).
    pub(super) fn replace_static(&mut self, instance: &str, old: &str, new: &str) {
        let Some(mut member) = self.members.remove(old) else {
            return;
        };
        if let Some(ticket) = member.joining.take() {
            self.joining -= 1;
            self.refuse_join(ticket, old, ErrorCode::FencedInstanceId);
        }
        if let Some(ticket) = member.syncing.take() {
            self.refuse_sync(ticket, ErrorCode::FencedInstanceId);
        }
        new.clone_into(&mut member.id);
        if self.leader.as_deref() == Some(old) {
            self.leader = Some(new.to_owned());
        }
        self.statics.insert(instance.to_owned(), new.to_owned());
        self.members.insert(new.to_owned(), member);
    }

    /// Who speaks must be who it says it is: a member, and the only one of its static name.
    pub(super) fn check_member(&self, id: &str, instance: Option<&str>) -> Result<(), ErrorCode> {
        if let Some(instance) = instance {
            match self.statics.get(instance) {
                None => return Err(ErrorCode::UnknownMemberId),
                Some(current) if current != id => return Err(ErrorCode::FencedInstanceId),
                Some(_) => {}
            }
        }
        if self.members.contains_key(id) {
            Ok(())
        } else {
            Err(ErrorCode::UnknownMemberId)
        }
    }

    /// The protocol that the present members would elect.
    pub(super) fn elect_protocol(&self) -> Option<String> {
        let leader = self.leader.as_ref().and_then(|id| self.members.get(id));
        protocols::elect(&self.support, leader, self.members.values())
    }

    /// A member's `JoinGroup` waits. Until a new one is answered it cannot send heartbeats.
    pub(super) fn begin_session(&mut self, id: &str, now: Now) {
        let Some(member) = self.members.get_mut(id).filter(|member| member.is_new) else {
            return self.renew_session(id, now);
        };
        member.expires = now.ms.saturating_add(NEW_MEMBER_PATIENCE_MS);
        let deadline = member.expires;
        self.wake_by(deadline);
    }

    /// A member was heard of, or is answered: its session starts anew.
    pub(super) fn renew_session(&mut self, id: &str, now: Now) {
        let Some(member) = self.members.get_mut(id) else {
            return;
        };
        member.expires = now.ms.saturating_add(member.session_ms());
        let deadline = member.expires;
        self.wake_by(deadline);
    }

    pub(super) fn longest_rebalance_timeout(&self) -> u64 {
        let timeouts = self
            .members
            .values()
            .map(|member| member.rebalance_timeout_ms);
        u64::try_from(timeouts.max().unwrap_or(0)).unwrap_or(0)
    }

    /// Answers a waiting `JoinGroup`, if there is one.
    pub(super) fn answer_join(&mut self, id: &str, response: JoinGroupResponse, now: Now) {
        let waiting = self
            .members
            .get_mut(id)
            .and_then(|member| member.joining.take());
        if let Some(ticket) = waiting {
            self.joining -= 1;
            self.answer(ticket, MemberAnswer::Join(response));
            self.renew_session(id, now);
        }
    }

    /// Answers a waiting `SyncGroup` with the member's assignment, or with an error.
    pub(super) fn answer_sync(&mut self, id: &str, error: ErrorCode, now: Now) {
        let waiting = self
            .members
            .get_mut(id)
            .and_then(|member| member.syncing.take());
        let Some(ticket) = waiting else {
            return;
        };
        if error == ErrorCode::None {
            let response = self.synced(id);
            self.answer(ticket, MemberAnswer::Sync(response));
        } else {
            self.refuse_sync(ticket, error);
        }
        self.renew_session(id, now);
    }

    /// The assignment of a member.
    pub(super) fn synced(&self, id: &str) -> SyncGroupResponse {
        let member = self.members.get(id);
        SyncGroupResponse {
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol.clone(),
            assignment: member.map_or_else(Bytes::new, |member| member.assignment.clone()),
            ..Default::default()
        }
    }

    pub(super) fn refuse_join(&mut self, ticket: Ticket, member_id: &str, error_code: ErrorCode) {
        let response = JoinGroupResponse {
            error_code,
            member_id: member_id.to_owned(),
            ..Default::default()
        };
        self.answer(ticket, MemberAnswer::Join(response));
    }

    pub(super) fn refuse_sync(&mut self, ticket: Ticket, error_code: ErrorCode) {
        let response = SyncGroupResponse {
            error_code,
            ..Default::default()
        };
        self.answer(ticket, MemberAnswer::Sync(response));
    }

    /// A parked member does not expire before it is answered.
    pub(super) fn suspend_session(&mut self, id: &str) {
        if let Some(member) = self.members.get_mut(id) {
            member.expires = NEVER;
        }
    }
}
