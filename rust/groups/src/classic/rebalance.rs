//! From one generation to the next, and what happens when time is over.

use bytes::Bytes;
use kafkalite_wire::ErrorCode;

use super::{Classic, ClassicState, Effects, Growing, Now};
use kafkalite_names::counted;

impl Classic {
    /// Time has passed. Does what is due.
    pub fn tick(&mut self, now: Now) -> Effects {
        self.expire_pending(now);
        self.expire_members(now);
        if self
            .join_deadline
            .is_some_and(|deadline| deadline <= now.ms)
        {
            self.end_joining(now);
        }
        if self
            .sync_deadline
            .is_some_and(|deadline| deadline <= now.ms)
        {
            self.expire_syncs(now);
        }
        self.wake = self.earliest();
        self.take_effects()
    }

    /// Something must change: members are asked to join anew. If that has begun, it may be complete.
    pub(super) fn prepare_or_complete(&mut self, reason: &str, now: Now) {
        match self.state {
            ClassicState::Empty | ClassicState::Stable | ClassicState::CompletingRebalance => {
                self.prepare(reason, now);
            }
            ClassicState::PreparingRebalance => self.complete_join_if_all_are_here(now),
            ClassicState::Dead => {}
        }
    }

    /// Begins the next generation.
    pub(super) fn prepare(&mut self, reason: &str, now: Now) {
        if self.state == ClassicState::CompletingRebalance {
            // Who waits for an assignment that will not come joins instead.
            for id in self.ids() {
                self.clear_assignment(&id);
                self.answer_sync(&id, ErrorCode::RebalanceInProgress, now);
            }
        }
        self.forgive_syncs();
        self.tell(format!(
            "rebalances after generation {}, because {reason}",
            self.generation
        ));
        let first = self.state == ClassicState::Empty;
        self.go(ClassicState::PreparingRebalance, now);
        if first && self.rules.initial_delay_ms > 0 {
            // More members are probably about to start: one rebalance for all of them.
            let delay_ms = self.rules.initial_delay_ms;
            self.growing = Some(Growing {
                grew: false,
                delay_ms,
                remaining_ms: self.longest_rebalance_timeout().saturating_sub(delay_ms),
            });
            self.join_by(now.ms.saturating_add(delay_ms));
        } else if first || self.all_are_here() {
            self.complete_join(now);
        } else {
            self.join_by(now.ms.saturating_add(self.longest_rebalance_timeout()));
        }
    }

    fn join_by(&mut self, deadline: u64) {
        self.join_deadline = Some(deadline);
        self.wake_by(deadline);
    }

    fn all_are_here(&self) -> bool {
        self.joining == self.members.len() && self.pending.is_empty()
    }

    pub(super) fn complete_join_if_all_are_here(&mut self, now: Now) {
        if self.state == ClassicState::PreparingRebalance
            && self.growing.is_none()
            && self.all_are_here()
        {
            self.complete_join(now);
        }
    }

    fn end_joining(&mut self, now: Now) {
        match self.growing {
            Some(Growing {
                grew: true,
                delay_ms,
                remaining_ms,
            }) if remaining_ms > 0 => {
                let next = self.rules.initial_delay_ms.min(remaining_ms);
                self.growing = Some(Growing {
                    grew: false,
                    delay_ms: next,
                    remaining_ms: remaining_ms.saturating_sub(delay_ms),
                });
                self.join_by(now.ms.saturating_add(next));
            }
            _ => self.complete_join(now),
        }
    }

    /// Forms the next generation of those who have joined.
    fn complete_join(&mut self, now: Now) {
        (self.join_deadline, self.growing) = (None, None);
        let absent: Vec<String> = self
            .members
            .values()
            .filter(|member| member.joining.is_none() && member.instance_id.is_none())
            .map(|member| member.id.clone())
            .collect();
        for id in &absent {
            self.tell(format!("{id} did not join in time and is removed"));
            self.remove(id);
        }
        if !self.members.is_empty() && !self.elect_leader() {
            // Only static members that are away, perhaps being restarted: each keeps its place until its session ends.
            return self.join_by(
                now.ms
                    .saturating_add(self.longest_rebalance_timeout().max(1)),
            );
        }
        self.generation = self.generation.checked_add(1).unwrap_or(1);
        if self.members.is_empty() {
            (self.protocol, self.leader) = (None, None);
            self.go(ClassicState::Empty, now);
            self.tell(format!("is empty since generation {}", self.generation));
            self.effects.store = true;
            return;
        }
        self.protocol = self.elect_protocol();
        self.subscribed.take();
        self.go(ClassicState::CompletingRebalance, now);
        self.tell(format!(
            "has {} in generation {}",
            counted(self.members.len(), "member"),
            self.generation
        ));
        for id in self.ids() {
            let generation = self.generation_for(&id);
            self.answer_join(&id, generation, now);
            // Also of static members that are away: they may come back and ask for their assignment.
            self.renew_session(&id, now);
            if let Some(member) = self.members.get_mut(&id) {
                (member.is_new, member.owes_sync) = (false, true);
            }
        }
        let deadline = now.ms.saturating_add(self.longest_rebalance_timeout());
        self.sync_deadline = Some(deadline);
        self.wake_by(deadline);
    }

    /// The leader must be one who has joined. False if nobody has.
    fn elect_leader(&mut self) -> bool {
        let is_here = |id: &String| {
            self.members
                .get(id)
                .is_some_and(|member| member.joining.is_some())
        };
        if self.leader.as_ref().is_some_and(is_here) {
            return true;
        }
        let present = self
            .members
            .values()
            .find(|member| member.joining.is_some());
        let Some(id) = present.map(|member| member.id.clone()) else {
            return false;
        };
        self.leader = Some(id);
        true
    }

    fn expire_pending(&mut self, now: Now) {
        let before = self.pending.len();
        self.pending.retain(|_, deadline| *deadline > now.ms);
        if self.pending.len() < before {
            self.complete_join_if_all_are_here(now);
        }
    }

    fn expire_members(&mut self, now: Now) {
        let expired: Vec<String> = self
            .members
            .values()
            .filter(|member| member.expires <= now.ms)
            .map(|member| member.id.clone())
            .collect();
        for id in expired {
            // What happened to those before it may have renewed its session.
            let Some(member) = self
                .members
                .get(&id)
                .filter(|member| member.expires <= now.ms)
            else {
                continue;
            };
            if !member.is_new && member.is_parked() {
                self.suspend_session(&id);
                continue;
            }
            self.remove(&id);
            self.prepare_or_complete(
                &format!("{id} was not heard of for its session timeout"),
                now,
            );
        }
    }

    fn expire_syncs(&mut self, now: Now) {
        self.sync_deadline = None;
        let owing = self.members.values().filter(|member| member.owes_sync);
        let owing: Vec<String> = owing.map(|member| member.id.clone()).collect();
        if owing.is_empty() {
            return;
        }
        for id in &owing {
            self.remove(id);
        }
        let reason = format!("{} did not ask for their assignment", owing.join(", "));
        self.prepare_or_complete(&reason, now);
    }

    /// A member has asked for its assignment. Whether it was the last is not asked, which would be a look at every member
    /// for every member: the deadline finds nobody then.
    pub(super) fn note_sync(&mut self, id: &str) {
        if let Some(member) = self.members.get_mut(id) {
            member.owes_sync = false;
        }
    }

    fn forgive_syncs(&mut self) {
        self.sync_deadline = None;
        for member in self.members.values_mut() {
            member.owes_sync = false;
        }
    }

    pub(super) fn clear_assignment(&mut self, id: &str) {
        if let Some(member) = self.members.get_mut(id) {
            member.assignment = Bytes::new();
        }
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.members.keys().cloned().collect()
    }

    fn earliest(&self) -> Option<u64> {
        let sessions = self.members.values().map(|member| member.expires);
        sessions
            .filter(|&deadline| deadline != super::member::NEVER)
            .chain(self.pending.values().copied())
            .chain(self.join_deadline)
            .chain(self.sync_deadline)
            .min()
    }
}
