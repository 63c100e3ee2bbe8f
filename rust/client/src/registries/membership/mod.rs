//! Being a consumer of a group without a master (P14 to P17), as a pure state machine: event and time in, effects out. No ZooKeeper,
//! clock or socket inside.
//!
//! ```text
//!  Idle ──▶ Opening ──▶ Registering ──▶ Looking ──────────────────────────▶ Settled
//!   ▲          ▲                        ▲ │  │                             ▲   │
//!   │          │                        │ │  └▶ Claiming ──▶ Beginning ───┘   │ something has changed,
//!   │     the session                   │ │         │ a node is another's     │ or something is ours no more
//!   │      has expired                  │ │         ▼                         │
//!   │          │            Waiting ────┘ └▶ Stopping ─▶ Committing ─▶ Disowning ─┐
//!   │          │               ▲                                               │   │
//!   │          └───────────────┴───────────────────────────────────────────────┴───┘
//!   └── Leaving ◀── Stopping, Committing: it is closed, or subscribes to something else
//! ```
//!
//! This is the paper's Algorithm 1, one step at a time and never two at once: give up, look, divide, claim, read offsets, pull. It looks
//! once before it gives anything up, and then gives up what is another's by the new division: a change that takes nothing from a
//! consumer does not stop it. What is given up is first stopped, then committed, then disowned; whoever claims it goes on from there.
//!
//! Whether a session lasts while nobody answers is not known here: readers hand nothing out behind the moment until which it certainly
//! does. If it turns out to have lasted they go on, for nobody else can have owned what was theirs.
//!
//! What an owner's node says holds: nothing is read before there is one, and an offset not before that either. A claim that meets
//! another's node undoes the others of its round, lest two wait for each other, and is made again when the node has gone, or after a pause.
//! When tries run out, the consumer keeps what it can have, and what is left it claims when the nodes in its way change.

mod claims;
mod commits;
mod event;
mod held;
mod release;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kafkalite_coordination::registries::ConsumerSubscription;
use kafkalite_names::TopicPartition;
use tokio::time::Instant;

pub(in crate::registries) use event::{
    Beginning, ClaimAnswer, CommitAnswer, RegistryEffect, RegistryEvent, RegistryTrouble,
    StoredOffset, Verdict,
};
use held::{Held, OffsetNode, Stage};

use super::share::{Share, Threads};

/// Pauses after which a consumer that does not own all that it should looks again, though nothing has changed.
const RARELY: u32 = 5;
/// Troubles that are remembered as told.
const TOLD: usize = 1_000;

/// What does not change while the consumer lives.
#[derive(Debug, Clone)]
pub(in crate::registries) struct RegistryTerms {
    /// Claims that fail one after the other before it keeps what it can have (`rebalance.max.retries`).
    pub(in crate::registries) max_tries: u32,
    /// The longest pause before a claim is made again (`rebalance.backoff.ms`).
    pub(in crate::registries) backoff: Duration,
    /// How often what is consumed is committed (`auto.commit.interval.ms`); `None`: only when somebody says so.
    pub(in crate::registries) commit_interval: Option<Duration>,
}

/// One consumer of a group without a master.
#[derive(Debug)]
pub(in crate::registries) struct RegistryMembership {
    terms: RegistryTerms,
    phase: RegistryPhase,
    subscription: Option<ConsumerSubscription>,
    departure: Departure,
    /// Counts sessions.
    session: u64,
    /// There is one.
    is_open: bool,
    /// What has an owner's node of ours, or has not been let go of.
    held: BTreeMap<TopicPartition, Held>,
    /// What should be held, by the last look.
    share: Threads,
    /// What is being given up.
    releasing: BTreeSet<TopicPartition>,
    /// A pause follows when that is done.
    pauses: bool,
    /// Nodes of others where ours should be; they are watched.
    in_the_way: BTreeSet<TopicPartition>,
    /// Claims of this rebalance that met others.
    tries: u32,
    /// Something has changed since the last look was begun.
    has_changed: bool,
    /// When to look again, though nothing has.
    look_at: Option<Instant>,
    commit_at: Instant,
    /// What was told in this session, lest every look tells it again.
    told: BTreeSet<String>,
    /// When the event at hand happened.
    now: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum RegistryPhase {
    /// Nothing is subscribed to.
    Idle,
    Opening,
    Registering,
    /// Reads who is there and what there is.
    Looking,
    Claiming,
    /// Reads where to go on with what is claimed.
    Beginning,
    Settled,
    /// Goes on so at that moment.
    Waiting(Instant, Step),
    /// Readers let go of what is given up.
    Stopping,
    /// What was consumed of it is written.
    Committing,
    /// Its owners' nodes are deleted.
    Disowning,
    Leaving,
    Ended,
}

/// Whether all that is held is given up and the session ends.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Departure {
    None,
    /// It subscribes to something else, or to nothing.
    ForNow,
    /// It is closed.
    ForGood,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Open,
    Register,
    Look,
}

impl RegistryMembership {
    pub(in crate::registries) fn new(terms: RegistryTerms, now: Instant) -> Self {
        Self {
            terms,
            phase: RegistryPhase::Idle,
            subscription: None,
            departure: Departure::None,
            session: 0,
            is_open: false,
            held: BTreeMap::new(),
            share: Threads::new(),
            releasing: BTreeSet::new(),
            pauses: false,
            in_the_way: BTreeSet::new(),
            tries: 0,
            has_changed: false,
            look_at: None,
            commit_at: now,
            told: BTreeSet::new(),
            now,
        }
    }

    /// The number of the session at hand: what answers an effect carries it.
    pub(in crate::registries) fn session(&self) -> u64 {
        self.session
    }

    /// Whether all is done that was to be done.
    #[cfg(test)]
    pub(in crate::registries) fn is_settled(&self) -> bool {
        matches!(self.phase, RegistryPhase::Settled | RegistryPhase::Idle)
    }

    pub(in crate::registries) fn has_ended(&self) -> bool {
        self.phase == RegistryPhase::Ended
    }

    /// When [`RegistryEvent::Tick`] is due.
    pub(in crate::registries) fn deadline(&self) -> Option<Instant> {
        let reads = self.held.values().any(Held::is_read);
        let commit = (reads && self.terms.commit_interval.is_some()).then_some(self.commit_at);
        let (wait, look) = match self.phase {
            RegistryPhase::Waiting(moment, _) => (Some(moment), None),
            RegistryPhase::Settled => (None, self.look_at),
            _ => (None, None),
        };
        [commit, wait, look].into_iter().flatten().min()
    }

    pub(in crate::registries) fn on(
        &mut self,
        event: RegistryEvent,
        now: Instant,
    ) -> Vec<RegistryEffect> {
        self.now = now;
        let mut effects = Vec::new();
        let to = &mut effects;
        match event {
            _ if self.phase == RegistryPhase::Ended => {}
            RegistryEvent::Subscribed(subscription) => self.subscribed(subscription, to),
            RegistryEvent::Close => {
                self.subscription = None;
                self.depart(Departure::ForGood, to);
            }
            RegistryEvent::Changed => self.changed(to),
            RegistryEvent::Yielded(partition) => self.yielded(&partition, to),
            RegistryEvent::Tick => self.tick(to),
            RegistryEvent::Stopped(consumed) => self.stopped(consumed, to),
            RegistryEvent::Consumed(consumed) => self.consumed(consumed, to),
            RegistryEvent::Left => self.left(to),
            RegistryEvent::Expired(session) if session == self.session => self.expired(to),
            RegistryEvent::Opened(session, answer) if session == self.session => {
                self.opened(answer, to);
            }
            RegistryEvent::Registered(session, answer) if session == self.session => {
                self.registered(answer, to);
            }
            RegistryEvent::Looked(session, answer) if session == self.session => {
                self.looked(answer, to);
            }
            RegistryEvent::Claimed(session, answers) if session == self.session => {
                self.claimed(answers, to);
            }
            RegistryEvent::OffsetsRead(session, offsets) if session == self.session => {
                self.begin(offsets, to);
            }
            RegistryEvent::Committed(session, partition, answer) if session == self.session => {
                self.committed_as(&partition, answer, to);
            }
            RegistryEvent::Verified(session, partition, answer) if session == self.session => {
                self.verified(&partition, answer, to);
            }
            RegistryEvent::Disowned(session, answer) if session == self.session => {
                self.disowned(answer, to);
            }
            RegistryEvent::Expired(_)
            | RegistryEvent::Opened(..)
            | RegistryEvent::Registered(..)
            | RegistryEvent::Looked(..)
            | RegistryEvent::Claimed(..)
            | RegistryEvent::OffsetsRead(..)
            | RegistryEvent::Committed(..)
            | RegistryEvent::Verified(..)
            | RegistryEvent::Disowned(..) => {}
        }
        effects
    }

    fn subscribed(
        &mut self,
        subscription: Option<ConsumerSubscription>,
        to: &mut Vec<RegistryEffect>,
    ) {
        if self.departure == Departure::ForGood || self.subscription == subscription {
            return;
        }
        self.subscription = subscription;
        match self.phase {
            RegistryPhase::Idle => self.open(to),
            // It registers with what is subscribed to by then.
            RegistryPhase::Opening | RegistryPhase::Waiting(_, Step::Open)
                if self.subscription.is_some() => {}
            _ => self.depart(Departure::ForNow, to),
        }
    }

    /// Gives all up and ends the session, as soon as what is under way has been answered.
    fn depart(&mut self, departure: Departure, to: &mut Vec<RegistryEffect>) {
        self.departure = departure;
        match self.phase {
            RegistryPhase::Idle | RegistryPhase::Opening => self.leave(to),
            // It may hold something, if it had to register again.
            RegistryPhase::Registering if self.held.is_empty() => self.leave(to),
            RegistryPhase::Settled | RegistryPhase::Waiting(..) => self.release_all(to),
            _ => {}
        }
    }

    fn departs(&self) -> bool {
        self.departure != Departure::None
    }

    fn leave(&mut self, to: &mut Vec<RegistryEffect>) {
        self.end_session(to);
        self.phase = RegistryPhase::Leaving;
        to.push(RegistryEffect::Leave);
    }

    fn left(&mut self, to: &mut Vec<RegistryEffect>) {
        if self.phase != RegistryPhase::Leaving {
            return;
        }
        if self.departure == Departure::ForGood {
            self.phase = RegistryPhase::Ended;
            return;
        }
        self.departure = Departure::None;
        self.phase = RegistryPhase::Idle;
        if self.subscription.is_some() {
            self.open(to);
        }
    }

    fn open(&mut self, to: &mut Vec<RegistryEffect>) {
        self.phase = RegistryPhase::Opening;
        to.push(RegistryEffect::Open);
    }

    fn opened(&mut self, answer: Result<(), String>, to: &mut Vec<RegistryEffect>) {
        if self.phase != RegistryPhase::Opening {
            return;
        }
        match answer {
            Ok(()) => {
                self.is_open = true;
                self.told.clear();
                self.register(to);
            }
            Err(reason) => {
                self.tell(RegistryTrouble::Unreachable(reason), to);
                self.wait(Step::Open);
            }
        }
    }

    fn register(&mut self, to: &mut Vec<RegistryEffect>) {
        let Some(subscription) = self.subscription.clone() else {
            return self.release_all(to);
        };
        self.phase = RegistryPhase::Registering;
        to.push(RegistryEffect::Register(subscription));
    }

    fn registered(&mut self, answer: Result<(), String>, to: &mut Vec<RegistryEffect>) {
        if self.phase != RegistryPhase::Registering {
            return;
        }
        match answer {
            _ if self.departs() => self.release_all(to),
            Ok(()) => self.look(to),
            Err(reason) => {
                self.tell(RegistryTrouble::NotRegistered(reason), to);
                self.wait(Step::Register);
            }
        }
    }

    fn wait(&mut self, step: Step) {
        self.phase = RegistryPhase::Waiting(self.now + self.terms.backoff, step);
    }

    /// The session is over, with all that it had.
    fn expired(&mut self, to: &mut Vec<RegistryEffect>) {
        if !self.is_open {
            return;
        }
        to.push(RegistryEffect::Report(RegistryTrouble::SessionLost));
        self.end_session(to);
        match self.phase {
            // What is left is given up when this is.
            RegistryPhase::Stopping | RegistryPhase::Leaving => {}
            _ => self.release_all(to),
        }
    }

    /// Nothing of what the session had registered is ours any more.
    fn end_session(&mut self, to: &mut Vec<RegistryEffect>) {
        self.session += 1;
        self.is_open = false;
        let mut revoked = BTreeSet::new();
        self.held.retain(|of, held| {
            if held.is_read() {
                held.stage = Stage::Lost;
                revoked.insert(of.clone());
            }
            held.offset = OffsetNode::default();
            held.is_with_readers()
        });
        if !revoked.is_empty() {
            to.push(RegistryEffect::Revoke(revoked));
        }
        self.share.clear();
        self.tries = 0;
        self.has_changed = false;
        self.look_at = None;
        self.watch(BTreeSet::new(), to);
    }

    fn changed(&mut self, to: &mut Vec<RegistryEffect>) {
        self.tries = 0;
        self.has_changed = true;
        if self.phase == RegistryPhase::Settled {
            self.look(to);
        }
    }

    fn tick(&mut self, to: &mut Vec<RegistryEffect>) {
        match self.phase {
            RegistryPhase::Waiting(moment, step) if self.now >= moment => match step {
                Step::Open => self.open(to),
                Step::Register => self.register(to),
                Step::Look => self.look(to),
            },
            RegistryPhase::Settled if self.look_at.is_some_and(|due| self.now >= due) => {
                self.look(to);
            }
            _ => {}
        }
        let reads = self.held.values().any(Held::is_read);
        if let Some(interval) = self.terms.commit_interval
            && reads
            && self.now >= self.commit_at
        {
            self.commit_at = self.now + interval;
            to.push(RegistryEffect::Collect);
        }
    }

    /// Says what is wrong, unless that has been said.
    fn tell(&mut self, trouble: RegistryTrouble, to: &mut Vec<RegistryEffect>) {
        if self.told.len() == TOLD {
            self.told.clear();
        }
        if self.told.insert(format!("{trouble:?}")) {
            to.push(RegistryEffect::Report(trouble));
        }
    }
}
