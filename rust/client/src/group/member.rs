//! The task that keeps a member in its group: carries out what the [`Membership`] wants done, and tells it what came of it.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kafkalite_link::Backoff;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::Subscription;
use super::coordinator_link::CoordinatorLink;
use super::division::{Divided, TopicCounts, count, count_all, decide};
use super::membership::{Membership, MembershipEffect, MembershipEvent, MembershipTerms, TopicSet};
use super::report::{gone, names, settled};
use super::shared::{MemberOrder, MemberShared};
use super::standing::Standing;
use super::work::MemberWork;
use super::{failures, handover, requests};
use crate::cluster::{CREATION, shown};
use crate::error::{ClientError, Result};
use kafkalite_groups::assignors::ClassicAssignor;

/// Keeps the member in its group until it is closed.
pub(super) async fn run(
    shared: Arc<MemberShared>,
    mut orders: mpsc::UnboundedReceiver<MemberOrder>,
) {
    let mut task = Task::new(shared);
    while !task.membership.has_ended() {
        let deadline = task.deadline();
        let shared = Arc::clone(&task.shared);
        tokio::select! {
            order = orders.recv() => task.obey(order.unwrap_or(MemberOrder::Close)),
            done = task.work.next() => task.done(done),
            () = shared.wake.notified() => {}
            () = sleep_until(deadline) => {}
        }
        task.look_at_the_clock();
    }
    task.shared.consumer.close();
    task.publish();
}

/// Work that has been done.
enum Done {
    Event(MembershipEvent),
    Divided(u64, Result<Divided>),
    /// What the look with this number found.
    Looked(u64, Result<TopicCounts>),
    Committed,
    /// Where these start was being asked when the work ended.
    NotBegun(handover::Claimed),
    Nothing,
}

struct Task {
    shared: Arc<MemberShared>,
    link: Arc<CoordinatorLink>,
    membership: Membership,
    work: MemberWork<Done>,
    subscription: Option<Subscription>,
    /// What the leader decided last.
    divided: Option<Divided>,
    /// When to ask which topics and partitions there are.
    look_at: Option<Instant>,
    /// The last look's number.
    look: u64,
    /// The pause before that, while a topic is missing.
    missing: Backoff,
    commit_at: Instant,
    is_committing: bool,
    /// The sum of what is consumed: as long as it changes the reader is alive.
    progress: i64,
    /// The subscription's topics were looked at, and what is wrong with them was told.
    is_checked: bool,
    /// Since when a topic that is subscribed to by name is missing, unless that was told.
    misses_since: Option<Instant>,
    /// Those topics of the subscription that there were at the last look.
    existing: TopicSet,
    /// The member rests because of an error.
    has_failed: bool,
}

impl Task {
    fn new(shared: Arc<MemberShared>) -> Self {
        let (config, cluster) = (shared.consumer.config(), shared.consumer.cluster());
        let now = Instant::now();
        let terms = MembershipTerms {
            is_cooperative: config
                .assignors
                .iter()
                .all(|it| *it == ClassicAssignor::CooperativeSticky),
            is_static: shared.instance.is_some(),
            heartbeat_interval: config.heartbeat_interval,
            max_poll_interval: config.max_poll_interval,
            backoff: cluster.retry_backoff(),
        };
        Self {
            link: Arc::new(CoordinatorLink::new(
                Arc::clone(cluster),
                Arc::clone(&shared.group),
            )),
            membership: Membership::new(terms, now),
            work: MemberWork::new(),
            subscription: None,
            divided: None,
            look_at: None,
            look: 0,
            missing: cluster.retry_backoff(),
            commit_at: now + config.auto_commit_interval,
            is_committing: false,
            progress: 0,
            is_checked: false,
            misses_since: None,
            existing: TopicSet::new(),
            has_failed: false,
            shared,
        }
    }

    fn deadline(&self) -> Instant {
        let commits = self.shared.consumer.config().enable_auto_commit && !self.is_committing;
        let commit = (commits && self.membership.is_settled()).then_some(self.commit_at);
        let due = [self.membership.deadline(), self.look_at, commit];
        let due = due.into_iter().flatten().min();
        // Nothing is due: an order will come.
        due.unwrap_or_else(|| Instant::now() + Duration::from_hours(1))
    }

    fn obey(&mut self, order: MemberOrder) {
        match order {
            MemberOrder::Subscribe(Some(to)) => {
                self.shared.taken_up();
                // Which topics match a pattern has to be known before it joins; topics that are named may be none.
                self.look_at = Some(Instant::now());
                self.look += 1;
                self.is_checked = false;
                self.misses_since = None;
                self.existing.clear();
                if let Subscription::Topics(_) = &to {
                    let (topics, why) = (to.resolve([]), "it has subscribed".to_owned());
                    self.tell(MembershipEvent::Subscribed(topics, why));
                }
                self.subscription = Some(to);
            }
            MemberOrder::Subscribe(None) => {
                self.shared.taken_up();
                self.subscription = None;
                self.look_at = None;
                self.tell(MembershipEvent::Unsubscribed);
            }
            MemberOrder::Refused(error, generation) => {
                if let Some(code) = error.code() {
                    self.tell(MembershipEvent::CommitRefused(generation, code));
                }
            }
            MemberOrder::Close => self.tell(MembershipEvent::Close),
        }
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Event(event) => self.tell(event),
            Done::Divided(attempt, result) => {
                let answer = result.map(|mut divided| {
                    self.look += 1;
                    let assignments = std::mem::take(&mut divided.assignments);
                    let before = self.divided.replace(divided);
                    if let (Some(now), Some(before)) = (&mut self.divided, before) {
                        now.take_over(&before);
                    }
                    assignments
                });
                self.tell(MembershipEvent::Divided(attempt, answer));
            }
            Done::Looked(number, counts) => {
                // Unless the subscription, or what all members want, has changed since it was asked.
                if number == self.look {
                    self.looked(counts);
                }
            }
            Done::Committed => {
                self.is_committing = false;
                let interval = self.shared.consumer.config().auto_commit_interval;
                self.commit_at = Instant::now() + interval;
            }
            Done::NotBegun(claimed) => handover::not_begun(&self.shared, &claimed),
            Done::Nothing => {}
        }
    }

    fn tell(&mut self, event: MembershipEvent) {
        if let MembershipEvent::Joined(_, Err(error)) | MembershipEvent::Synced(_, Err(error)) =
            &event
        {
            self.shared.consumer.troubled(error.clone());
        }
        let effects = self.membership.on(event, Instant::now());
        self.publish();
        for effect in effects {
            self.carry_out(effect);
        }
    }

    fn publish(&self) {
        let standing = Standing {
            member_id: self.membership.member_id().into(),
            generation: self.membership.generation(),
            is_settled: self.membership.is_settled(),
            is_out: self.membership.is_out(),
            has_ended: self.membership.has_ended(),
        };
        self.shared.standing.send_if_modified(|known| {
            let is_new = *known != standing;
            *known = standing;
            is_new
        });
        let rests = self.membership.rests();
        self.shared.rests.store(rests, Ordering::Release);
    }

    fn look_at_the_clock(&mut self) {
        let now = Instant::now();
        let claims = self.shared.consumer.claims();
        let progress = claims.values().filter_map(|claim| claim.consumed()).sum();
        if progress != self.progress {
            self.progress = progress;
            self.shared.note_now();
        }
        self.tell(MembershipEvent::Asked(self.shared.last_asked()));
        // Somebody who came while the member was leaving waits already; who is to be told an error first calls again.
        let waits = self.membership.rests() && !self.has_failed && self.shared.is_waited_for();
        if self.shared.knocked.swap(false, Ordering::AcqRel) || waits {
            self.has_failed = false;
            self.tell(MembershipEvent::Knocked);
        }
        self.tell(MembershipEvent::Tick);
        if self.look_at.is_some_and(|due| now >= due) {
            self.look();
        }
        let commits = self.shared.consumer.config().enable_auto_commit && !self.is_committing;
        if commits && self.membership.is_settled() && now >= self.commit_at {
            self.commit();
        }
    }

    fn commit(&mut self) {
        self.is_committing = true;
        let shared = Arc::clone(&self.shared);
        let standing = shared.standing.borrow().clone();
        self.work.begin(Done::Committed, async move {
            let offsets = shared.uncommitted(None);
            if !offsets.is_empty() {
                match shared.attempt(offsets.clone(), standing.clone()).await {
                    Ok(()) => shared.settle(&offsets),
                    Err(error) => {
                        let error = shared.told(error, &standing);
                        tracing::debug!(group = %shared.group, %error, "an automatic commit is made again later");
                    }
                }
            }
            Done::Committed
        });
    }

    /// Asks which topics there are that concern this member, and how many partitions they have.
    fn look(&mut self) {
        self.look_at = None;
        self.look += 1;
        let Some(subscription) = self.subscription.clone() else {
            return;
        };
        let leads = self.membership.leads();
        let is_settled = self.is_checked && self.misses_since.is_none();
        if is_settled && !leads && matches!(subscription, Subscription::Topics(_)) {
            return; // Whoever leads looks after the partitions.
        }
        let mut topics = subscription.resolve([]);
        if let Some(divided) = self.divided.as_ref().filter(|_| leads) {
            topics.extend(divided.topics.iter().cloned());
        }
        let cluster = Arc::clone(self.shared.consumer.cluster());
        let number = self.look;
        // One that was there before, and is deleted, does not come back.
        let create = !self.is_checked;
        let instead = Done::Looked(number, Err(self.interrupted()));
        self.work.begin(instead, async move {
            let counted = match subscription {
                Subscription::Topics(_) => count(&cluster, &topics, create).await,
                Subscription::Pattern(_) => count_all(&cluster).await,
            };
            Done::Looked(number, counted)
        });
    }

    fn looked(&mut self, counted: Result<TopicCounts>) {
        let config = self.shared.consumer.config();
        let max_age = config.client.metadata_max_age;
        let now = Instant::now();
        let TopicCounts { counts, refused } = match counted {
            Ok(counted) => counted,
            Err(error) => {
                tracing::debug!(group = %self.shared.group, %error, "the cluster's topics are not known");
                self.look_at = Some(now + self.missing.failed());
                return;
            }
        };
        let Some(subscription) = self.subscription.clone() else {
            return;
        };
        let changed = self.divided.as_ref().filter(|_| self.membership.leads());
        let changed = changed.and_then(|divided| divided.difference(&counts));
        let topics = subscription.resolve(counts.keys().map(|name| &**name));
        let there = topics.iter().filter(|it| counts.contains_key(*it));
        let before = std::mem::replace(&mut self.existing, there.cloned().collect());
        let absences = &self.shared.consumer.cluster().absences;
        for topic in before.difference(&self.existing) {
            let is_refused = refused.iter().any(|(name, _)| name == topic);
            if !is_refused && absences.is_gone(topic, now) {
                tracing::warn!("{}", gone(&self.shared.group, topic));
            }
        }
        let refused: BTreeMap<_, _> = refused.into_iter().collect();
        let is_missing =
            |topic: &&Arc<str>| !counts.contains_key(*topic) && !refused.contains_key(*topic);
        let missing: Vec<_> = topics.iter().filter(is_missing).collect();
        let is_complete = missing.is_empty();
        if !std::mem::replace(&mut self.is_checked, true) {
            self.misses_since = (!is_complete).then_some(now);
            if let Some((topic, code)) = refused.into_iter().find(|(it, _)| topics.contains(it)) {
                self.report(ClientError::broker("Metadata", topic, code, None));
            }
        } else if is_complete {
            self.misses_since = None;
        } else if self
            .misses_since
            .is_some_and(|since| now >= since + CREATION)
        {
            self.misses_since = None;
            let names: Vec<_> = missing.iter().map(|topic| &***topic).collect();
            tracing::warn!(
                "{}: there is no topic {}; what is published there is read as soon as there is",
                shown(&self.shared.group),
                names.join(", ")
            );
        }
        self.look_at = Some(if is_complete {
            self.missing.succeeded();
            now + max_age
        } else {
            now + self.missing.failed().min(max_age)
        });
        if let Subscription::Pattern(_) = subscription {
            let why = "other topics match its pattern".to_owned();
            self.tell(MembershipEvent::Subscribed(topics, why));
        }
        if let Some(why) = changed {
            self.tell(MembershipEvent::Rejoin(why));
        }
    }

    fn carry_out(&mut self, effect: MembershipEffect) {
        let shared = Arc::clone(&self.shared);
        let link = Arc::clone(&self.link);
        match effect {
            MembershipEffect::Divide {
                attempt,
                protocol,
                members,
            } => {
                let cluster = Arc::clone(shared.consumer.cluster());
                let instead = Done::Divided(attempt, Err(self.interrupted()));
                self.work.begin(instead, async move {
                    Done::Divided(attempt, decide(cluster, protocol, members).await)
                });
            }
            MembershipEffect::Release { partitions, lost } => {
                self.work
                    .begin(Done::Event(MembershipEvent::Released), async move {
                        handover::release(&shared, partitions.into_iter().collect(), lost).await;
                        Done::Event(MembershipEvent::Released)
                    });
            }
            MembershipEffect::Adopt(partitions) => {
                let claimed = handover::adopt(&shared, partitions);
                let instead = Done::NotBegun(claimed.clone());
                self.work.begin(instead, async move {
                    handover::begin(&shared, claimed).await;
                    Done::Nothing
                });
            }
            MembershipEffect::Settled {
                generation,
                why,
                gained,
                given_up,
                owned,
            } => {
                let leads = self.membership.leads();
                if !leads {
                    // Another divided since: what this member decided once says nothing of what the next one moves.
                    self.divided = None;
                }
                let divided = self.divided.as_ref();
                let moved = settled(divided, &gained, &given_up, owned);
                let group = shown(&shared.group);
                shared.consumer.untroubled();
                tracing::info!("{group} is in generation {generation} because {why}: {moved}");
                // Partitions and topics may have changed since the leader counted.
                let missing =
                    divided.is_some_and(Divided::lacks_a_topic) || self.misses_since.is_some();
                let max_age = shared.consumer.config().client.metadata_max_age;
                let pause = if missing {
                    self.missing.failed()
                } else {
                    max_age
                };
                self.look_at = Some(Instant::now() + pause.min(max_age));
            }
            MembershipEffect::Report(failure) => {
                self.has_failed = true;
                self.report(failures::error(&shared, failure));
            }
            MembershipEffect::Silent => {
                let given_up = shared.consumer.assignment();
                tracing::warn!(
                    "{}: nobody asked for a message for longer than max.poll.interval.ms={}, so this member leaves and gives \
                     up {}; it joins again when somebody asks. Process less between two messages, or raise the setting",
                    shown(&shared.group),
                    shared.consumer.config().max_poll_interval.as_millis(),
                    names(given_up.iter()),
                );
            }
            request => {
                let instead = requests::unanswered(&request, self.interrupted());
                let instead = instead.map_or(Done::Nothing, Done::Event);
                self.work.begin(instead, async move {
                    let event = requests::send(shared, link, request).await;
                    event.map_or(Done::Nothing, Done::Event)
                });
            }
        }
    }

    fn report(&self, error: ClientError) {
        tracing::warn!("{error}");
        self.shared.fail(error);
        self.shared.consumer.wake();
    }

    /// The error of work that did not come to its end. Not that the consumer is closed: that would end a loop in silence.
    fn interrupted(&self) -> ClientError {
        ClientError::MemberInterrupted {
            group: shown(&self.shared.group).into(),
        }
    }
}
