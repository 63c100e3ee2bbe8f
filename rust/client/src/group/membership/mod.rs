//! Being a member, as a pure state machine: event and time in, effects out. No clock, socket or lock inside.
//!
//! ```text
//!  Outside ──subscribe──▶ Releasing ──▶ Joining ──▶ Dividing (leader) ──▶ Syncing ──▶ Stable
//!     ▲                       ▲            │▲                                │           │
//!     │                       │            └┴── Waiting (pause after an error) ◀─────────┤
//!  Leaving ◀── Releasing ◀────┴── heartbeat: rebalance; subscription or partitions changed ┘
//! ```
//!
//! Nothing is joined before what has to be given up is given up: with eager assignors everything, with cooperative ones
//! (KIP-429) only what the new assignment takes away, for which the member joins a second time.

mod answers;
mod event;
#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::time::Instant;

pub(super) use event::{
    MembershipEffect, MembershipEvent, MembershipFailure, PartitionSet, TopicSet,
};
use kafkalite_link::Backoff;

/// What does not change while the member lives.
#[derive(Debug, Clone)]
pub(super) struct MembershipTerms {
    /// Every assignor is a cooperative one: what is kept is read on during a rebalance.
    pub(super) is_cooperative: bool,
    /// A static member does not leave (KIP-345).
    pub(super) is_static: bool,
    pub(super) heartbeat_interval: Duration,
    pub(super) max_poll_interval: Duration,
    pub(super) backoff: Backoff,
}

#[derive(Debug)]
pub(super) struct Membership {
    terms: MembershipTerms,
    phase: Phase,
    /// `None`: no member.
    subscription: Option<TopicSet>,
    member_id: String,
    /// −1 for none.
    generation: i32,
    role: Role,
    protocol: String,
    owned: PartitionSet,
    /// The group went on without this member: what it owns is not its own any more.
    lost: bool,
    /// Why to join again as soon as that is possible.
    rejoin: Option<String>,
    /// Why it joined last, and what it gave up and got for that.
    why: String,
    given_up: PartitionSet,
    /// Counts requests that may be abandoned.
    attempt: u64,
    asked: Instant,
    beat_at: Instant,
    is_beating: bool,
    /// When the event at hand happened.
    now: Instant,
}

#[derive(Debug, PartialEq)]
enum Phase {
    Outside,
    /// Joins at that moment.
    Waiting(Instant),
    Releasing(Next),
    Joining,
    Dividing,
    Syncing,
    Stable,
    /// Until a reader asks.
    Resting,
    /// Out for good, though not closed.
    Fenced,
    Leaving(After),
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Role {
    Follower,
    Leader,
    /// A static leader that came back: the assignments stay as they are.
    LeaderAgain,
}

/// What follows when partitions are released.
#[derive(Debug, PartialEq)]
enum Next {
    Join,
    Wait(Instant),
    /// Read these; and join once more because something was given up.
    Adopt {
        gained: PartitionSet,
        again: bool,
    },
    Leave(After, String),
    Rest,
    Fenced,
}

/// What follows when the member has left.
#[derive(Debug, Clone, Copy, PartialEq)]
enum After {
    Outside,
    Rest,
    End,
}

impl Membership {
    pub(super) fn new(terms: MembershipTerms, now: Instant) -> Self {
        Self {
            terms,
            phase: Phase::Outside,
            subscription: None,
            member_id: String::new(),
            generation: -1,
            role: Role::Follower,
            protocol: String::new(),
            owned: PartitionSet::new(),
            lost: false,
            rejoin: None,
            why: String::new(),
            given_up: PartitionSet::new(),
            attempt: 0,
            asked: now,
            beat_at: now,
            is_beating: false,
            now,
        }
    }

    pub(super) fn member_id(&self) -> &str {
        &self.member_id
    }

    pub(super) fn generation(&self) -> i32 {
        self.generation
    }

    /// Whether it divides the partitions of the present generation.
    pub(super) fn leads(&self) -> bool {
        self.role != Role::Follower && self.generation >= 0
    }

    /// Whether a commit has a chance: no rebalance is under way that waits for others.
    pub(super) fn is_settled(&self) -> bool {
        let settled = matches!(self.phase, Phase::Stable | Phase::Releasing(_));
        settled && self.generation >= 0 && !self.lost
    }

    /// Whether the group goes on without it: nothing that it had can be committed.
    pub(super) fn is_out(&self) -> bool {
        match self.phase {
            Phase::Releasing(_) => self.lost,
            Phase::Resting | Phase::Fenced => true,
            _ => false,
        }
    }

    /// Whether it waits for a reader to ask.
    pub(super) fn rests(&self) -> bool {
        self.phase == Phase::Resting
    }

    pub(super) fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// When [`MembershipEvent::Tick`] is due.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let beat = (self.beats() && !self.is_beating).then_some(self.beat_at);
        let silent = self
            .is_under_watch()
            .then(|| self.asked + self.terms.max_poll_interval);
        let join = match self.phase {
            Phase::Waiting(moment) => Some(moment),
            _ => None,
        };
        [beat, silent, join].into_iter().flatten().min()
    }

    /// Whether heartbeats go out: while it joins or syncs, the coordinator knows by that that it is alive.
    fn beats(&self) -> bool {
        let alive = matches!(
            self.phase,
            Phase::Stable | Phase::Releasing(_) | Phase::Dividing
        );
        alive && self.generation >= 0 && !self.lost
    }

    /// Whether the reader has to ask now and then.
    fn is_under_watch(&self) -> bool {
        matches!(
            self.phase,
            Phase::Stable | Phase::Waiting(_) | Phase::Joining | Phase::Dividing | Phase::Syncing
        )
    }

    pub(super) fn on(&mut self, event: MembershipEvent, now: Instant) -> Vec<MembershipEffect> {
        self.now = now;
        let mut effects = Vec::new();
        let to = &mut effects;
        match event {
            _ if self.phase == Phase::Ended => {}
            MembershipEvent::Subscribed(topics, why) => self.subscribed(topics, why, to),
            MembershipEvent::Unsubscribed => {
                self.subscription = None;
                self.depart(After::Outside, "it has unsubscribed", to);
            }
            MembershipEvent::Close => {
                self.subscription = None;
                self.depart(After::End, "it was closed", to);
            }
            MembershipEvent::Rejoin(why) => self.want_to_rejoin(why, to),
            MembershipEvent::Asked(at) => self.asked = self.asked.max(at),
            MembershipEvent::Knocked => self.knocked(to),
            MembershipEvent::Tick => self.tick(to),
            MembershipEvent::Joined(attempt, answer) if attempt == self.attempt => {
                self.joined(answer, to);
            }
            MembershipEvent::Divided(attempt, answer) if attempt == self.attempt => {
                self.divided(answer, to);
            }
            MembershipEvent::Synced(attempt, answer) if attempt == self.attempt => {
                self.synced(answer, to);
            }
            MembershipEvent::Joined(..)
            | MembershipEvent::Divided(..)
            | MembershipEvent::Synced(..) => {}
            MembershipEvent::Beaten(generation, answer) => self.beaten(generation, &answer, to),
            MembershipEvent::CommitRefused(generation, code) => {
                self.commit_refused(generation, code, to);
            }
            MembershipEvent::Released => {
                if let Phase::Releasing(next) = std::mem::replace(&mut self.phase, Phase::Outside) {
                    self.released(next, to);
                }
            }
            MembershipEvent::Left => {
                if let Phase::Leaving(after) = self.phase {
                    self.left(after, to);
                }
            }
        }
        effects
    }

    fn subscribed(&mut self, topics: TopicSet, why: String, to: &mut Vec<MembershipEffect>) {
        let before = self.subscription.replace(topics);
        match self.phase {
            Phase::Outside | Phase::Resting | Phase::Waiting(_) => {
                self.why = why;
                self.join(to);
            }
            _ if before == self.subscription => {}
            _ => self.want_to_rejoin(why, to),
        }
    }

    fn want_to_rejoin(&mut self, why: String, to: &mut Vec<MembershipEffect>) {
        match self.phase {
            Phase::Stable => {
                self.why = why;
                self.join(to);
            }
            Phase::Releasing(_)
            | Phase::Leaving(_)
            | Phase::Joining
            | Phase::Dividing
            | Phase::Syncing => {
                self.rejoin = Some(why);
            }
            _ => {}
        }
    }

    fn knocked(&mut self, to: &mut Vec<MembershipEffect>) {
        if self.phase == Phase::Resting {
            self.asked = self.now;
            "its reader asks again".clone_into(&mut self.why);
            self.join(to);
        }
    }

    fn tick(&mut self, to: &mut Vec<MembershipEffect>) {
        if self.is_under_watch() && self.now >= self.asked + self.terms.max_poll_interval {
            to.push(MembershipEffect::Silent);
            self.depart(After::Rest, "its reader was silent for too long", to);
            return;
        }
        match self.phase {
            Phase::Waiting(moment) if self.now >= moment => self.join(to),
            _ if self.beats() && !self.is_beating && self.now >= self.beat_at => {
                self.is_beating = true;
                to.push(MembershipEffect::Heartbeat {
                    member_id: self.member_id.clone(),
                    generation: self.generation,
                });
            }
            _ => {}
        }
    }

    /// Gives up what has to be, then joins.
    fn join(&mut self, to: &mut Vec<MembershipEffect>) {
        let Some(subscription) = &self.subscription else {
            self.phase = Phase::Outside;
            return;
        };
        let all = self.lost || !self.terms.is_cooperative;
        let owned = self.owned.iter();
        let given_up = owned
            .filter(|of| all || !subscription.contains(&of.topic))
            .cloned()
            .collect();
        self.release(given_up, Next::Join, to);
    }

    /// Leaves, whatever is under way.
    fn depart(&mut self, after: After, why: &str, to: &mut Vec<MembershipEffect>) {
        self.rejoin = None;
        self.attempt += 1;
        let next = Next::Leave(after, why.to_owned());
        match self.phase {
            Phase::Releasing(_) => self.phase = Phase::Releasing(next),
            Phase::Leaving(_) => self.phase = Phase::Leaving(after),
            _ => {
                self.release(self.owned.clone(), next, to);
            }
        }
    }

    fn release(&mut self, partitions: PartitionSet, next: Next, to: &mut Vec<MembershipEffect>) {
        let lost = self.lost;
        if partitions.is_empty() {
            self.released(next, to);
            return;
        }
        self.owned.retain(|of| !partitions.contains(of));
        self.given_up.extend(partitions.iter().cloned());
        self.phase = Phase::Releasing(next);
        to.push(MembershipEffect::Release { partitions, lost });
    }

    fn released(&mut self, next: Next, to: &mut Vec<MembershipEffect>) {
        match next {
            Next::Leave(after, why) if !self.owned.is_empty() => self.depart(after, &why, to),
            Next::Leave(after, why) => self.leave(after, why, to),
            Next::Join | Next::Adopt { .. } if self.subscription.is_none() => {
                self.phase = Phase::Outside;
            }
            Next::Adopt { .. } if self.lost => self.join(to),
            Next::Rest | Next::Fenced if !self.owned.is_empty() => {
                self.release(self.owned.clone(), next, to);
            }
            Next::Join if self.lost && !self.owned.is_empty() => self.join(to),
            Next::Adopt { gained, again } => self.adopt(gained, again, to),
            Next::Join => self.ask_to_join(to),
            Next::Wait(moment) => {
                self.lost = false;
                self.phase = Phase::Waiting(moment);
            }
            Next::Rest => self.phase = Phase::Resting,
            Next::Fenced => self.phase = Phase::Fenced,
        }
    }

    fn ask_to_join(&mut self, to: &mut Vec<MembershipEffect>) {
        self.lost = false;
        self.rejoin = None;
        self.is_beating = false;
        self.attempt += 1;
        self.phase = Phase::Joining;
        to.push(MembershipEffect::Join {
            attempt: self.attempt,
            member_id: self.member_id.clone(),
            generation: self.generation,
            topics: self.subscription.clone().unwrap_or_default(),
            owned: self.owned.clone(),
            why: self.why.clone(),
        });
    }

    fn leave(&mut self, after: After, why: String, to: &mut Vec<MembershipEffect>) {
        if self.terms.is_static || self.member_id.is_empty() {
            self.left(after, to);
            return;
        }
        self.phase = Phase::Leaving(after);
        let member_id = self.member_id.clone();
        to.push(MembershipEffect::Leave { member_id, why });
    }

    fn left(&mut self, after: After, to: &mut Vec<MembershipEffect>) {
        self.forget(false);
        self.lost = false;
        self.given_up.clear();
        self.phase = match after {
            After::Outside => Phase::Outside,
            After::Rest => Phase::Resting,
            After::End => Phase::Ended,
        };
        if self.phase == Phase::Outside && self.subscription.is_some() {
            self.why = self.rejoin.take().unwrap_or_default();
            self.join(to);
        }
    }

    /// The member is in no generation any more.
    fn forget(&mut self, keep_id: bool) {
        self.generation = -1;
        self.role = Role::Follower;
        if !keep_id {
            self.member_id.clear();
        }
    }
}
