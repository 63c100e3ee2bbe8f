//! A coordinator to test members with: the classic protocol in its simplest correct form.

use std::collections::BTreeMap;

use bytes::Bytes;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::join_group::{JoinGroupMember, JoinGroupResponse};
use kafkalite_wire::api::sync_group::SyncGroupResponse;

/// Whom an answer is for: a connection's number.
pub(super) type Caller = usize;

#[derive(Debug)]
pub(super) enum Answer {
    Join(JoinGroupResponse),
    Sync(SyncGroupResponse),
}

#[derive(Debug, Default)]
struct Known {
    metadata: Bytes,
    /// Whoever waits for the answer to a `JoinGroup`.
    joining: Option<Caller>,
    syncing: Option<Caller>,
    assignment: Bytes,
}

#[derive(Debug, Default)]
pub(super) struct Coordinator {
    pub(super) generation: i32,
    members: BTreeMap<String, Known>,
    leader: String,
    is_rebalancing: bool,
    is_assigned: bool,
    ids: u32,
    pub(super) answers: Vec<(Caller, Answer)>,
}

impl Coordinator {
    pub(super) fn knows(&self, id: &str) -> bool {
        self.members.contains_key(id)
    }

    pub(super) fn is_stable(&self) -> bool {
        !self.is_rebalancing && self.is_assigned
    }

    pub(super) fn join(&mut self, caller: Caller, id: &str, metadata: Bytes) {
        let refusal = if id.is_empty() {
            self.ids += 1;
            let id = format!("m{}", self.ids);
            self.members.insert(id.clone(), Known::default());
            Some((ErrorCode::MemberIdRequired, id))
        } else if !self.knows(id) {
            Some((ErrorCode::UnknownMemberId, String::new()))
        } else {
            None
        };
        if let Some((error_code, member_id)) = refusal {
            let response = JoinGroupResponse {
                error_code,
                member_id,
                ..JoinGroupResponse::default()
            };
            self.answers.push((caller, Answer::Join(response)));
            return;
        }
        let known = self.members.get_mut(id).unwrap();
        (known.metadata, known.joining) = (metadata, Some(caller));
        self.rebalance();
        self.complete();
    }

    fn rebalance(&mut self) {
        self.is_rebalancing = true;
        self.is_assigned = false;
        for known in self.members.values_mut() {
            if let Some(caller) = known.syncing.take() {
                self.answers
                    .push((caller, refused(ErrorCode::RebalanceInProgress)));
            }
        }
    }

    /// Forms the generation when everybody has joined.
    fn complete(&mut self) {
        if !self.is_rebalancing || self.members.values().any(|known| known.joining.is_none()) {
            return;
        }
        self.generation += 1;
        self.is_rebalancing = false;
        self.leader = self.members.keys().next().cloned().unwrap_or_default();
        let everybody: Vec<_> = self
            .members
            .iter()
            .map(|(id, known)| JoinGroupMember {
                member_id: id.clone(),
                metadata: known.metadata.clone(),
                ..JoinGroupMember::default()
            })
            .collect();
        for (id, known) in &mut self.members {
            let response = JoinGroupResponse {
                generation_id: self.generation,
                leader: self.leader.clone(),
                member_id: id.clone(),
                members: if *id == self.leader {
                    everybody.clone()
                } else {
                    Vec::new()
                },
                ..JoinGroupResponse::default()
            };
            let caller = known.joining.take().expect("everybody has joined");
            self.answers.push((caller, Answer::Join(response)));
        }
    }

    fn check(&self, id: &str, generation: i32) -> ErrorCode {
        if !self.knows(id) {
            ErrorCode::UnknownMemberId
        } else if generation != self.generation {
            ErrorCode::IllegalGeneration
        } else if self.is_rebalancing {
            ErrorCode::RebalanceInProgress
        } else {
            ErrorCode::None
        }
    }

    pub(super) fn heartbeat(&self, id: &str, generation: i32) -> ErrorCode {
        self.check(id, generation)
    }

    pub(super) fn sync(
        &mut self,
        caller: Caller,
        id: &str,
        generation: i32,
        assignments: Vec<(String, Bytes)>,
    ) {
        match self.check(id, generation) {
            ErrorCode::None => {}
            code => return self.answers.push((caller, refused(code))),
        }
        self.members.get_mut(id).unwrap().syncing = Some(caller);
        if id == self.leader && !self.is_assigned {
            self.is_assigned = true;
            for (id, assignment) in assignments {
                if let Some(known) = self.members.get_mut(&id) {
                    known.assignment = assignment;
                }
            }
        }
        if self.is_assigned {
            for known in self.members.values_mut() {
                if let Some(caller) = known.syncing.take() {
                    let response = SyncGroupResponse {
                        assignment: known.assignment.clone(),
                        ..SyncGroupResponse::default()
                    };
                    self.answers.push((caller, Answer::Sync(response)));
                }
            }
        }
    }

    /// A member leaves, or is given up.
    pub(super) fn remove(&mut self, id: &str) {
        if self.members.remove(id).is_some() {
            self.rebalance();
            if !self.members.is_empty() {
                self.complete();
            }
        }
    }

    /// Those whom a rebalance waits for.
    pub(super) fn laggards(&self) -> Vec<String> {
        let waits = self.is_rebalancing;
        let members = self.members.iter();
        members
            .filter(|(_, known)| waits && known.joining.is_none())
            .map(|(id, _)| id.clone())
            .collect()
    }
}

fn refused(error_code: ErrorCode) -> Answer {
    Answer::Sync(SyncGroupResponse {
        error_code,
        ..SyncGroupResponse::default()
    })
}
