//! Consumer groups: who is in them, and what they have committed. The coordinator of Kafka's classic group protocol and of
//! that of KIP-848.
//!
//! What a group does is decided in [`classic`] or in [`consumer`], state machines without clock or socket; here their events
//! come in and what comes of them is carried out: records are appended to `__consumer_offsets`, answers are sent when those
//! records are visible, deadlines are kept. It does not know requests' frames.
//!
//! - [`members`]: joining, syncing, heartbeats, leaving in the classic protocol; [`consumers`]: heartbeats of the other one.
//! - [`migration`]: groups that go from one to the other.
//! - [`patterns`]: members' regular expressions, compiled before their group is locked.
//! - [`commits`]: offsets committed, fetched, deleted.
//! - [`coordinator`]: which broker coordinates which group.
//! - [`administration`]: listing, describing, deleting, and forgetting what is too old.
//! - [`offsets_topic`], [`loading`]: the log is the only storage ([`crate::internal_log`]); all of it is read at the start.
//! - [`timers`]: one queue of deadlines for all groups.
//!
//! A group's lock is held while its records are appended: so their order in the log is that of what happened, and what is in
//! memory is never behind the log. With `durability=synced` it may be ahead of the *disk*; hence answers, also those that only
//! read offsets, wait for the flush.

mod administration;
mod classic_requests;
mod commits;
mod consumer_requests;
mod coordinator;
mod group;
mod loading;
mod member_client;
mod migration;
mod offsets_topic;
mod patterns;
mod timers;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use kafkalite_groups::classic::{Classic, ClassicRules, Effects, Now};
use kafkalite_groups::consumer::Consumer;
use kafkalite_groups::records::group_entry;
use kafkalite_log::LogError;
use kafkalite_wire::ErrorCode;
use kafkalite_world::World;
use parking_lot::RwLock;
use tokio::time::Instant;

use crate::config::Configs;
use crate::internal_log::{InternalLog, StoredUpTo};
use crate::refusal::Refusal;
use crate::registry::Registry;
use crate::replicas::Replicas;
use crate::warnings::{About, Warnings};

pub(crate) use administration::GroupFilter;
pub(crate) use commits::{Commit, CommittedOffset};
pub(crate) use kafkalite_groups::classic::{ClassicState, ClassicView, MemberView};
pub(crate) use member_client::MemberClient;
pub(crate) use offsets_topic::TOPIC;
pub(crate) use timers::run as keep_time;

use group::{Group, GroupKind, Held};
use offsets_topic::offsets_topic;
use timers::Timers;

/// All groups of the broker.
pub(crate) struct Groups {
    by_id: RwLock<HashMap<Arc<str>, Arc<Group>>>,
    registry: Arc<Registry>,
    configs: Arc<Configs>,
    /// The only storage.
    log: InternalLog,
    timers: Timers,
    warnings: Arc<Warnings>,
    began: Instant,
    tickets: AtomicU64,
    /// Held while a member's regular expression is compiled.
    compiling: Arc<tokio::sync::Mutex<()>>,
    world: World,
}

impl Groups {
    /// Reads what is stored. Blocks; call it before anybody can ask.
    pub(crate) fn open(
        registry: Arc<Registry>,
        replicas: Arc<Replicas>,
        configs: Arc<Configs>,
        warnings: Arc<Warnings>,
        world: World,
    ) -> Result<Arc<Self>, LogError> {
        let topic = offsets_topic(&configs.settings());
        let log = InternalLog::new(topic, Arc::clone(&registry), replicas);
        let loaded = loading::load(&log)?;
        let groups = Self {
            by_id: RwLock::default(),
            registry,
            configs,
            log,
            timers: Timers::default(),
            warnings,
            began: Instant::now(),
            tickets: AtomicU64::new(0),
            compiling: Arc::default(),
            world,
        };
        let (rules, now) = (groups.rules(), groups.now());
        for (id, stored) in loaded {
            let id: Arc<str> = id.into();
            let is_stored = stored.metadata.is_some() || stored.consumer.is_there();
            let kind = match stored.metadata {
                _ if stored.consumer.is_there() => {
                    let rules = groups.consumer_rules(&id);
                    let consumer = Consumer::from_stored(stored.consumer, &rules, now);
                    GroupKind::Consumer(Box::new(consumer))
                }
                Some(metadata) => {
                    GroupKind::new_classic(Classic::from_record(metadata, rules, now))
                }
                None => GroupKind::new_classic(Classic::new(rules, now)),
            };
            let mut held = Held {
                offsets: stored.offsets,
                stored: is_stored,
                ..Held::new(kind)
            };
            groups.reschedule(&id, &mut held);
            let group = Group {
                id: Arc::clone(&id),
                held: held.into(),
            };
            groups.by_id.write().insert(id, Arc::new(group));
        }
        Ok(Arc::new(groups))
    }

    fn rules(&self) -> ClassicRules {
        let settings = self.configs.settings();
        ClassicRules {
            initial_delay_ms: settings.group_initial_rebalance_delay_ms,
            max_size: settings.group_max_size,
        }
    }

    fn now(&self) -> Now {
        Now {
            ms: self.began.elapsed().as_millis() as u64,
            wall_ms: self.world.now_ms(),
        }
    }

    fn group(&self, id: &str) -> Option<Arc<Group>> {
        self.by_id.read().get(id).cloned()
    }

    fn all(&self) -> Vec<Arc<Group>> {
        self.by_id.read().values().cloned().collect()
    }

    /// Does something with a group under its lock; `None` if there is no such group.
    fn with<T>(&self, id: &str, act: impl FnOnce(&Arc<str>, &mut Held) -> T) -> Option<T> {
        loop {
            let group = self.group(id)?;
            let mut held = group.held.lock();
            if !held.gone {
                return Some(act(&group.id, &mut held));
            }
        }
    }

    /// Does something with a group under its lock; with a new one if there is none. If it is still nothing afterwards, it is
    /// forgotten.
    fn with_or_new<T>(&self, id: &str, act: impl FnOnce(&Arc<str>, &mut Held) -> T) -> T {
        loop {
            let group = self.group(id).unwrap_or_else(|| {
                let id: Arc<str> = id.into();
                let held = Held::new(GroupKind::new_classic(Classic::new(
                    self.rules(),
                    self.now(),
                )));
                let new = || {
                    Arc::new(Group {
                        id: Arc::clone(&id),
                        held: held.into(),
                    })
                };
                Arc::clone(
                    self.by_id
                        .write()
                        .entry(Arc::clone(&id))
                        .or_insert_with(new),
                )
            });
            let mut held = group.held.lock();
            if held.gone {
                continue;
            }
            let outcome = act(&group.id, &mut held);
            self.forget_if_nothing(&group.id, &mut held);
            return outcome;
        }
    }

    fn forget_if_nothing(&self, id: &str, held: &mut Held) {
        if held.is_forgettable() {
            self.remove(id, held);
        }
    }

    fn remove(&self, id: &str, held: &mut Held) {
        held.gone = true;
        held.kind.bury();
        self.by_id.write().remove(id);
    }

    /// Carries out what the state machine demands.
    fn carry_out(&self, id: &Arc<str>, held: &mut Held, mut effects: Effects) {
        let mut news = std::mem::take(&mut effects.news);
        let mut unseen = None;
        match self.store(id, held, effects.store) {
            // Where nothing was written, what an answer repeats may have been a moment ago.
            Ok(written) => {
                let written = written.or_else(|| held.written.clone());
                unseen =
                    written.filter(|written| !effects.answers.is_empty() && !written.is_visible());
            }
            Err(code) => {
                let more = match &mut held.kind {
                    GroupKind::Classic(classic) => classic.storing_failed(self.now()),
                    GroupKind::Consumer(_) => Effects::default(),
                };
                effects.answers = effects
                    .answers
                    .into_iter()
                    .map(|(ticket, answer)| (ticket, answer.failed(code)))
                    .chain(more.answers)
                    .collect();
                news.extend(more.news);
            }
        }
        for sentence in news {
            tracing::info!("group {id} {sentence}");
        }
        self.reschedule(id, held);
        let Some(written) = unseen else {
            for (ticket, answer) in effects.answers {
                held.send(ticket, answer);
            }
            return;
        };
        let answers: Vec<_> = effects
            .answers
            .into_iter()
            .filter_map(|(ticket, answer)| Some((held.waiting.remove(&ticket)?, answer)))
            .collect();
        tokio::spawn(async move {
            let outcome = written.until_visible().await;
            for (waiting, answer) in answers {
                let answer = match &outcome {
                    Ok(()) => answer,
                    Err(_) => answer.failed(ErrorCode::CoordinatorNotAvailable),
                };
                let _ = waiting.send(answer);
            }
        });
    }

    /// Appends what has changed of the group, for a classic one if it is `asked` to. On an error the code is what members are
    /// told.
    fn store(
        &self,
        id: &str,
        held: &mut Held,
        asked: bool,
    ) -> Result<Option<StoredUpTo>, ErrorCode> {
        let entries = match &mut held.kind {
            GroupKind::Classic(_) if !asked => return Ok(None),
            GroupKind::Classic(classic) => {
                let record = classic.to_record();
                let (said, most) = (record.said(), self.log.max_record());
                if said > most {
                    self.complain(&format!(
                        "group {id} cannot be stored: its members say {said} bytes, a record holds {most}"
                    ));
                    return Err(ErrorCode::UnknownServerError);
                }
                group_entry(id, Some(&record)).map(|entry| vec![entry])
            }
            GroupKind::Consumer(_) => return self.store_changes(id, held),
        };
        let entries = entries.map_err(|error| {
            self.complain(&format!("group {id} cannot be stored: {error}"));
            ErrorCode::UnknownServerError
        })?;
        let written = self.append(id, held, &entries)?;
        held.stored = true;
        Ok(written)
    }

    /// Makes sure that a group can be stored, as far as that does not depend on the group.
    async fn ready(&self, id: &str) -> Result<(), Refusal> {
        let ready = self.log.ready().await;
        ready.map_err(|refusal| {
            self.complain(&format!("group {id} cannot be stored: {refusal}"));
            Refusal::new(ErrorCode::CoordinatorNotAvailable, refusal.message)
        })
    }

    /// Says what is wrong with a group, once, however often its members try again.
    fn complain(&self, sentence: &str) {
        if self.warnings.is_new(About::Groups, sentence) {
            tracing::error!("{sentence}");
        }
    }

    fn reschedule(&self, id: &Arc<str>, held: &mut Held) {
        let Some(wake) = held.kind.wake() else {
            return;
        };
        if held.scheduled.is_none_or(|scheduled| wake < scheduled) {
            held.scheduled = Some(wake);
            self.timers.schedule(wake, Arc::clone(id));
        }
    }

    /// The timers' look at a group.
    fn look_at(&self, id: &str, at: u64) {
        self.with(id, |id, held| {
            // An earlier look has taken the place of this one.
            if held.scheduled != Some(at) {
                return;
            }
            held.scheduled = None;
            let effects = match &mut held.kind {
                GroupKind::Classic(classic) => classic.tick(self.now()),
                GroupKind::Consumer(consumer) => {
                    consumer.tick(&**self.registry.image(), self.now());
                    Effects::default()
                }
            };
            self.carry_out(id, held, effects);
            self.downgrade_if_due(id, held);
            self.forget_if_nothing(id, held);
        });
    }
}

/// What a storage error means to a member: come again, or that it is no use.
fn code_for_members(refusal: &Refusal) -> ErrorCode {
    match refusal.code {
        ErrorCode::MessageTooLarge | ErrorCode::RecordListTooLarge => ErrorCode::UnknownServerError,
        ErrorCode::NotLeaderOrFollower => ErrorCode::NotCoordinator,
        _ => ErrorCode::CoordinatorNotAvailable,
    }
}
