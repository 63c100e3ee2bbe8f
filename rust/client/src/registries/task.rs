//! The task that carries out what the membership wants done, and tells it what came of it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kafkalite_coordination::assignment::OwnershipStrategy;
use kafkalite_coordination::registries::{ConsumerId, GroupPaths};
use kafkalite_coordination::session::{Ensemble, ZooKeeperError, ZooKeeperSession};
use kafkalite_world::World;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::membership::{RegistryEffect, RegistryEvent, RegistryMembership, RegistryTerms};
use super::questions::{Looked, Questions};
use super::shared::RegistryShared;
use super::troubles::sentence;
use super::watches::RegistryWatches;
use crate::tasks::Tasks;

/// What a consumer's task is made with.
pub(super) struct RegistryTaskParts {
    pub(super) shared: Arc<RegistryShared>,
    pub(super) ensemble: Arc<Ensemble>,
    /// A session that is there already, with which the brokers were found.
    pub(super) first: ZooKeeperSession,
    pub(super) paths: Arc<GroupPaths>,
    pub(super) id: ConsumerId,
    pub(super) strategy: OwnershipStrategy,
    pub(super) excludes_internal: bool,
    pub(super) terms: RegistryTerms,
    pub(super) world: World,
}

/// Outcomes of work.
enum Outcome {
    Told(RegistryEvent),
    Opened(u64, Result<ZooKeeperSession, ZooKeeperError>),
    Looked(u64, Result<Looked, ZooKeeperError>),
    Left,
}

struct RegistryTask {
    parts: RegistryTaskParts,
    machine: RegistryMembership,
    work: Tasks<(), Outcome>,
    first: Option<ZooKeeperSession>,
    questions: Option<Questions>,
    watches: Option<RegistryWatches>,
    tell: mpsc::UnboundedSender<RegistryEvent>,
}

/// Keeps the consumer in its group until it is closed.
pub(super) async fn run(
    parts: RegistryTaskParts,
    mut orders: mpsc::UnboundedReceiver<RegistryEvent>,
) {
    let machine = RegistryMembership::new(parts.terms.clone(), Instant::now());
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut task = RegistryTask {
        first: Some(parts.first.clone()),
        parts,
        machine,
        work: Tasks::new(),
        questions: None,
        watches: None,
        tell,
    };
    while !task.machine.has_ended() {
        let nothing_due = || Instant::now() + Duration::from_hours(1);
        let deadline = task.machine.deadline().unwrap_or_else(nothing_due);
        tokio::select! {
            order = orders.recv() => task.on(order.unwrap_or(RegistryEvent::Close)),
            Some(event) = told.recv() => task.on(event),
            Some(((), outcome)) = task.work.next() => task.done(outcome),
            () = sleep_until(deadline) => task.on(RegistryEvent::Tick),
        }
    }
    for stream in &task.parts.shared.streams {
        stream.close();
    }
    task.parts.shared.has_ended.send_replace(true);
}

impl RegistryTask {
    fn on(&mut self, event: RegistryEvent) {
        for effect in self.machine.on(event, Instant::now()) {
            self.carry_out(effect);
        }
    }

    fn done(&mut self, outcome: Result<Outcome, tokio::task::JoinError>) {
        match outcome {
            Ok(Outcome::Told(event)) => self.on(event),
            Ok(Outcome::Opened(number, Ok(session))) => {
                if number == self.machine.session() {
                    self.begin_session(session);
                    self.on(RegistryEvent::Opened(number, Ok(())));
                }
            }
            Ok(Outcome::Opened(number, Err(error))) => {
                self.on(RegistryEvent::Opened(number, Err(error.to_string())));
            }
            Ok(Outcome::Looked(number, looked)) => {
                let share = match looked {
                    Ok(looked) => {
                        self.watch_topics(number, &looked.topics);
                        Ok(looked.share)
                    }
                    Err(error) => Err(error.to_string()),
                };
                self.on(RegistryEvent::Looked(number, share));
            }
            Ok(Outcome::Left) => self.on(RegistryEvent::Left),
            Err(error) => {
                tracing::error!(%error, "a consumer's work ended before it was done: its session is given up");
                self.end_session();
                self.on(RegistryEvent::Expired(self.machine.session()));
            }
        }
    }

    fn begin_session(&mut self, session: ZooKeeperSession) {
        self.parts.shared.owns_by(Some(session.lease()));
        let questions = Questions {
            session,
            paths: Arc::clone(&self.parts.paths),
            id: self.parts.id.clone(),
            strategy: self.parts.strategy,
            excludes_internal: self.parts.excludes_internal,
        };
        self.questions = Some(questions);
    }

    fn end_session(&mut self) -> Option<ZooKeeperSession> {
        self.watches = None;
        self.parts.shared.owns_by(None);
        self.questions.take().map(|questions| questions.session)
    }

    fn watch_topics(&mut self, number: u64, topics: &BTreeSet<Arc<str>>) {
        if let (Some(watches), Some(questions)) = (&mut self.watches, &self.questions)
            && number == self.machine.session()
        {
            watches.topics(&questions.session, topics);
        }
    }

    fn begin(&mut self, work: impl Future<Output = Outcome> + Send + 'static) {
        self.work.begin((), work);
    }

    /// Begins work on ZooKeeper whose outcome is told with the session's number.
    fn ask<F>(&mut self, question: impl FnOnce(u64, Questions) -> F)
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        // The machine asks only while there is a session.
        if let Some(questions) = self.questions.clone() {
            let work = question(self.machine.session(), questions);
            self.begin(work);
        }
    }

    fn carry_out(&mut self, effect: RegistryEffect) {
        let shared = Arc::clone(&self.parts.shared);
        match effect {
            RegistryEffect::Open => self.open(),
            RegistryEffect::Register(subscription) => {
                let now = self.parts.world.now_ms();
                if let Some(questions) = &self.questions {
                    self.watches = Some(RegistryWatches::new(
                        questions,
                        self.machine.session(),
                        self.tell.clone(),
                    ));
                }
                self.ask(|session, questions| async move {
                    let registered = questions.register(subscription, now).await;
                    let registered = registered.map_err(|error| error.to_string());
                    Outcome::Told(RegistryEvent::Registered(session, registered))
                });
            }
            RegistryEffect::Look => self.ask(|session, questions| async move {
                Outcome::Looked(session, questions.look().await)
            }),
            RegistryEffect::Claim(threads) => self.ask(|session, questions| async move {
                let answers = questions.claim(threads).await;
                Outcome::Told(RegistryEvent::Claimed(session, answers))
            }),
            RegistryEffect::ReadOffsets(partitions) => self.ask(|session, questions| async move {
                let offsets = questions.read_offsets(partitions).await;
                Outcome::Told(RegistryEvent::OffsetsRead(session, offsets))
            }),
            RegistryEffect::Commit {
                partition,
                offset,
                version,
            } => self.ask(|session, questions| async move {
                let answer = questions.commit(&partition, offset, version).await;
                Outcome::Told(RegistryEvent::Committed(session, partition, answer))
            }),
            RegistryEffect::Verify(partition, thread) => {
                self.ask(|session, questions| async move {
                    let verdict = questions.verify(&partition, thread).await;
                    let verdict = verdict.map_err(|error| error.to_string());
                    Outcome::Told(RegistryEvent::Verified(session, partition, verdict))
                });
            }
            RegistryEffect::Disown(threads) => self.ask(|session, questions| async move {
                let disowned = questions.disown(threads).await;
                let disowned = disowned.map_err(|error| error.to_string());
                Outcome::Told(RegistryEvent::Disowned(session, disowned))
            }),
            RegistryEffect::Begin(begun) => shared.begin(begun),
            RegistryEffect::Collect => {
                let _ = self.tell.send(RegistryEvent::Consumed(shared.consumed()));
            }
            RegistryEffect::Revoke(partitions) => shared.revoke(&partitions),
            RegistryEffect::Stop { revoked, lost } => {
                let consumed = shared.stop(&revoked);
                shared.stop(&lost);
                let _ = self.tell.send(RegistryEvent::Stopped(consumed));
            }
            RegistryEffect::Watch(partitions) => {
                if let (Some(watches), Some(questions)) = (&mut self.watches, &self.questions) {
                    watches.in_the_way(questions, partitions);
                }
            }
            RegistryEffect::Leave => {
                let session = self.end_session();
                self.begin(async move {
                    if let Some(session) = session {
                        session.close().await;
                    }
                    Outcome::Left
                });
            }
            RegistryEffect::Settled { owned } => {
                let group = self.parts.paths.group();
                tracing::info!("{} of group {group} owns {owned} partitions", self.parts.id);
            }
            RegistryEffect::Report(trouble) => {
                let (id, group) = (&self.parts.id, self.parts.paths.group());
                tracing::warn!("{}", sentence(id, group, &trouble));
            }
        }
    }

    fn open(&mut self) {
        self.end_session();
        let number = self.machine.session();
        let (ensemble, first) = (Arc::clone(&self.parts.ensemble), self.first.take());
        self.begin(async move {
            let session = match first {
                Some(session) => Ok(session),
                None => ensemble.connect().await,
            };
            Outcome::Opened(number, session)
        });
    }
}
