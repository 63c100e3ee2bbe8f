//! `SyncGroup`, heartbeats and the right to commit: what a member does within its generation.

use std::collections::HashMap;

use bytes::Bytes;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::heartbeat::HeartbeatRequest;
use kafkalite_wire::api::offset_commit::OffsetCommitRequest;
use kafkalite_wire::api::sync_group::{SyncGroupAssignment, SyncGroupRequest};

use super::{Classic, ClassicState, Effects, MemberAnswer, Now, Ticket};

impl Classic {
    /// A member asks for its assignment; the leader hands all of them in. The ticket is answered now or when the leader has.
    pub fn sync(&mut self, request: SyncGroupRequest, ticket: Ticket, now: Now) -> Effects {
        let id = request.member_id.clone();
        if let Err(error) = self.check_sync(&request) {
            self.refuse_sync(ticket, error);
            return self.take_effects();
        }
        match self.state {
            ClassicState::CompletingRebalance => {
                self.note_sync(&id);
                let earlier = self
                    .members
                    .get_mut(&id)
                    .and_then(|member| member.syncing.replace(ticket));
                if let Some(earlier) = earlier {
                    // It asks again, most likely over a new connection.
                    self.refuse_sync(earlier, ErrorCode::RebalanceInProgress);
                }
                if self.leader.as_ref() == Some(&id) {
                    self.assign(request.assignments, now);
                }
            }
            ClassicState::Stable => {
                self.note_sync(&id);
                self.renew_session(&id, now);
                let response = self.synced(&id);
                self.answer(ticket, MemberAnswer::Sync(response));
            }
            ClassicState::PreparingRebalance => {
                self.refuse_sync(ticket, ErrorCode::RebalanceInProgress);
            }
            ClassicState::Empty | ClassicState::Dead => {
                self.refuse_sync(ticket, ErrorCode::UnknownMemberId);
            }
        }
        self.take_effects()
    }

    /// As [`sync`](Self::sync), with assignments that are together more than can be stored: nobody gets one, and the group
    /// begins its next generation.
    pub fn sync_too_much(
        &mut self,
        mut request: SyncGroupRequest,
        ticket: Ticket,
        now: Now,
    ) -> Effects {
        let is_wanted = self.state == ClassicState::CompletingRebalance
            && self.leader.as_ref() == Some(&request.member_id)
            && self.check_sync(&request).is_ok();
        if !is_wanted {
            request.assignments.clear();
            return self.sync(request, ticket, now);
        }
        self.refuse_sync(ticket, ErrorCode::UnknownServerError);
        for id in self.ids() {
            self.answer_sync(&id, ErrorCode::UnknownServerError, now);
        }
        self.prepare("its assignment is too large to be stored", now);
        self.take_effects()
    }

    fn check_sync(&self, request: &SyncGroupRequest) -> Result<(), ErrorCode> {
        self.check_member(&request.member_id, request.group_instance_id.as_deref())?;
        if request.generation_id != self.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        let differs = |said: &Option<String>, is: &Option<String>| said.is_some() && said != is;
        if differs(&request.protocol_type, &self.protocol_type)
            || differs(&request.protocol_name, &self.protocol)
        {
            return Err(ErrorCode::InconsistentGroupProtocol);
        }
        Ok(())
    }

    /// The leader has assigned. Who is not mentioned gets nothing; who is mentioned and not here is ignored.
    fn assign(&mut self, assignments: Vec<SyncGroupAssignment>, now: Now) {
        let mut given: HashMap<String, Bytes> = assignments
            .into_iter()
            .map(|given| (given.member_id, given.assignment))
            .collect();
        for (id, member) in &mut self.members {
            let assignment = given.remove(id).unwrap_or_default();
            member.assignment = Bytes::copy_from_slice(&assignment);
        }
        self.go(ClassicState::Stable, now);
        self.effects.store = true;
        for id in self.ids() {
            self.answer_sync(&id, ErrorCode::None, now);
        }
    }

    /// What was demanded to be stored could not be. Members must not work with an assignment that a restart would not know.
    pub fn storing_failed(&mut self, now: Now) -> Effects {
        if self.state == ClassicState::Stable {
            for id in self.ids() {
                self.clear_assignment(&id);
            }
            self.prepare("its assignment could not be stored", now);
        }
        self.take_effects()
    }

    /// A member says that it lives, and hears whether its generation still stands.
    pub fn heartbeat(&mut self, request: &HeartbeatRequest, now: Now) -> ErrorCode {
        let HeartbeatRequest {
            member_id,
            group_instance_id,
            ..
        } = request;
        if let Err(error) = self.check_member(member_id, group_instance_id.as_deref()) {
            return error;
        }
        if request.generation_id != self.generation {
            return ErrorCode::IllegalGeneration;
        }
        self.renew_session(member_id, now);
        match self.state {
            ClassicState::PreparingRebalance => ErrorCode::RebalanceInProgress,
            _ => ErrorCode::None,
        }
    }

    /// May offsets be committed? A member's commit counts as a sign of life.
    ///
    /// Without members anybody may who names no generation: admin tools, and consumers that assign partitions themselves.
    pub fn check_commit(
        &mut self,
        request: &OffsetCommitRequest,
        now: Now,
    ) -> Result<(), ErrorCode> {
        let OffsetCommitRequest {
            member_id,
            group_instance_id,
            ..
        } = request;
        let generation = request.generation_id_or_member_epoch;
        if generation < 0 && self.state == ClassicState::Empty {
            return Ok(());
        }
        if generation < 0 && member_id.is_empty() && group_instance_id.is_none() {
            return Err(ErrorCode::UnknownMemberId);
        }
        self.check_member(member_id, group_instance_id.as_deref())?;
        if generation != self.generation {
            return Err(ErrorCode::IllegalGeneration);
        }
        if self.state == ClassicState::CompletingRebalance {
            // It knows of the generation and not of its assignment: what it commits is of the one before.
            return Err(ErrorCode::RebalanceInProgress);
        }
        self.renew_session(member_id, now);
        Ok(())
    }
}
