//! What the coordinator answers, and what that means.

use bytes::Bytes;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::join_group::JoinGroupResponse;
use kafkalite_wire::api::sync_group::SyncGroupResponse;
use kafkalite_wire::consumer_protocol::ConsumerProtocolAssignment;

use super::event::passes;
use super::{
    Membership, MembershipEffect, MembershipFailure, Next, PartitionSet, Phase, Role, TopicSet,
};
use crate::error::{ClientError, Result};
use kafkalite_names::TopicPartition;

impl Membership {
    pub(super) fn joined(
        &mut self,
        answer: Result<JoinGroupResponse>,
        to: &mut Vec<MembershipEffect>,
    ) {
        if self.phase != Phase::Joining {
            return;
        }
        let response = match answer {
            Ok(response) => response,
            Err(error) => return self.unreachable(error, to),
        };
        match response.error_code {
            ErrorCode::None => self.admitted(response, to),
            ErrorCode::MemberIdRequired if !response.member_id.is_empty() => {
                self.member_id = response.member_id;
                self.ask_to_join(to);
            }
            code => self.join_refused(code, to),
        }
    }

    fn admitted(&mut self, response: JoinGroupResponse, to: &mut Vec<MembershipEffect>) {
        self.generation = response.generation_id;
        if !response.member_id.is_empty() {
            self.member_id = response.member_id;
        }
        self.role = match (response.leader == self.member_id, response.skip_assignment) {
            (false, _) => Role::Follower,
            (true, false) => Role::Leader,
            (true, true) => Role::LeaderAgain,
        };
        self.protocol = response.protocol_name.unwrap_or_default();
        if self.role == Role::Follower {
            self.ask_to_sync(Vec::new(), to);
            return;
        }
        // Where the assignments stay, it is still to know which topics to look after.
        self.phase = Phase::Dividing;
        self.beat_at = self.now + self.terms.heartbeat_interval;
        to.push(MembershipEffect::Divide {
            attempt: self.attempt,
            protocol: self.protocol.clone(),
            members: response.members,
        });
    }

    fn ask_to_sync(&mut self, assignments: Vec<(String, Bytes)>, to: &mut Vec<MembershipEffect>) {
        self.phase = Phase::Syncing;
        to.push(MembershipEffect::Sync {
            attempt: self.attempt,
            member_id: self.member_id.clone(),
            generation: self.generation,
            protocol: self.protocol.clone(),
            assignments,
        });
    }

    pub(super) fn divided(
        &mut self,
        answer: Result<Vec<(String, Bytes)>>,
        to: &mut Vec<MembershipEffect>,
    ) {
        if self.phase != Phase::Dividing {
            return;
        }
        match answer {
            Ok(_) if self.role == Role::LeaderAgain => self.ask_to_sync(Vec::new(), to),
            Ok(assignments) => self.ask_to_sync(assignments, to),
            Err(error) => self.unreachable(error, to),
        }
    }

    pub(super) fn synced(
        &mut self,
        answer: Result<SyncGroupResponse>,
        to: &mut Vec<MembershipEffect>,
    ) {
        if self.phase != Phase::Syncing {
            return;
        }
        let response = match answer {
            Ok(response) => response,
            Err(error) => return self.unreachable(error, to),
        };
        match response.error_code {
            ErrorCode::None => {
                let wanted = self.subscription.clone().unwrap_or_default();
                let assigned = partitions(&response.assignment, &wanted).unwrap_or_else(|detail| {
                    let generation = self.generation;
                    to.push(MembershipEffect::Report(MembershipFailure::Garbage {
                        generation,
                        detail,
                    }));
                    PartitionSet::new()
                });
                let taken: PartitionSet = self.owned.difference(&assigned).cloned().collect();
                let gained = assigned.difference(&self.owned).cloned().collect();
                let again = !taken.is_empty();
                self.release(taken, Next::Adopt { gained, again }, to);
            }
            ErrorCode::RebalanceInProgress => self.join_after_pause(),
            code => self.join_refused(code, to),
        }
    }

    /// What the group took away is given up: reads what it gave. Whoever gave something up joins once more, so that it can go
    /// to another member.
    pub(super) fn adopt(
        &mut self,
        gained: PartitionSet,
        again: bool,
        to: &mut Vec<MembershipEffect>,
    ) {
        self.owned.extend(gained.iter().cloned());
        if !gained.is_empty() {
            to.push(MembershipEffect::Adopt(gained.clone()));
        }
        to.push(MembershipEffect::Settled {
            generation: self.generation,
            why: std::mem::take(&mut self.why),
            gained,
            given_up: std::mem::take(&mut self.given_up),
            owned: self.owned.len(),
        });
        self.phase = Phase::Stable;
        self.beat_at = self.now + self.terms.heartbeat_interval;
        self.is_beating = false;
        self.terms.backoff.succeeded();
        let again = again.then(|| "it gave up partitions that go to another member".to_owned());
        if let Some(why) = self.rejoin.take().or(again) {
            self.want_to_rejoin(why, to);
        }
    }

    fn join_refused(&mut self, code: ErrorCode, to: &mut Vec<MembershipEffect>) {
        match code {
            ErrorCode::UnknownMemberId => self.lose(false, to),
            ErrorCode::IllegalGeneration => self.lose(true, to),
            ErrorCode::FencedInstanceId => self.fail(MembershipFailure::Fenced, to),
            ErrorCode::RebalanceInProgress => self.join_after_pause(),
            code if code.is_retriable() => self.join_after_pause(),
            code => self.fail(MembershipFailure::Refused(code), to),
        }
    }

    fn unreachable(&mut self, error: ClientError, to: &mut Vec<MembershipEffect>) {
        if passes(&error) {
            self.join_after_pause();
        } else {
            self.fail(MembershipFailure::Unable(error), to);
        }
    }

    fn join_after_pause(&mut self) {
        self.attempt += 1;
        self.phase = Phase::Waiting(self.now + self.terms.backoff.failed());
    }

    /// The group went on without this member.
    fn lose(&mut self, keep_id: bool, to: &mut Vec<MembershipEffect>) {
        self.forget(keep_id);
        self.lost = true;
        self.attempt += 1;
        match &self.phase {
            Phase::Stable => {
                "the group went on without it".clone_into(&mut self.why);
                self.join(to);
            }
            Phase::Joining | Phase::Dividing | Phase::Syncing => {
                // Readers have to stop now, the next attempt is made after a pause.
                let moment = self.now + self.terms.backoff.failed();
                self.release(self.owned.clone(), Next::Wait(moment), to);
            }
            _ => {}
        }
    }

    fn fail(&mut self, failure: MembershipFailure, to: &mut Vec<MembershipEffect>) {
        let next = match failure {
            MembershipFailure::Fenced => Next::Fenced,
            _ => Next::Rest,
        };
        self.forget(false);
        self.lost = true;
        self.rejoin = None;
        self.attempt += 1;
        match self.phase {
            Phase::Releasing(Next::Leave(..)) | Phase::Leaving(_) => {}
            Phase::Releasing(_) => self.phase = Phase::Releasing(next),
            _ => self.release(self.owned.clone(), next, to),
        }
        to.push(MembershipEffect::Report(failure));
    }

    pub(super) fn beaten(
        &mut self,
        generation: i32,
        answer: &Result<ErrorCode>,
        to: &mut Vec<MembershipEffect>,
    ) {
        if generation != self.generation || !self.is_beating {
            return;
        }
        self.is_beating = false;
        self.beat_at = self.now + self.terms.heartbeat_interval;
        match answer {
            Ok(ErrorCode::None) => self.terms.backoff.succeeded(),
            Ok(ErrorCode::RebalanceInProgress) => {
                if self.phase == Phase::Stable {
                    self.want_to_rejoin("the coordinator called for it".to_owned(), to);
                }
            }
            Ok(ErrorCode::UnknownMemberId) => self.lose(false, to),
            Ok(ErrorCode::IllegalGeneration) => self.lose(true, to),
            Ok(ErrorCode::FencedInstanceId) => self.fail(MembershipFailure::Fenced, to),
            Ok(code) if !code.is_retriable() => self.fail(MembershipFailure::Refused(*code), to),
            // The coordinator moves, or restarts: asked again, the group lives on meanwhile.
            Ok(_) | Err(_) => {
                let pause = self
                    .terms
                    .backoff
                    .failed()
                    .min(self.terms.heartbeat_interval);
                self.beat_at = self.now + pause;
            }
        }
    }

    pub(super) fn commit_refused(
        &mut self,
        generation: i32,
        code: ErrorCode,
        to: &mut Vec<MembershipEffect>,
    ) {
        if generation != self.generation || generation < 0 {
            return;
        }
        match (code, &self.phase) {
            (ErrorCode::FencedInstanceId, _) => self.fail(MembershipFailure::Fenced, to),
            (ErrorCode::UnknownMemberId, Phase::Stable) => self.lose(false, to),
            (ErrorCode::IllegalGeneration, Phase::Stable) => self.lose(true, to),
            (ErrorCode::RebalanceInProgress, Phase::Stable) => {
                self.want_to_rejoin("a commit met a rebalance".to_owned(), to);
            }
            _ => {}
        }
    }
}

/// The partitions of an assignment, of topics that are subscribed to: the others were assigned before the subscription
/// changed.
fn partitions(assignment: &Bytes, wanted: &TopicSet) -> Result<PartitionSet, String> {
    let decoded = ConsumerProtocolAssignment::decode(assignment).map_err(|e| e.to_string())?;
    let mut partitions = PartitionSet::new();
    for topic in decoded.assigned_partitions {
        let Some(name) = wanted.get(topic.topic.as_str()) else {
            continue;
        };
        for partition in topic.partitions {
            if partition < 0 {
                return Err(format!("{} has no partition {partition}", topic.topic));
            }
            partitions.insert(TopicPartition::new(name.clone(), partition));
        }
    }
    Ok(partitions)
}
