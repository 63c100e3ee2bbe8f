//! One consumer: the machine, and what carries out its effects with delays.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use kafkalite_coordination::registries::{ConsumerId, ConsumerSubscription};
use kafkalite_names::TopicPartition;
use tokio::time::Instant;

use super::super::{
    ClaimAnswer, RegistryEffect, RegistryEvent, RegistryMembership, RegistryTerms, RegistryTrouble,
};
use super::registry::{Notice, Registry, TIMEOUT};

/// What is on its way to ZooKeeper.
#[derive(Debug)]
pub(super) struct Request {
    /// `None`: only to be heard of.
    pub(super) effect: Option<RegistryEffect>,
    /// Of an effect that takes several steps, what has been done.
    pub(super) progress: Progress,
    /// The machine's number of the session.
    pub(super) number: u64,
    /// ZooKeeper's.
    pub(super) session: u64,
    pub(super) asked: Instant,
}

#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) claims: Vec<(TopicPartition, ClaimAnswer)>,
    pub(super) members: Option<BTreeMap<ConsumerId, ConsumerSubscription>>,
}

/// What is on its way back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) event: Option<RegistryEvent>,
    /// Of the question.
    pub(super) session: u64,
    pub(super) asked: Instant,
}

/// How far a reader is with a partition.
#[derive(Debug, Clone, Copy)]
pub(super) struct Position {
    /// The next message to hand out.
    pub(super) next: i64,
    /// Before this one all are done with; behind it, one is in hand.
    pub(super) done: i64,
    pub(super) is_revoked: bool,
}

#[derive(Debug)]
pub(super) struct SimulatedConsumer {
    pub(super) id: ConsumerId,
    pub(super) machine: RegistryMembership,
    pub(super) session: Option<u64>,
    pub(super) earlier: BTreeSet<u64>,
    /// Until when the session certainly lasts.
    pub(super) lease: Option<Instant>,
    pub(super) is_connected: bool,
    pub(super) is_suspended: bool,
    pub(super) requests: VecDeque<Request>,
    pub(super) answers: VecDeque<Answer>,
    /// What needs no ZooKeeper.
    pub(super) inside: VecDeque<RegistryEvent>,
    pub(super) notices: VecDeque<Notice>,
    pub(super) watched: BTreeSet<TopicPartition>,
    pub(super) positions: BTreeMap<TopicPartition, Position>,
    pub(super) reports: Vec<RegistryTrouble>,
    /// A session is wanted.
    pub(super) opens: Option<u64>,
}

impl SimulatedConsumer {
    pub(super) fn new(id: ConsumerId, now: Instant) -> Self {
        let terms = RegistryTerms {
            max_tries: 4,
            backoff: Duration::from_secs(2),
            commit_interval: Some(Duration::from_secs(3)),
        };
        Self {
            id,
            machine: RegistryMembership::new(terms, now),
            session: None,
            earlier: BTreeSet::new(),
            lease: None,
            is_connected: true,
            is_suspended: false,
            requests: VecDeque::new(),
            answers: VecDeque::new(),
            inside: VecDeque::new(),
            notices: VecDeque::new(),
            watched: BTreeSet::new(),
            positions: BTreeMap::new(),
            reports: Vec::new(),
            opens: None,
        }
    }

    pub(super) fn subscribe(&mut self, to: Option<ConsumerSubscription>, now: Instant) {
        self.tell(RegistryEvent::Subscribed(to), now);
    }

    pub(super) fn tell(&mut self, event: RegistryEvent, now: Instant) {
        for effect in self.machine.on(event, now) {
            self.carry_out(effect, now);
        }
    }

    fn carry_out(&mut self, effect: RegistryEffect, now: Instant) {
        match effect {
            RegistryEffect::Open => self.opens = Some(self.machine.session()),
            RegistryEffect::Begin(begun) => {
                for it in begun {
                    let start = it.offset.unwrap_or(0);
                    let position = Position {
                        next: start,
                        done: start,
                        is_revoked: false,
                    };
                    let before = self.positions.insert(it.partition, position);
                    assert!(before.is_none(), "readers had it already");
                }
            }
            RegistryEffect::Collect => {
                let consumed = self.consumed(self.positions.keys().cloned().collect());
                self.inside.push_back(RegistryEvent::Consumed(consumed));
            }
            RegistryEffect::Revoke(revoked) => self.revoke(revoked.iter()),
            RegistryEffect::Stop { revoked, lost } => {
                let partitions: Vec<_> = revoked.into_iter().chain(lost).collect();
                self.revoke(partitions.iter());
                let consumed = self.consumed(partitions.clone());
                for of in &partitions {
                    let had = self.positions.remove(of);
                    assert!(had.is_some(), "readers have {of} no more");
                }
                self.inside.push_back(RegistryEvent::Stopped(consumed));
            }
            RegistryEffect::Watch(watched) => {
                // What is gone by now is told at once.
                self.notices
                    .extend(watched.iter().cloned().map(Notice::Owner));
                self.watched = watched;
            }
            RegistryEffect::Leave => {
                self.requests.clear();
                self.opens = None;
                let number = self.machine.session();
                match self.session.take() {
                    Some(session) => {
                        self.earlier.insert(session);
                        self.lease = None;
                        self.ask(Some(RegistryEffect::Leave), session, number, now);
                    }
                    None => self.inside.push_back(RegistryEvent::Left),
                }
            }
            RegistryEffect::Settled { .. } => {}
            RegistryEffect::Report(trouble) => self.reports.push(trouble),
            effect => {
                // Without a session the machine asks for nothing.
                let session = self.session.expect("a session");
                let number = self.machine.session();
                self.ask(Some(effect), session, number, now);
            }
        }
    }

    fn ask(&mut self, effect: Option<RegistryEffect>, session: u64, number: u64, now: Instant) {
        self.requests.push_back(Request {
            effect,
            progress: Progress::default(),
            number,
            session,
            asked: now,
        });
    }

    /// Lets ZooKeeper hear of the session.
    pub(super) fn ping(&mut self, now: Instant) {
        let pings = self.requests.iter().any(|request| request.effect.is_none());
        if let Some(session) = self.session.filter(|_| !pings) {
            self.ask(None, session, self.machine.session(), now);
        }
    }

    fn revoke<'a>(&mut self, revoked: impl Iterator<Item = &'a TopicPartition>) {
        for of in revoked {
            if let Some(position) = self.positions.get_mut(of) {
                position.is_revoked = true;
            }
        }
    }

    fn consumed(&self, partitions: Vec<TopicPartition>) -> Vec<(TopicPartition, i64)> {
        let done = |of: TopicPartition| Some((of.clone(), self.positions.get(&of)?.done));
        partitions.into_iter().filter_map(done).collect()
    }

    /// What readers may be handed at this moment.
    pub(super) fn readable(&self, now: Instant) -> Vec<TopicPartition> {
        if self.lease.is_none_or(|until| now >= until) {
            return Vec::new();
        }
        let positions = self.positions.iter();
        let open = positions.filter(|(_, position)| !position.is_revoked);
        open.map(|(of, _)| of.clone()).collect()
    }

    /// The machine is told what becomes of the session, and what is due.
    pub(super) fn look_at_the_clock(&mut self, registry: &Registry, now: Instant) {
        let is_over = |session: u64| !registry.is_alive(session);
        if self.is_connected && self.session.is_some_and(is_over) {
            self.lose();
            let number = self.machine.session();
            self.tell(RegistryEvent::Expired(number), now);
        }
        self.tell(RegistryEvent::Tick, now);
    }

    pub(super) fn lose(&mut self) {
        self.earlier.extend(self.session.take());
        self.lease = None;
        // What has been answered comes late.
        self.requests.clear();
        self.notices.clear();
    }

    pub(super) fn heard(&mut self, asked: Instant) {
        self.lease = self.lease.max(Some(asked + TIMEOUT));
    }
}
