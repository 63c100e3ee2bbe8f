//! The registry, the consumers, the topics' messages, and what must never be seen.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use kafkalite_coordination::assignment::OwnershipStrategy;
use kafkalite_coordination::registries::{ConsumerId, ConsumerSubscription, ThreadId};
use kafkalite_names::TopicPartition;
use tokio::time::Instant;

use super::super::{
    ClaimAnswer, CommitAnswer, RegistryEffect, RegistryEvent, StoredOffset, Verdict,
};
use super::consumer::{Answer, Request, SimulatedConsumer};
use super::registry::{Notice, Owner, Registry};
use crate::registries::share::Registries;

pub(super) struct World {
    pub(super) rng: Rng,
    pub(super) now: Instant,
    pub(super) strategy: OwnershipStrategy,
    pub(super) registry: Registry,
    pub(super) consumers: Vec<SimulatedConsumer>,
    /// How many consumers there have been.
    pub(super) created: u32,
    /// Of each partition, which messages have been handed out.
    pub(super) messages: BTreeMap<TopicPartition, Vec<bool>>,
    /// The server is down: nobody's session ends.
    pub(super) is_away: bool,
    /// Requests may fail.
    pub(super) fails: bool,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let strategies = [OwnershipStrategy::Range, OwnershipStrategy::RoundRobin];
        let strategy = *rng.choice(&strategies).unwrap();
        Self {
            rng,
            now: Instant::now(),
            strategy,
            registry: Registry::default(),
            consumers: Vec::new(),
            created: 0,
            messages: BTreeMap::new(),
            is_away: false,
            fails: false,
        }
    }

    pub(super) fn add_consumer(&mut self, subscription: ConsumerSubscription) -> usize {
        self.created += 1;
        let id = ConsumerId::new(&format!("g_h-{}", self.created)).unwrap();
        let mut consumer = SimulatedConsumer::new(id, self.now);
        consumer.subscribe(Some(subscription), self.now);
        self.consumers.push(consumer);
        self.consumers.len() - 1
    }

    /// A topic has so many partitions from now on, if it had fewer.
    pub(super) fn grow(&mut self, topic: &str, partitions: i32) {
        let topic: Arc<str> = topic.into();
        for partition in 0..partitions {
            let of = TopicPartition::new(topic.clone(), partition);
            self.messages.entry(of).or_default();
        }
        let known = self.registry.topics.entry(topic).or_default();
        if (known.len() as i32) < partitions {
            *known = (0..partitions).collect();
            self.registry.notices.push(Notice::Changed);
        }
    }

    pub(super) fn publish(&mut self, of: &TopicPartition, count: usize) {
        let messages = self.messages.get_mut(of).unwrap();
        messages.resize(messages.len() + count, false);
    }

    pub(super) fn advance(&mut self, by: Duration) {
        self.now += by;
        if !self.is_away {
            self.registry.expire(self.now);
        }
    }

    /// Notices go to all that watch.
    pub(super) fn spread_notices(&mut self) {
        let notices = std::mem::take(&mut self.registry.notices);
        for consumer in &mut self.consumers {
            if !consumer.is_connected || consumer.session.is_none() {
                continue;
            }
            for notice in &notices {
                let is_watched = match notice {
                    Notice::Changed => true,
                    Notice::Owner(of) => consumer.watched.contains(of),
                };
                if is_watched {
                    consumer.notices.push_back(notice.clone());
                }
            }
        }
    }

    pub(super) fn connect(&mut self, at: usize, connected: bool) {
        let consumer = &mut self.consumers[at];
        if std::mem::replace(&mut consumer.is_connected, connected) == connected {
            return;
        }
        if connected {
            // What happened meanwhile nobody tells; that something may have is known.
            let number = consumer.machine.session();
            consumer.inside.push_back(RegistryEvent::Changed);
            assert_eq!(number, consumer.machine.session());
        } else {
            consumer.notices.clear();
        }
    }

    /// One thing that the consumer, or ZooKeeper for it, has to do; false if there is none.
    pub(super) fn step(&mut self, at: usize) -> bool {
        let choices = 5;
        let first = self.rng.usize(..choices);
        (0..choices).any(|choice| match (first + choice) % choices {
            0 => self.open(at),
            1 => self.execute(at),
            2 => self.answer(at),
            3 => self.notice(at),
            _ => self.inside(at),
        })
    }

    fn open(&mut self, at: usize) -> bool {
        let consumer = &mut self.consumers[at];
        let Some(number) = consumer.opens.filter(|_| !consumer.is_suspended) else {
            return false;
        };
        if !consumer.is_connected || self.is_away {
            return false;
        }
        consumer.opens = None;
        if self.fails && self.rng.u8(..20) == 0 {
            let refused = Err("on purpose".to_owned());
            consumer.tell(RegistryEvent::Opened(number, refused), self.now);
            return true;
        }
        let session = self.registry.open(self.now);
        consumer.session = Some(session);
        consumer.lease = None;
        consumer.heard(self.now);
        consumer.tell(RegistryEvent::Opened(number, Ok(())), self.now);
        true
    }

    fn inside(&mut self, at: usize) -> bool {
        let consumer = &mut self.consumers[at];
        if consumer.is_suspended {
            return false;
        }
        let event = consumer.inside.pop_front();
        event.map(|event| consumer.tell(event, self.now)).is_some()
    }

    fn notice(&mut self, at: usize) -> bool {
        let consumer = &mut self.consumers[at];
        if consumer.is_suspended {
            return false;
        }
        let Some(notice) = consumer.notices.pop_front() else {
            return false;
        };
        if self.rng.u8(..10) == 0 {
            consumer.notices.push_back(notice.clone());
        }
        match notice {
            Notice::Changed => consumer.tell(RegistryEvent::Changed, self.now),
            Notice::Owner(of) => {
                let session = consumer.session;
                let is_another = |owner: &Owner| owner.session != session;
                let in_the_way = self.registry.owners.get(&of).is_some_and(is_another);
                if !in_the_way && consumer.watched.contains(&of) {
                    consumer.tell(RegistryEvent::Yielded(of), self.now);
                }
            }
        }
        true
    }

    fn answer(&mut self, at: usize) -> bool {
        let consumer = &mut self.consumers[at];
        if consumer.is_suspended || !consumer.is_connected {
            return false;
        }
        let Some(answer) = consumer.answers.pop_front() else {
            return false;
        };
        let Answer {
            event,
            session,
            asked,
        } = answer;
        if consumer.session == Some(session) {
            consumer.heard(asked);
        }
        if let Some(event) = event {
            consumer.tell(event, self.now);
        }
        true
    }

    /// ZooKeeper does the first thing that a consumer has asked for, or a part of it.
    fn execute(&mut self, at: usize) -> bool {
        let consumer = &mut self.consumers[at];
        let is_reached = consumer.is_connected && !self.is_away;
        let Some(request) = consumer.requests.front() else {
            return false;
        };
        let gives_up = request.effect == Some(RegistryEffect::Leave)
            && self.now >= request.asked + super::registry::TIMEOUT;
        if gives_up && !is_reached {
            consumer.requests.pop_front();
            consumer.inside.push_back(RegistryEvent::Left);
            return true;
        }
        if !is_reached {
            return false;
        }
        let mut request = consumer.requests.pop_front().unwrap();
        let lives = self.registry.hear(request.session, self.now);
        if request.effect == Some(RegistryEffect::Leave) {
            self.registry.end(request.session);
            self.consumers[at].inside.push_back(RegistryEvent::Left);
            return true;
        }
        if !lives {
            // The session's end is told otherwise.
            return true;
        }
        let Request {
            asked,
            number,
            session,
            ..
        } = request;
        let Some(effect) = request.effect.take() else {
            let event = None;
            self.consumers[at].answers.push_back(Answer {
                event,
                session,
                asked,
            });
            return true;
        };
        match self.carry_out(at, effect, &mut request, number) {
            Ok(event) => {
                let event = Some(event);
                let answer = Answer {
                    event,
                    session,
                    asked,
                };
                self.consumers[at].answers.push_back(answer);
            }
            Err(effect) => {
                let waits = matches!(effect, RegistryEffect::Register(_));
                request.effect = Some(effect);
                self.consumers[at].requests.push_front(request);
                return !waits;
            }
        }
        true
    }

    fn carry_out(
        &mut self,
        at: usize,
        effect: RegistryEffect,
        request: &mut Request,
        number: u64,
    ) -> Result<RegistryEvent, RegistryEffect> {
        let fails = self.fails && self.rng.u8(..30) == 0;
        let failure = || "on purpose".to_owned();
        let session = request.session;
        Ok(match effect {
            RegistryEffect::Register(subscription) => {
                let id = self.consumers[at].id.clone();
                if !self.registry.register(&id, subscription.clone(), session) {
                    return Err(RegistryEffect::Register(subscription));
                }
                RegistryEvent::Registered(number, Ok(()))
            }
            RegistryEffect::Look if fails => RegistryEvent::Looked(number, Err(failure())),
            RegistryEffect::Look => {
                let Some(members) = request.progress.members.take() else {
                    let members = self.registry.members.iter();
                    let members = members.map(|(id, (to, _))| (id.clone(), to.clone()));
                    request.progress.members = Some(members.collect());
                    return Err(RegistryEffect::Look);
                };
                let registries = Registries {
                    members,
                    topics: self.registry.topics.clone(),
                    garbage: Vec::new(),
                };
                let id = &self.consumers[at].id;
                let share = registries.share_of(id, self.strategy, true);
                RegistryEvent::Looked(number, Ok(share))
            }
            RegistryEffect::Claim(mut claims) => {
                if let Some((of, thread)) = claims.pop_first() {
                    let answer = if fails {
                        ClaimAnswer::Failed(failure())
                    } else {
                        self.claim(at, session, &of, thread)
                    };
                    request.progress.claims.push((of, answer));
                    return Err(RegistryEffect::Claim(claims));
                }
                let answers = std::mem::take(&mut request.progress.claims);
                RegistryEvent::Claimed(number, answers)
            }
            RegistryEffect::ReadOffsets(partitions) => {
                let read = |of: TopicPartition| {
                    let stored = match self.registry.offsets.get(&of) {
                        None => Ok(None),
                        Some((None, _)) => Err("garbage".to_owned()),
                        Some((Some(offset), version)) => Ok(Some(StoredOffset {
                            offset: *offset,
                            version: *version,
                        })),
                    };
                    (of, stored)
                };
                RegistryEvent::OffsetsRead(number, partitions.into_iter().map(read).collect())
            }
            RegistryEffect::Commit {
                partition,
                offset,
                version,
            } => {
                let answer = if fails {
                    CommitAnswer::Failed(failure())
                } else {
                    self.commit(&partition, offset, version)
                };
                RegistryEvent::Committed(number, partition, answer)
            }
            RegistryEffect::Verify(of, _) => {
                let node = self.registry.offsets.get(&of);
                let stored = node.map(|(offset, version)| StoredOffset {
                    offset: offset.unwrap_or(-1),
                    version: *version,
                });
                let is_ours = self.registry.owns(session, &of);
                let verdict = if is_ours {
                    Verdict::Ours(stored)
                } else {
                    Verdict::Gone
                };
                RegistryEvent::Verified(number, of, Ok(verdict))
            }
            RegistryEffect::Disown(_) if fails => RegistryEvent::Disowned(number, Err(failure())),
            RegistryEffect::Disown(threads) => {
                for of in threads.keys() {
                    if self.registry.owns(session, of) {
                        self.registry.disown(of);
                    }
                }
                RegistryEvent::Disowned(number, Ok(()))
            }
            effect => unreachable!("{effect:?} is not ZooKeeper's to do"),
        })
    }

    fn claim(
        &mut self,
        at: usize,
        session: u64,
        of: &TopicPartition,
        thread: ThreadId,
    ) -> ClaimAnswer {
        let owner = Owner {
            thread: Some(thread),
            session: Some(session),
        };
        match self.registry.owners.get(of) {
            None => {
                self.registry.own(of, owner);
                ClaimAnswer::Owned
            }
            Some(found) if found.session == owner.session => {
                assert_eq!(found.thread, owner.thread, "it is another stream's");
                ClaimAnswer::Owned
            }
            Some(Owner {
                session: Some(other),
                ..
            }) if self.consumers[at].earlier.contains(other) => ClaimAnswer::Earlier,
            Some(Owner {
                thread: Some(_),
                session: Some(_),
            }) => ClaimAnswer::Contested,
            Some(_) => ClaimAnswer::Stuck("garbage".to_owned()),
        }
    }

    fn commit(&mut self, of: &TopicPartition, offset: i64, version: Option<i32>) -> CommitAnswer {
        let before = self
            .registry
            .offsets
            .get(of)
            .and_then(|(offset, _)| *offset);
        let Some(version) = self.registry.write(of, Some(offset), version) else {
            return CommitAnswer::Moved;
        };
        assert!(
            before.is_none_or(|before| before <= offset),
            "{of} is set back from {before:?} to {offset}"
        );
        let handed_out = self.messages[of].iter().take_while(|it| **it).count();
        assert!(
            offset <= handed_out as i64,
            "{of} is committed to {offset}, and handed out to {handed_out}"
        );
        CommitAnswer::Written(version)
    }

    /// A reader asks for its next message; false if there is none.
    pub(super) fn read(&mut self, at: usize) -> bool {
        let consumer = &mut self.consumers[at];
        if consumer.is_suspended {
            return false;
        }
        let readable = consumer.readable(self.now);
        let mut has_more = Vec::new();
        for of in readable {
            let position = consumer.positions.get_mut(&of).unwrap();
            position.done = position.next;
            if (position.next as usize) < self.messages[&of].len() {
                has_more.push(of);
            }
        }
        let Some(of) = self.rng.choice(has_more) else {
            return false;
        };
        let session = consumer.session.expect("it reads in one");
        assert!(
            self.registry.owns(session, &of),
            "{} reads {of}, which is owned by {:?}",
            consumer.id,
            self.registry.owners.get(&of)
        );
        let position = consumer.positions.get_mut(&of).unwrap();
        self.messages.get_mut(&of).unwrap()[position.next as usize] = true;
        position.next += 1;
        true
    }
}
