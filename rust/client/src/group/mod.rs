//! Members of a consumer group (P3 and P13 of the paper): a consumer whose partitions the group decides.
//!
//! A member is a [`Consumer`] for reading, and a task that keeps it in the group: finds the coordinator, joins, divides the
//! partitions if it leads, says that it is alive, commits, leaves. The task decides nothing itself: [`membership`] is a pure
//! state machine, [`assignors`](kafkalite_groups::assignors) are pure functions. Readers share one atomic number per partition with the task (a
//! [`Claim`](crate::Claim)) and no lock, so heartbeats and commits go on whatever the readers do.
//!
//! It speaks the classic protocol, as all clients do; not yet that of KIP-848.

mod commit_queue;
mod commits;
mod coordinator_link;
mod division;
mod events;
mod failures;
mod handover;
mod member;
mod membership;
mod offsets;
mod report;
mod requests;
mod shared;
#[cfg(test)]
mod slow_decoding;
mod standing;
mod subscription;
mod work;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kafkalite_world::World;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use crate::admin::CommittedOffset;
use crate::cluster::shown;
use crate::config::{ConfigError, ConsumerConfig};
use crate::consumer::{Batch, Consumer, StartAt};
use crate::error::{ClientError, Result};
pub use events::{PendingEvent, RebalanceEvent};
use kafkalite_names::TopicPartition;
use offsets::GroupOffsets;
use shared::{MemberOrder, MemberShared};
use standing::Standing;
pub use subscription::{Subscription, TopicPattern};

/// One member of a group.
///
/// One thread reads it, others may look and commit. Where a program reads in several threads, each has a member of its own
/// ([`sibling`](Self::sibling)): so every assignor of every client counts them and divides fairly.
#[derive(Debug)]
pub struct GroupConsumer {
    shared: Arc<MemberShared>,
    /// Members made from the same settings, to number static ones.
    siblings: Arc<AtomicUsize>,
}

impl GroupConsumer {
    /// Starts a member whose background work runs on `runtime`. It joins when it [`subscribe`](Self::subscribe)s.
    pub fn new(config: ConsumerConfig, runtime: &Handle) -> Result<Self> {
        Self::new_in(config, &World::real(), runtime)
    }

    /// As [`new`](Self::new), in a world of the caller's.
    pub fn new_in(config: ConsumerConfig, world: &World, runtime: &Handle) -> Result<Self> {
        if config.group_id.is_empty() {
            let expected = "the name of the group to read in".to_owned();
            let (name, value) = ("group.id", String::new());
            return Err(ConfigError::Invalid {
                name,
                value,
                expected,
            }
            .into());
        }
        if config.heartbeat_interval >= config.session_timeout {
            // The group would take every member for dead.
            let millis = |time: Duration| time.as_millis().to_string();
            return Err(ConfigError::Conflict {
                settings: Box::new([
                    ("heartbeat.interval.ms", millis(config.heartbeat_interval)),
                    ("session.timeout.ms", millis(config.session_timeout)),
                ]),
                relation: "is not below",
                remedies: ["lower {}", "raise {}"],
            }
            .into());
        }
        let consumer = Consumer::new_in(config, world, runtime)?;
        Ok(Self::of(consumer, runtime, Arc::default()))
    }

    /// One more member of the same group, with a member id, a coordinator's connection and a subscription of its own; it
    /// shares what is known of the cluster. If `group.instance.id` is set, it is that with `-2`, `-3` … behind it: no two
    /// members may have the same.
    #[must_use]
    pub fn sibling(&self, runtime: &Handle) -> Self {
        let consumer = self.shared.consumer.sibling(runtime);
        Self::of(consumer, runtime, Arc::clone(&self.siblings))
    }

    fn of(consumer: Consumer, runtime: &Handle, siblings: Arc<AtomicUsize>) -> Self {
        let config = consumer.config();
        let before = siblings.fetch_add(1, Ordering::Relaxed);
        let instance = Some(config.group_instance_id.as_str()).filter(|name| !name.is_empty());
        let instance: Option<Arc<str>> = instance.map(|name| match before {
            0 => name.into(),
            _ => format!("{name}-{}", before + 1).into(),
        });
        let (orders, ordered) = mpsc::unbounded_channel();
        let (commits, attempts) = mpsc::unbounded_channel();
        let (cluster, group) = (Arc::clone(consumer.cluster()), config.group_id.clone());
        runtime.spawn(commit_queue::run(
            cluster,
            group,
            instance.clone(),
            attempts,
        ));
        let shared = Arc::new(MemberShared::new(consumer, instance, orders, commits));
        runtime.spawn(member::run(Arc::clone(&shared), ordered));
        Self { shared, siblings }
    }

    /// Joins the group with this subscription, or changes it. Returns at once: [`assignment`](Self::assignment) and
    /// [`next_batch`](Self::next_batch) show what comes of it.
    pub fn subscribe(&self, to: Subscription) {
        self.shared.asks();
        self.shared.subscribe(Some(to));
    }

    /// Commits what was consumed (unless `enable.auto.commit=false`), gives up every partition and leaves the group, without
    /// waiting for it. [`subscribe`](Self::subscribe) joins again.
    pub fn unsubscribe(&self) {
        self.shared.subscribe(None);
    }

    /// What was subscribed to last.
    pub fn subscription(&self) -> Option<Subscription> {
        self.shared.subscription.lock().clone()
    }

    /// The partitions that the group gave to this member, sorted.
    pub fn assignment(&self) -> Vec<TopicPartition> {
        let mut assignment = self.shared.consumer.assignment();
        assignment.sort_unstable();
        assignment
    }

    /// Whether the group gave a partition to this member.
    pub fn is_assigned(&self, partition: &TopicPartition) -> bool {
        self.shared.consumer.is_assigned(partition)
    }

    /// The group's name.
    pub fn group(&self) -> &str {
        &self.shared.group
    }

    /// A reader is alive: it comes back for another message of a batch that it took. One relaxed store; whoever asks for
    /// batches need not call it.
    #[inline]
    pub fn asks(&self) {
        self.shared.has_asked.store(true, Ordering::Relaxed);
    }

    /// The id that the coordinator knows this member by; `None` before it gave one.
    pub fn member_id(&self) -> Option<Arc<str>> {
        let id = Arc::clone(&self.shared.standing.borrow().member_id);
        (!id.is_empty()).then_some(id)
    }

    /// The generation of the group that this member is in; it grows with each rebalance. `None` while it is in none.
    pub fn generation(&self) -> Option<i32> {
        let generation = self.shared.standing.borrow().generation;
        (generation >= 0).then_some(generation)
    }

    /// The next batch that is there, without waiting; none while an event waits to be handled, or is being handled.
    pub fn try_next_batch(&self) -> Option<Result<Batch>> {
        if let Some(failure) = self.shared.failure() {
            return Some(Err(failure));
        }
        self.shared.asks();
        // Whoever closes it need not wait for who handles one.
        if self.shared.events.is_pending() && !self.shared.consumer.is_closed() {
            return None;
        }
        self.shared.consumer.try_next_batch()
    }

    /// The next batch of any partition, as [`Consumer::next_batch`]; `None` when the time is up, or at once when there is an
    /// event to take ([`next_event`](Self::next_event)). While another thread handles one, it waits.
    ///
    /// Each batch carries its [`Claim`](crate::Claim): store how far you are there, and drop the rest of a batch whose claim is
    /// revoked. An error about the group ([`ClientError::NotAdmitted`], [`ClientError::Fenced`],
    /// [`ClientError::BadAssignment`]) is told once; the next call tries to join again. One that is fenced is told so at
    /// every call, until it is unsubscribed.
    pub async fn next_batch(&self, limit: Duration) -> Result<Option<Batch>> {
        let deadline = Instant::now() + limit;
        let _waits = self.shared.waits();
        loop {
            let (arrived, handled) = (self.shared.consumer.arrived(), self.shared.events.handled());
            if let Some(next) = self.try_next_batch() {
                return next.map(Some);
            }
            if self.shared.events.is_any() {
                return Ok(None);
            }
            let woken = async {
                tokio::select! {
                    () = arrived => {}
                    () = handled => {}
                }
            };
            if timeout_at(deadline, woken).await.is_err() {
                return self.try_next_batch().transpose();
            }
        }
    }

    /// Whether rebalances shall be told as events. Whoever says yes has to ask for them: until a [`PendingEvent`] is
    /// dropped nothing is read, and the group's rebalance waits, for `max.poll.interval.ms` at the most.
    pub fn listen(&self, wanted: bool) {
        self.shared.events.want(wanted);
    }

    /// Whether an event waits to be handled, or is being handled.
    #[inline]
    pub fn has_event(&self) -> bool {
        self.shared.events.is_pending()
    }

    /// The next event, if one waits and none is being handled: they are told one after the other.
    #[inline]
    pub fn next_event(&self) -> Option<PendingEvent> {
        if !self.has_event() {
            return None;
        }
        self.shared.events.take()
    }

    /// Why nothing comes at the moment, if something is wrong that may pass.
    pub fn trouble(&self) -> Option<ClientError> {
        self.shared.consumer.trouble()
    }

    /// Goes on reading a partition elsewhere, as [`Consumer::seek`]. Batches from before have their claim revoked; what is
    /// committed next is the new position.
    pub fn seek(&self, partition: &TopicPartition, to: StartAt) -> Result<()> {
        self.shared.consumer.seek(partition, to)
    }

    /// Stops or resumes handing out a partition. It stays this member's, until a rebalance takes it away and with it the
    /// pause; with `cooperative-sticky` alone, partitions that stay keep theirs.
    pub fn set_paused(&self, partition: &TopicPartition, paused: bool) -> Result<()> {
        self.shared.consumer.set_paused(partition, paused)
    }

    /// As [`Consumer::is_paused`].
    pub fn is_paused(&self, partition: &TopicPartition) -> bool {
        self.shared.consumer.is_paused(partition)
    }

    /// As [`Consumer::position`].
    pub fn position(&self, partition: &TopicPartition) -> Option<i64> {
        self.shared.consumer.position(partition)
    }

    /// As [`Consumer::end`].
    pub fn end(&self, partition: &TopicPartition) -> Option<i64> {
        self.shared.consumer.end(partition)
    }

    /// How many offsets lie between what is consumed of each partition and its end, as far as the answers to fetches told;
    /// nothing is asked. Partitions of which either is not known yet are left out.
    pub fn lag(&self) -> Vec<(TopicPartition, i64)> {
        let mut lag = self.shared.consumer.lag();
        lag.sort_unstable();
        lag
    }

    /// The partitions of a topic, as [`Consumer::partitions`].
    pub async fn partitions(&self, topic: &str, limit: Duration) -> Result<Vec<i32>> {
        self.shared.consumer.partitions(topic, limit).await
    }

    /// What the group has committed of these partitions, whoever reads them; those of which nothing is are left out.
    pub async fn committed(
        &self,
        partitions: &[TopicPartition],
        limit: Duration,
    ) -> Result<HashMap<TopicPartition, CommittedOffset>> {
        let (cluster, group) = (self.shared.consumer.cluster(), &*self.shared.group);
        let what = format!("fetching the offsets of {}", shown(group));
        let ask = || offsets::fetch(cluster, group, partitions);
        let fetched = cluster.retrying(&what, limit, ask);
        self.shared.consumer.or_closed(fetched).await
    }

    /// Commits these offsets, or what was consumed of every partition, and waits for the answer. What was committed is
    /// returned. During a rebalance it waits, and commits if the partitions are still this member's.
    ///
    /// Without a subscription, explicit offsets are committed as from outside of the group, which a group with members
    /// refuses.
    ///
    /// # Errors
    /// [`ClientError::CommitFailed`] if a partition has gone to another member, or if the group goes on without this one;
    /// [`ClientError::TimedOut`] after `limit`; [`ClientError::Closed`] if the member was closed, and the closing did not bring
    /// the answer.
    pub async fn commit(
        &self,
        offsets: Option<Vec<(TopicPartition, CommittedOffset)>>,
        limit: Duration,
    ) -> Result<Vec<(TopicPartition, CommittedOffset)>> {
        if offsets.is_none() && self.shared.standing.borrow().is_out {
            return Err(self.shared.out());
        }
        let offsets = self.to_commit(offsets);
        if !offsets.is_empty() {
            let committed = self.shared.commit_within(&offsets, limit);
            self.shared.closed.or_closed(committed).await?;
        }
        Ok(offsets)
    }

    /// As [`commit`](Self::commit), without waiting and without trying again, as a later commit would be overtaken; `then` is
    /// given the result, in the runtime's thread or at once. [`close`](Self::close) waits for it.
    pub fn commit_soon(
        &self,
        offsets: Option<Vec<(TopicPartition, CommittedOffset)>>,
        then: impl FnOnce(Result<Vec<(TopicPartition, CommittedOffset)>>) + Send + 'static,
    ) {
        let offsets = self.to_commit(offsets);
        let subscribed = self.shared.subscription.lock().is_some();
        let standing = if subscribed {
            self.shared.standing.borrow().clone()
        } else {
            Standing::outside()
        };
        if subscribed && standing.generation < 0 {
            then(Err(self.shared.out()));
            return;
        }
        // Queued now, so that commits stay in order.
        let shared = Arc::clone(&self.shared);
        let used = standing.clone();
        self.shared
            .queue(offsets.clone(), standing, move |outcome| {
                then(match outcome {
                    Ok(()) => {
                        shared.settle(&offsets);
                        Ok(offsets)
                    }
                    Err(error) => Err(shared.told(error, &used)),
                });
            });
    }

    fn to_commit(&self, offsets: Option<GroupOffsets>) -> GroupOffsets {
        offsets.unwrap_or_else(|| self.shared.uncommitted(None))
    }

    /// Ends: whoever reads or asks gets [`ClientError::Closed`] at once; what was consumed is committed (unless
    /// `enable.auto.commit=false`), commits that nobody waited for are answered, and the member leaves the group, but for a
    /// static one, whose place waits for it. No event is queued. Brokers are told that its fetch sessions are free. A second
    /// call waits for the first.
    ///
    /// # Errors
    /// [`ClientError::TimedOut`] if that took longer than `limit`; it goes on in the background.
    pub async fn close(&self, limit: Duration) -> Result<()> {
        self.shared.consumer.close();
        // What waits there is not asked for any more.
        self.shared.events.want(false);
        self.shared.closing.notify_one();
        self.shared.order(MemberOrder::Close);
        let mut standing = self.shared.standing.subscribe();
        let mut has_left = false;
        let ended = async {
            let _ = standing.wait_for(|it| it.has_ended).await;
            // Who never subscribed may have committed all the same.
            let _ = self.shared.queued().await;
            has_left = true;
            // If there is no time left for them, brokers forget its sessions by themselves.
            self.shared.consumer.ended().await;
        };
        let _ = timeout(limit, ended).await;
        self.shared.closed.close();
        if has_left {
            return Ok(());
        }
        Err(ClientError::TimedOut {
            what: format!("leaving {}", shown(&self.shared.group)).into(),
            setting: "timeout",
            limit,
            cause: None,
        })
    }
}

/// Leaves without waiting.
impl Drop for GroupConsumer {
    fn drop(&mut self) {
        self.shared.consumer.close();
        // What waits there is not asked for any more.
        self.shared.events.want(false);
        self.shared.closing.notify_one();
        self.shared.order(MemberOrder::Close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(settings: &[(&str, &str)]) -> Result<GroupConsumer> {
        let mut config =
            ConsumerConfig::from_pairs([("bootstrap.servers", "127.0.0.1:1")]).unwrap();
        for (name, value) in settings {
            config.set(name, value).unwrap();
        }
        GroupConsumer::new(config, &Handle::current())
    }

    #[tokio::test]
    async fn a_member_of_no_group_is_refused() {
        let error = member(&[]).unwrap_err().to_string();
        assert!(error.contains("group.id"), "{error}");
    }

    #[tokio::test]
    async fn heartbeats_that_would_come_too_late_are_refused() {
        let settings = [("group.id", "g"), ("session.timeout.ms", "3000")];
        let error = member(&settings).unwrap_err().to_string();
        assert!(error.contains("heartbeat.interval.ms=3000"), "{error}");
    }

    #[tokio::test]
    async fn while_one_thread_handles_an_event_another_waits_and_hears_of_the_end() {
        let member = member(&[("group.id", "g")]).unwrap();
        member.listen(true);
        let _handled = member
            .shared
            .events
            .push(RebalanceEvent::Assigned(Vec::new()));
        let event = member.next_event().unwrap();
        let mut next = std::pin::pin!(member.next_batch(Duration::from_hours(1)));
        for _ in 0..3 {
            tokio::select! {
                biased;
                next = &mut next => panic!("there is nothing to come back for: {next:?}"),
                () = std::future::ready(()) => {}
            }
        }
        let _handled = member
            .shared
            .events
            .push(RebalanceEvent::Revoked(Vec::new()));
        drop(event);
        assert!(
            matches!(next.await, Ok(None)),
            "the next one is to be taken"
        );
        let _event = member.next_event().unwrap();
        let next = member.next_batch(Duration::from_hours(1));
        member.shared.consumer.close();
        assert!(matches!(next.await, Err(ClientError::Closed(_))));
    }

    #[tokio::test]
    async fn static_siblings_have_names_of_their_own() {
        let first = member(&[("group.id", "g"), ("group.instance.id", "desk")]).unwrap();
        let second = first.sibling(&Handle::current());
        let third = second.sibling(&Handle::current());
        let names = [&first, &second, &third].map(|it| it.shared.instance.clone().unwrap());
        assert_eq!(names, ["desk".into(), "desk-2".into(), "desk-3".into()]);
    }
}
