//! The state machine as a table: events, and who is answered what.

mod interleavings;
mod static_members;
mod table;

use bytes::Bytes;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::heartbeat::HeartbeatRequest;
use kafkalite_wire::api::join_group::{JoinGroupProtocol, JoinGroupRequest, JoinGroupResponse};
use kafkalite_wire::api::leave_group::LeavingMember;
use kafkalite_wire::api::sync_group::{SyncGroupAssignment, SyncGroupRequest, SyncGroupResponse};

use super::{Classic, ClassicRules, Effects, Joiner, MemberAnswer, Now, Ticket};
use crate::records::GroupMetadata;

pub(super) const SESSION: u64 = 10_000;
pub(super) const REBALANCE: u64 = 60_000;

pub(super) const RULES: ClassicRules = ClassicRules {
    initial_delay_ms: 0,
    max_size: 100,
};

/// A group with a clock, and a record of who was answered what.
pub(super) struct Scene {
    pub(super) group: Classic,
    pub(super) ms: u64,
    tickets: Ticket,
    pub(super) answers: Vec<(Ticket, MemberAnswer)>,
    pub(super) stores: usize,
    /// Whether storing fails.
    pub(super) full: bool,
    stored: Option<GroupMetadata>,
}

impl Scene {
    pub(super) fn new(rules: ClassicRules) -> Self {
        let now = Now { ms: 0, wall_ms: 0 };
        Self {
            group: Classic::new(rules, now),
            ms: 0,
            tickets: 0,
            answers: Vec::new(),
            stores: 0,
            full: false,
            stored: None,
        }
    }

    pub(super) fn now(&self) -> Now {
        Now {
            ms: self.ms,
            wall_ms: self.ms as i64,
        }
    }

    fn take(&mut self, effects: Effects) {
        self.stores += usize::from(effects.store);
        let failed = effects.store && self.full;
        let answer = |(ticket, answer): (Ticket, MemberAnswer)| {
            if failed {
                (ticket, answer.failed(ErrorCode::CoordinatorNotAvailable))
            } else {
                (ticket, answer)
            }
        };
        self.answers.extend(effects.answers.into_iter().map(answer));
        if failed {
            let more = self.group.storing_failed(self.now());
            assert!(!more.store);
            self.answers.extend(more.answers);
        } else if effects.store {
            self.stored = Some(self.group.to_record());
        }
    }

    /// Kills the broker and starts it: what is not stored is lost, as is what waits.
    pub(super) fn restart(&mut self, rules: ClassicRules) {
        self.answers.clear();
        self.group = match self.stored.clone() {
            Some(stored) => Classic::from_record(stored, rules, self.now()),
            None => Classic::new(rules, self.now()),
        };
    }

    /// Lets time pass as the timers would: never past a moment that the group wants to see.
    pub(super) fn pass(&mut self, ms: u64) {
        let end = self.ms + ms;
        while let Some(wake) = self.group.wake().filter(|&wake| wake <= end) {
            self.ms = self.ms.max(wake);
            let effects = self.group.tick(self.now());
            self.take(effects);
        }
        self.ms = end;
    }

    pub(super) fn send_join(&mut self, request: JoinGroupRequest, version: i16) -> Ticket {
        self.tickets += 1;
        let ticket = self.tickets;
        let joiner = Joiner {
            client_id: "client".to_owned(),
            client_host: "/127.0.0.1".to_owned(),
            fresh_id: format!("m{ticket}"),
            returns_with_id: version >= 4,
            can_skip_assignment: version >= 9,
        };
        let effects = self.group.join(request, joiner, ticket, self.now());
        self.take(effects);
        ticket
    }

    pub(super) fn send_sync(&mut self, request: SyncGroupRequest) -> Ticket {
        self.tickets += 1;
        let effects = self.group.sync(request, self.tickets, self.now());
        self.take(effects);
        self.tickets
    }

    pub(super) fn beat(&mut self, member_id: &str, generation_id: i32) -> ErrorCode {
        let request = HeartbeatRequest {
            member_id: member_id.to_owned(),
            generation_id,
            ..Default::default()
        };
        self.group.heartbeat(&request, self.now())
    }

    pub(super) fn leave(&mut self, member_id: &str, instance: Option<&str>) -> ErrorCode {
        let leaving = LeavingMember {
            member_id: member_id.to_owned(),
            group_instance_id: instance.map(str::to_owned),
            ..Default::default()
        };
        let (left, effects) = self.group.leave(vec![leaving], self.now());
        self.take(effects);
        left[0].error_code
    }

    pub(super) fn abandon(&mut self, ticket: Ticket) {
        let effects = self.group.abandon(ticket, self.now());
        self.take(effects);
    }

    /// The answer to a `JoinGroup`, if it has come. Each is taken once.
    pub(super) fn joined(&mut self, ticket: Ticket) -> Option<JoinGroupResponse> {
        let place = self
            .answers
            .iter()
            .position(|(answered, _)| *answered == ticket)?;
        match self.answers.remove(place).1 {
            MemberAnswer::Join(response) => Some(response),
            MemberAnswer::Sync(response) => panic!("a JoinGroup was answered with {response:?}"),
        }
    }

    pub(super) fn synced(&mut self, ticket: Ticket) -> Option<SyncGroupResponse> {
        let place = self
            .answers
            .iter()
            .position(|(answered, _)| *answered == ticket)?;
        match self.answers.remove(place).1 {
            MemberAnswer::Sync(response) => Some(response),
            MemberAnswer::Join(response) => panic!("a SyncGroup was answered with {response:?}"),
        }
    }

    pub(super) fn join(&mut self, member_id: &str) -> Ticket {
        self.send_join(joining(member_id, None, &["range"]), 3)
    }

    /// Forms a group of this many dynamic members, all with their assignments, and returns their ids, the leader's first.
    pub(super) fn stable(&mut self, count: usize) -> Vec<String> {
        let mut tickets = vec![self.join("")];
        let first = self.joined(tickets.remove(0)).unwrap();
        let mut ids = vec![first.member_id];
        for _ in 1..count {
            tickets.push(self.join(""));
        }
        if count > 1 {
            tickets.insert(0, self.join(&ids[0].clone()));
        }
        for ticket in tickets.iter().skip(1) {
            ids.push(self.joined(*ticket).unwrap().member_id);
        }
        self.assign(&ids);
        ids
    }

    /// All members ask for their assignments, the leader, the first, last.
    pub(super) fn assign(&mut self, ids: &[String]) {
        let generation = self.group.to_record().generation;
        for id in ids.iter().rev() {
            let ticket = self.send_sync(syncing(id, generation, ids));
            if *id == ids[0] {
                assert_eq!(self.synced(ticket).unwrap().error_code, ErrorCode::None);
            }
        }
        self.answers.clear();
    }
}

pub(super) fn joining(
    member_id: &str,
    instance: Option<&str>,
    protocols: &[&str],
) -> JoinGroupRequest {
    let protocol = |name: &&str| JoinGroupProtocol {
        name: (*name).to_owned(),
        metadata: Bytes::from_static(b"subscription"),
    };
    JoinGroupRequest {
        group_id: "g".to_owned(),
        session_timeout_ms: SESSION as i32,
        rebalance_timeout_ms: REBALANCE as i32,
        member_id: member_id.to_owned(),
        group_instance_id: instance.map(str::to_owned),
        protocol_type: "consumer".to_owned(),
        protocols: protocols.iter().map(protocol).collect(),
        ..Default::default()
    }
}

/// A `SyncGroup` that assigns to each of `members` its own name.
pub(super) fn syncing(member_id: &str, generation_id: i32, members: &[String]) -> SyncGroupRequest {
    SyncGroupRequest {
        group_id: "g".to_owned(),
        generation_id,
        member_id: member_id.to_owned(),
        assignments: members
            .iter()
            .map(|id| SyncGroupAssignment {
                member_id: id.clone(),
                assignment: Bytes::from(format!("for {id}")),
            })
            .collect(),
        ..Default::default()
    }
}
