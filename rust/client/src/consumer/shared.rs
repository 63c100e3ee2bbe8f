//! What the application, the fetchers and the task that keeps them share.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use kafkalite_names::TopicPartition;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::StartAt;
use super::batch::Batch;
use super::claim::Claim;
use super::partition::ReadPartition;
use super::plan::{self, Plan};
use crate::close_signal::CloseSignal;
use crate::cluster::{Cluster, Metadata};
use crate::config::ConsumerConfig;
use crate::error::{ClientError, Result};

#[derive(Debug)]
pub(super) struct ConsumerShared {
    pub(super) config: ConsumerConfig,
    pub(super) cluster: Arc<Cluster>,
    state: Mutex<State>,
    /// Something can be taken.
    pub(super) arrived: Notify,
    /// A partition has no leader, or its leader refused.
    pub(super) leaders_wanted: Notify,
    pub(super) closing: CloseSignal,
    /// Whether the background work of a closed consumer is done.
    has_ended: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    partitions: HashMap<TopicPartition, ReadPartition>,
    /// Partitions that have something, each once, in the order of their turn.
    ready: VecDeque<TopicPartition>,
    wakers: HashMap<i32, Arc<Notify>>,
    /// What last went wrong that passes by itself.
    trouble: Option<ClientError>,
}

impl ConsumerShared {
    pub(super) fn new(config: ConsumerConfig, cluster: Arc<Cluster>) -> Self {
        Self {
            config,
            cluster,
            state: Mutex::default(),
            arrived: Notify::new(),
            leaders_wanted: Notify::new(),
            closing: CloseSignal::new("consumer"),
            has_ended: watch::Sender::new(false),
        }
    }

    /// Wakes everybody who waits for a batch.
    pub(super) fn wake_all(&self) {
        self.arrived.notify_waiters();
        self.arrived.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closing.is_closed()
    }

    /// Whoever waits for something learns that nothing comes. A second call does nothing.
    pub(super) fn close(&self) {
        if self.closing.close() {
            for partition in self.state.lock().partitions.values_mut() {
                partition.interest = None;
            }
            self.wake_all();
        }
    }

    /// The background work is done.
    pub(super) fn end(&self) {
        self.has_ended.send_replace(true);
    }

    /// Waits until the background work is done.
    pub(super) async fn ended(&self) {
        let mut has_ended = self.has_ended.subscribe();
        let ended = has_ended.wait_for(|has_ended| *has_ended).await;
        drop(ended.expect("the sender lives as long as this"));
    }

    /// Replaces the assignment.
    pub(super) fn assign(&self, wanted: impl IntoIterator<Item = (TopicPartition, StartAt)>) {
        let mut state = self.state.lock();
        // The new ones are held before the old ones are let go: a topic that stays is of interest all the time.
        let before = std::mem::take(&mut state.partitions);
        state.ready.clear();
        for (of, start) in wanted {
            let partition = ReadPartition::new(start, self.cluster.retry_backoff());
            let topic = Arc::clone(&of.topic);
            self.put(&mut state, of, partition);
            self.cluster.may_create(&topic);
        }
        drop(before);
        for waker in state.wakers.values() {
            waker.notify_one();
        }
        self.leaders_wanted.notify_one();
    }

    /// Adds partitions that a group assigned; the others stay as they are.
    pub(super) fn claim(&self, claimed: &[(TopicPartition, Arc<Claim>)]) {
        let mut state = self.state.lock();
        for (of, claim) in claimed {
            let partition = ReadPartition::claimed(Arc::clone(claim), self.cluster.retry_backoff());
            self.put(&mut state, of.clone(), partition);
        }
        self.leaders_wanted.notify_one();
    }

    fn put(&self, state: &mut State, of: TopicPartition, mut partition: ReadPartition) {
        if !self.is_closed() {
            partition.interest = Some(self.cluster.interest(&of.topic));
        }
        state.partitions.insert(of, partition);
    }

    /// Takes partitions out; the others stay as they are.
    pub(super) fn release(&self, released: &[TopicPartition]) {
        let mut state = self.state.lock();
        for of in released {
            // It may have been sought since its claim was revoked.
            if let Some(claim) = state.partitions.remove(of).and_then(|it| it.claim) {
                claim.revoke();
            }
        }
        let State {
            partitions, ready, ..
        } = &mut *state;
        ready.retain(|of| partitions.contains_key(of));
    }

    /// Changes one assigned partition and wakes its fetcher.
    pub(super) fn change<T>(
        &self,
        of: &TopicPartition,
        change: impl FnOnce(&mut ReadPartition) -> T,
    ) -> Result<T> {
        let state = &mut *self.state.lock();
        let partition = state
            .partitions
            .get_mut(of)
            .ok_or_else(|| ClientError::NotAssigned {
                topic: of.topic.clone(),
                partition: of.partition,
            })?;
        let changed = change(partition);
        let leader = partition.leader;
        queue(&mut state.ready, of, partition, &self.arrived);
        state.wake(leader);
        Ok(changed)
    }

    pub(super) fn look<T>(
        &self,
        look: impl FnOnce(&HashMap<TopicPartition, ReadPartition>) -> T,
    ) -> T {
        look(&self.state.lock().partitions)
    }

    /// The next batch, or error, of the partition whose turn it is.
    pub(super) fn take(&self) -> Option<Result<Batch>> {
        let state = &mut *self.state.lock();
        for _ in 0..state.ready.len() {
            let of = state.ready.pop_front()?;
            let Some(partition) = state.partitions.get_mut(&of) else {
                continue;
            };
            partition.is_queued = false;
            if partition.paused {
                continue; // resuming it is a change
            }
            let was_full = partition.is_full(self.config.queued_max_bytes);
            let taken = partition.take();
            let has_room = was_full && !partition.is_full(self.config.queued_max_bytes);
            // One that the fetch under way asks for is not to be asked for again.
            let leader = partition
                .leader
                .filter(|_| !partition.is_asked_for() && (has_room || partition.is_dry()));
            // Another thread may wait beside this one.
            queue(&mut state.ready, &of, partition, &self.arrived);
            state.wake(leader);
            if taken.is_some() {
                return taken;
            }
        }
        None
    }

    /// What the leader's fetcher shall do now.
    pub(super) fn plan(&self, leader: i32, now: Instant) -> Plan {
        let partitions = &mut self.state.lock().partitions;
        Plan::new(partitions, leader, &self.config, now)
    }

    /// Whether the reader may be waiting for something that the leader's fetcher has not asked for.
    pub(super) fn is_urgent(&self, leader: i32, now: Instant) -> bool {
        self.look(|partitions| plan::is_urgent(partitions, leader, now))
    }

    /// Changes a partition on behalf of its fetcher, unless what the fetcher knows is out of date.
    pub(super) fn fetched<T>(
        &self,
        of: &TopicPartition,
        generation: u64,
        change: impl FnOnce(&mut ReadPartition) -> T,
    ) -> Option<T> {
        let state = &mut *self.state.lock();
        let partition = state
            .partitions
            .get_mut(of)
            .filter(|partition| partition.generation == generation)?;
        let limit = self.config.queued_max_bytes;
        let was_full = partition.is_full(limit);
        let changed = change(partition);
        let (leader, has_room) = (partition.leader, was_full && !partition.is_full(limit));
        queue(&mut state.ready, of, partition, &self.arrived);
        // Bytes that wait to be decoded count as well. If they are what filled it, it is decoding them that makes room, and
        // nobody who takes batches notices.
        if has_room {
            state.wake(leader);
        }
        Some(changed)
    }

    /// A leader's fetcher has ended before the consumer was closed: the next look at the leaders starts another one.
    pub(super) fn lost_fetcher(&self, leader: i32) {
        let state = &mut *self.state.lock();
        state.wakers.remove(&leader);
        let led = |partition: &&mut ReadPartition| partition.leader == Some(leader);
        for partition in state.partitions.values_mut().filter(led) {
            partition.fetch_again();
        }
    }

    /// A leader can't be reached, or says that it is not the leader: have the cluster asked.
    pub(super) fn lost(
        &self,
        of: &TopicPartition,
        generation: u64,
        now: Instant,
        error: ClientError,
    ) {
        self.fetched(of, generation, |partition| {
            partition.leader = None;
            partition.pause_after_error(now);
        });
        self.troubled(error);
        self.leaders_wanted.notify_one();
    }

    pub(super) fn troubled(&self, error: ClientError) {
        tracing::debug!(%error, "consumer meets an error");
        self.state.lock().trouble = Some(error);
    }

    pub(super) fn untroubled(&self) {
        self.state.lock().trouble = None;
    }

    pub(super) fn trouble(&self) -> Option<ClientError> {
        self.state.lock().trouble.clone()
    }

    /// Takes over what the cluster says; the leaders that have no fetcher yet, each with its waker, and whether all
    /// partitions have a leader.
    pub(super) fn learn(&self, metadata: &Metadata) -> (Vec<(i32, Arc<Notify>)>, bool) {
        let mut state = self.state.lock();
        let State {
            partitions,
            ready,
            wakers,
            ..
        } = &mut *state;
        let mut new = Vec::new();
        let mut complete = true;
        for (of, partition) in partitions {
            let changed = match metadata.topics.get(&of.topic) {
                Some(topic) => partition.learn(of, topic, self.config.auto_offset_reset),
                None => false,
            };
            queue(ready, of, partition, &self.arrived);
            let Some(leader) = partition.leader else {
                complete &= partition.halted;
                continue;
            };
            let waker = wakers.entry(leader).or_insert_with(|| {
                let waker = Arc::new(Notify::new());
                new.push((leader, Arc::clone(&waker)));
                waker
            });
            if changed {
                waker.notify_one();
            }
        }
        (new, complete)
    }
}

impl State {
    fn wake(&self, leader: Option<i32>) {
        if let Some(waker) = leader.and_then(|leader| self.wakers.get(&leader)) {
            waker.notify_one();
        }
    }
}

/// Has a partition that has something, and is not paused, wait for its turn.
fn queue(
    ready: &mut VecDeque<TopicPartition>,
    of: &TopicPartition,
    partition: &mut ReadPartition,
    arrived: &Notify,
) {
    let takes_part = partition.has_something() && !partition.paused;
    if takes_part && !std::mem::replace(&mut partition.is_queued, true) {
        ready.push_back(of.clone());
        arrived.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;
    use uuid::Uuid;

    use super::*;
    use crate::cluster::{PartitionMetadata, TopicMetadata};
    use kafkalite_wire::ErrorCode;
    use kafkalite_world::Dice;

    const LEADER: i32 = 1;

    fn of() -> TopicPartition {
        TopicPartition::new("t", 0)
    }

    /// One partition, read from offset 0, with room for 100 bytes; and what wakes its fetcher.
    fn shared() -> (ConsumerShared, Arc<Notify>) {
        let pairs = [
            ("bootstrap.servers", "127.0.0.1:1"),
            ("queued.max.bytes", "100"),
        ];
        let config = ConsumerConfig::from_pairs(pairs).unwrap();
        let cluster = Arc::new(Cluster::new(config.client.clone(), &Dice::default()).unwrap());
        let shared = ConsumerShared::new(config, cluster);
        shared.assign([(of(), StartAt::Offset(0))]);
        let (mut new, _) = shared.learn(&led());
        (shared, new.remove(0).1)
    }

    /// A cluster in which it has a leader.
    fn led() -> Metadata {
        let topic = TopicMetadata {
            name: "t".into(),
            id: Uuid::nil(),
            error: ErrorCode::None,
            partitions: vec![PartitionMetadata {
                leader: Some(LEADER),
                leader_epoch: 0,
            }],
        };
        let mut metadata = Metadata::unknown();
        metadata.topics.insert("t".into(), Arc::new(topic));
        metadata
    }

    #[test]
    fn what_is_sought_while_its_partition_goes_is_dropped_with_it() {
        let (shared, _) = shared();
        let first = Arc::new(Claim::new());
        shared.claim(&[(of(), Arc::clone(&first))]);
        let claim = || shared.look(|partitions| partitions[&of()].claim.clone().unwrap());
        shared
            .change(&of(), |partition| partition.begin(&first, StartAt::Reset))
            .unwrap();
        first.revoke();
        shared
            .change(&of(), |partition| partition.seek(StartAt::Offset(7)))
            .unwrap();
        let sought = claim();
        assert_eq!(sought.uncommitted(), Some(7), "it is still to be committed");
        shared.release(&[of()]);
        assert!(sought.is_revoked(), "another member reads it now");
    }

    #[test]
    fn what_a_fetcher_had_in_hand_when_it_ended_is_fetched_by_another() {
        let (shared, _) = shared();
        let plan = shared.plan(LEADER, Instant::now());
        let generation = plan.wanted[0].1;
        shared.fetched(&of(), generation, |partition| partition.expect(6, 60));
        shared.lost_fetcher(LEADER);
        let (new, complete) = shared.learn(&led());
        assert_eq!((new[0].0, complete), (LEADER, true), "there is another");
        let wanted = shared.plan(LEADER, Instant::now()).wanted;
        assert_eq!(wanted[0].0.offset, 0, "nothing of it was decoded");
        assert_ne!(wanted[0].1, generation);
    }

    #[tokio::test]
    async fn room_that_decoding_makes_wakes_the_fetcher() {
        let (shared, waker) = shared();
        timeout(Duration::from_secs(30), waker.notified())
            .await
            .unwrap(); // there is a leader
        let plan = shared.plan(LEADER, Instant::now());
        let generation = plan.wanted[0].1;
        shared.fetched(&of(), generation, |partition| partition.expect(6, 120));
        let planned = || shared.plan(LEADER, Instant::now()).wanted.len();
        assert_eq!(planned(), 0, "its buffer is full");
        shared.fetched(&of(), generation, |partition| partition.expected_done(120));
        timeout(Duration::from_secs(30), waker.notified())
            .await
            .unwrap();
        assert_eq!(planned(), 1);
    }
}
