//! `JoinGroup`: who may come in, and whether that makes a new generation necessary.

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::join_group::{JoinGroupRequest, JoinGroupResponse};

use super::member::Member;
use super::{Classic, ClassicState, Effects, Joiner, MemberAnswer, Now, Ticket};

impl Classic {
    /// A member asks to enter the next generation. Its ticket is answered now or when that generation is formed.
    pub fn join(
        &mut self,
        request: JoinGroupRequest,
        joiner: Joiner,
        ticket: Ticket,
        now: Now,
    ) -> Effects {
        if !self.has_room_for(&request) {
            self.remove(&request.member_id);
            self.refuse_join(ticket, "", ErrorCode::GroupMaxSizeReached);
            self.complete_join_if_all_are_here(now);
        } else if !self.supports(&request) {
            self.refuse_join(
                ticket,
                &request.member_id,
                ErrorCode::InconsistentGroupProtocol,
            );
        } else if request.member_id.is_empty() {
            self.join_new(request, joiner, ticket, now);
        } else {
            self.join_again(request, joiner, ticket, now);
        }
        self.take_effects()
    }

    fn has_room_for(&self, request: &JoinGroupRequest) -> bool {
        let known = self.members.get(&request.member_id).or_else(|| {
            // A static member after its restart takes its own place.
            let instance = request.group_instance_id.as_ref()?;
            self.members.get(self.statics.get(instance)?)
        });
        match self.state {
            ClassicState::Empty | ClassicState::Dead => true,
            // Those who wait are counted, not the members: where the limit was lowered, the last to come back go.
            ClassicState::PreparingRebalance => {
                known.is_some_and(|member| member.joining.is_some())
                    || self.joining < self.rules.max_size
            }
            ClassicState::CompletingRebalance | ClassicState::Stable => {
                known.is_some() || self.members.len() < self.rules.max_size
            }
        }
    }

    fn join_new(&mut self, request: JoinGroupRequest, joiner: Joiner, ticket: Ticket, now: Now) {
        let current = request
            .group_instance_id
            .as_ref()
            .and_then(|instance| self.statics.get(instance));
        if let Some(current) = current.cloned() {
            self.join_in_place_of(&current, request, joiner, ticket, now);
        } else if request.group_instance_id.is_none() && joiner.returns_with_id {
            // A client that gives up before it is answered would leave a ghost behind; so it first proves that it lives
            // (KIP-394).
            let deadline = now
                .ms
                .saturating_add(u64::try_from(request.session_timeout_ms).unwrap_or(0));
            self.pending.insert(joiner.fresh_id.clone(), deadline);
            self.wake_by(deadline);
            self.refuse_join(ticket, &joiner.fresh_id, ErrorCode::MemberIdRequired);
        } else {
            let id = joiner.fresh_id.clone();
            self.add(&id, request, joiner, ticket, now);
        }
    }

    fn join_again(&mut self, request: JoinGroupRequest, joiner: Joiner, ticket: Ticket, now: Now) {
        let id = request.member_id.clone();
        if self.pending.contains_key(&id) && request.group_instance_id.is_none() {
            return self.add(&id, request, joiner, ticket, now);
        }
        if let Err(error) = self.check_member(&id, request.group_instance_id.as_deref()) {
            return self.refuse_join(ticket, &id, error);
        }
        let changed = !self.members[&id].matches(&request.protocols);
        let leads = self.leader.as_ref() == Some(&id);
        let why = match self.state {
            // It did not get the answer to its last request: nothing has changed since.
            ClassicState::CompletingRebalance if !changed => {
                return self.repeat_generation(&id, ticket);
            }
            // It wants to know its assignment again, which the next SyncGroup tells it.
            ClassicState::Stable if !changed && !leads => {
                return self.repeat_generation(&id, ticket);
            }
            // A leader that joins has seen something that calls for another assignment: partitions that were added.
            ClassicState::Stable if leads => "its leader wants to assign anew",
            _ if changed => "it subscribes to something else",
            _ => "it joins again",
        };
        let reason = format!("{id}: {why}{}", said(&request));
        self.update(&id, request, ticket);
        self.prepare_or_complete(&reason, now);
    }

    /// Tells a member of the present generation once more.
    fn repeat_generation(&mut self, id: &str, ticket: Ticket) {
        let response = self.generation_for(id);
        let members = if self.state == ClassicState::Stable {
            Vec::new()
        } else {
            response.members
        };
        self.answer(
            ticket,
            MemberAnswer::Join(JoinGroupResponse {
                members,
                ..response
            }),
        );
    }

    fn add(
        &mut self,
        id: &str,
        request: JoinGroupRequest,
        joiner: Joiner,
        ticket: Ticket,
        now: Now,
    ) {
        let reason = format!("{id} comes{}", said(&request));
        let protocol_type = request.protocol_type.clone();
        let mut member = Member::new(id.to_owned(), request, joiner);
        member.joining = Some(ticket);
        self.insert(member, protocol_type);
        self.begin_session(id, now);
        if let Some(growing) = &mut self.growing {
            growing.grew = true;
        }
        self.prepare_or_complete(&reason, now);
    }

    /// A static member has been restarted: it takes over the place, and the assignment, of who it was. As long as nothing
    /// else changes nobody else notices; that is what static members are for.
    fn join_in_place_of(
        &mut self,
        old: &str,
        request: JoinGroupRequest,
        joiner: Joiner,
        ticket: Ticket,
        now: Now,
    ) {
        let instance = request.group_instance_id.clone().unwrap_or_default();
        let old_leader = self.leader.clone().unwrap_or_default();
        let id = joiner.fresh_id;
        let reason = format!("static member {instance} is back as {id}{}", said(&request));
        self.replace_static(&instance, old, &id);
        self.update(&id, request, ticket);
        if let Some(member) = self.members.get_mut(&id) {
            (member.client_id, member.client_host) = (joiner.client_id, joiner.client_host);
        }
        self.begin_session(&id, now);
        match self.state {
            ClassicState::Stable if self.elect_protocol() == self.protocol => {
                self.tell(format!("{reason}; nothing else changes"));
                let generation = self.generation_for(&id);
                let response = if joiner.can_skip_assignment {
                    let skip_assignment = self.leader.as_ref() == Some(&id);
                    JoinGroupResponse {
                        skip_assignment,
                        ..generation
                    }
                } else {
                    // Under its old id it does not recognise itself as the leader, and so does not assign.
                    JoinGroupResponse {
                        leader: old_leader,
                        members: Vec::new(),
                        ..generation
                    }
                };
                self.answer_join(&id, response, now);
                // Or the old id would be back after a restart.
                self.effects.store = true;
            }
            // Its old id may be on its way to the leader, and the new one would get no assignment.
            ClassicState::Stable | ClassicState::CompletingRebalance => self.prepare(&reason, now),
            _ => self.complete_join_if_all_are_here(now),
        }
    }

    /// The present generation, as this member is told of it.
    pub(super) fn generation_for(&self, id: &str) -> JoinGroupResponse {
        let protocol = self.protocol.as_deref();
        let members = if self.leader.as_deref() == Some(id) {
            self.members
                .values()
                .map(|member| member.for_leader(protocol))
                .collect()
        } else {
            Vec::new()
        };
        JoinGroupResponse {
            generation_id: self.generation,
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol.clone(),
            leader: self.leader.clone().unwrap_or_default(),
            member_id: id.to_owned(),
            members,
            ..Default::default()
        }
    }
}

/// The client's own reason (KIP-800).
fn said(request: &JoinGroupRequest) -> String {
    match request.reason.as_deref() {
        None | Some("") => String::new(),
        Some(reason) => format!(" ({reason})"),
    }
}
