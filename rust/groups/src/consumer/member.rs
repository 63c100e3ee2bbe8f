//! One member of a group.

use std::collections::BTreeSet;

use super::places::{Holding, Place};
use super::records::{
    ClassicRecord, CurrentRecord, HeldTopic, MaybeClassic, MemberRecord, TargetRecord, TargetTopic,
};
use super::{ConsumerRules, Now, places};
use crate::epochs::{MemberAssignment, Progress};

/// For a deadline that is not running.
pub(crate) const NEVER: u64 = u64::MAX;

/// The epoch of a static member that has left for a while.
pub(crate) const AWAY: i32 = -2;

#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) instance_id: Option<String>,
    pub(crate) rack_id: Option<String>,
    pub(crate) client_id: String,
    pub(crate) client_host: String,
    pub(crate) topics: BTreeSet<String>,
    pub(crate) regex: Option<String>,
    pub(crate) assignor: Option<String>,
    pub(crate) rebalance_timeout_ms: i32,
    /// What it said in its `JoinGroup`, if it speaks the classic protocol.
    pub(crate) classic: Option<ClassicRecord>,
    /// Where it is on its way to what it shall own.
    pub(crate) assignment: MemberAssignment<Place>,
    /// When its session ends.
    pub(crate) expires: u64,
    /// When it must have given up what it was told to.
    pub(crate) revoke_by: u64,
    /// When it must have joined again, and when it must have asked for its assignment, in the classic protocol.
    pub(crate) join_by: u64,
    pub(crate) sync_by: u64,
}

impl Member {
    pub(crate) fn new() -> Self {
        Self {
            instance_id: None,
            rack_id: None,
            client_id: String::new(),
            client_host: String::new(),
            topics: BTreeSet::new(),
            regex: None,
            assignor: None,
            rebalance_timeout_ms: -1,
            classic: None,
            assignment: MemberAssignment::default(),
            expires: NEVER,
            revoke_by: NEVER,
            join_by: NEVER,
            sync_by: NEVER,
        }
    }

    pub(crate) fn rebalance_ms(&self) -> u64 {
        u64::try_from(self.rebalance_timeout_ms).unwrap_or(0)
    }

    pub(crate) fn session_ms(&self, rules: &ConsumerRules) -> u64 {
        match &self.classic {
            Some(classic) => u64::try_from(classic.session_timeout_ms).unwrap_or(0),
            None => rules.session_timeout_ms,
        }
    }

    /// It was heard of: its session starts anew.
    pub(crate) fn renew(&mut self, rules: &ConsumerRules, now: Now) {
        self.expires = now.ms.saturating_add(self.session_ms(rules));
    }

    /// Until when it may give up what it has just been told to. One of the classic protocol has to join again, in its own time.
    pub(crate) fn deadline_to_revoke(&self, now: Now) -> u64 {
        if self.assignment.progress == Progress::Revoking && self.classic.is_none() {
            now.ms.saturating_add(self.rebalance_ms())
        } else {
            NEVER
        }
    }

    /// Why it has to go, if time is over for it.
    pub(crate) fn overdue(&self, now: Now) -> Option<&'static str> {
        let reasons = [
            (self.expires, "was not heard of during its session timeout"),
            (
                self.revoke_by,
                "did not give up its partitions during its rebalance timeout",
            ),
            (
                self.join_by,
                "did not join again during its rebalance timeout",
            ),
            (
                self.sync_by,
                "did not ask for its assignment during its rebalance timeout",
            ),
        ];
        let due = reasons.iter().find(|(deadline, _)| *deadline <= now.ms);
        due.map(|(_, reason)| *reason)
    }

    pub(crate) fn next_deadline(&self) -> u64 {
        self.expires
            .min(self.revoke_by)
            .min(self.join_by)
            .min(self.sync_by)
    }

    pub(crate) fn to_record(&self) -> MemberRecord {
        MemberRecord {
            instance_id: self.instance_id.clone(),
            rack_id: self.rack_id.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            topics: self.topics.iter().cloned().collect(),
            regex: self.regex.clone(),
            rebalance_timeout_ms: self.rebalance_timeout_ms,
            assignor: self.assignor.clone(),
            classic: MaybeClassic(self.classic.clone()),
        }
    }

    pub(crate) fn from_record(record: MemberRecord) -> Self {
        Self {
            instance_id: record.instance_id,
            rack_id: record.rack_id,
            client_id: record.client_id,
            client_host: record.client_host,
            topics: record.topics.into_iter().collect(),
            regex: record.regex.filter(|regex| !regex.is_empty()),
            assignor: record.assignor,
            rebalance_timeout_ms: record.rebalance_timeout_ms,
            classic: record.classic.0,
            ..Self::new()
        }
    }

    pub(crate) fn to_target(&self) -> TargetRecord {
        let topic = |(id, partitions)| TargetTopic { id, partitions };
        TargetRecord {
            topics: places::by_topic(&self.assignment.target)
                .into_iter()
                .map(topic)
                .collect(),
        }
    }

    pub(crate) fn to_current(&self) -> CurrentRecord {
        let assignment = &self.assignment;
        CurrentRecord {
            epoch: assignment.epoch,
            previous_epoch: assignment.previous_epoch,
            state: match assignment.progress {
                Progress::Stable => 0,
                Progress::Revoking => 1,
                Progress::Waiting => 2,
            },
            assigned: held(&assignment.assigned),
            revoking: held(&assignment.revoking),
        }
    }

    /// Takes over what was stored of its assignment.
    pub(crate) fn restore(&mut self, target: Option<TargetRecord>, current: Option<CurrentRecord>) {
        let assignment = &mut self.assignment;
        for topic in target.into_iter().flat_map(|target| target.topics) {
            let places = topic.partitions.iter().map(|&index| (topic.id, index));
            assignment.target.extend(places);
        }
        let Some(current) = current else { return };
        (assignment.epoch, assignment.previous_epoch) = (current.epoch, current.previous_epoch);
        assignment.progress = match current.state {
            0 => Progress::Stable,
            1 => Progress::Revoking,
            // Also a state that is not known: on its way.
            _ if current.revoking.is_empty() => Progress::Waiting,
            _ => Progress::Revoking,
        };
        assignment.assigned = holding(current.assigned, current.epoch);
        assignment.revoking = holding(current.revoking, current.epoch);
    }
}

fn held(holding: &Holding) -> Vec<HeldTopic> {
    let topic = |(id, partitions): (_, Vec<i32>)| {
        let epochs = partitions.iter().map(|&index| holding[&(id, index)]);
        let epochs = Some(epochs.collect());
        HeldTopic {
            id,
            partitions,
            epochs,
        }
    };
    places::by_topic(holding.keys())
        .into_iter()
        .map(topic)
        .collect()
}

fn holding(topics: Vec<HeldTopic>, epoch: i32) -> Holding {
    let mut holding = Holding::new();
    for topic in topics {
        // Older Kafka did not write them: then nothing older than the member's epoch may be committed.
        let epochs = topic.epochs.unwrap_or_default();
        for (position, index) in topic.partitions.into_iter().enumerate() {
            let given = epochs.get(position).copied().unwrap_or(epoch);
            holding.insert((topic.id, index), given);
        }
    }
    holding
}
