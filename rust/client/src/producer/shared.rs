//! What the threads that produce share with the task that sends.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use kafkalite_records::BatchBuilder;
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

use super::accumulator::Accumulator;
use super::batch::Place;
use super::delivery::Failures;
use super::topic::Topic;
use crate::closing::Closing;
use crate::cluster::{Cluster, Metadata};
use crate::config::ProducerConfig;
use crate::error::{ClientError, Result};

/// Builders kept for further batches; each remembers how much its last batch took.
const SPARE_BUILDERS: usize = 64;

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: ProducerConfig,
    pub(super) cluster: Cluster,
    pub(super) failures: Arc<Failures>,
    pub(super) topics: RwLock<HashMap<Arc<str>, Arc<Topic>>>,
    lanes: AtomicUsize,
    /// Partitions with something new.
    fresh: Mutex<Vec<Arc<Accumulator>>>,
    pub(super) wake: Notify,
    batch_ids: AtomicU64,
    /// Batches that are not settled.
    unsettled: Mutex<BTreeSet<Place>>,
    settled: Notify,
    memory: AtomicUsize,
    room: Notify,
    /// Flushes that wait, and threads that wait for room: nothing lingers meanwhile.
    hurried: AtomicUsize,
    pub(super) closing: Closing,
    /// Give up what is left.
    pub(super) abort: AtomicBool,
    /// Closed before all was delivered: who flushes meanwhile is told so, also if `close` reports the failures.
    pub(super) cut_off: AtomicBool,
    builders: Mutex<Vec<BatchBuilder>>,
}

/// While it lives nothing lingers.
pub(super) struct Hurry<'a>(&'a Shared);

impl Drop for Hurry<'_> {
    fn drop(&mut self) {
        self.0.hurried.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Shared {
    pub(super) fn new(config: ProducerConfig, cluster: Cluster) -> Self {
        Self {
            config,
            cluster,
            failures: Arc::default(),
            topics: RwLock::default(),
            lanes: AtomicUsize::new(0),
            fresh: Mutex::default(),
            wake: Notify::new(),
            batch_ids: AtomicU64::new(0),
            unsettled: Mutex::default(),
            settled: Notify::new(),
            memory: AtomicUsize::new(0),
            room: Notify::new(),
            hurried: AtomicUsize::new(0),
            closing: Closing::new("producer"),
            abort: AtomicBool::new(false),
            cut_off: AtomicBool::new(false),
            builders: Mutex::default(),
        }
    }

    pub(super) fn next_lane(&self) -> usize {
        self.lanes.fetch_add(1, Ordering::Relaxed)
    }

    /// Tells the sender that a partition has something new.
    pub(super) fn wake_sender(&self, accumulator: Arc<Accumulator>) {
        self.fresh.lock().push(accumulator);
        self.wake.notify_one();
    }

    pub(super) fn take_fresh(&self) -> Vec<Arc<Accumulator>> {
        std::mem::take(&mut self.fresh.lock())
    }

    pub(super) fn next_batch_id(&self) -> u64 {
        self.batch_ids.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn opened(&self, batch: Place) {
        self.unsettled.lock().insert(batch);
    }

    /// A batch was delivered or failed: its memory is free.
    pub(super) fn settled(&self, batch: Place, memory: usize) {
        self.unsettled.lock().remove(&batch);
        self.settled.notify_waiters();
        self.release(memory);
    }

    pub(super) fn builder(&self) -> BatchBuilder {
        self.builders
            .lock()
            .pop()
            .unwrap_or_else(|| BatchBuilder::new(self.config.batch_size.max(1)))
    }

    pub(super) fn recycle(&self, builder: BatchBuilder) {
        let mut builders = self.builders.lock();
        if builders.len() < SPARE_BUILDERS {
            builders.push(builder);
        }
    }

    /// Takes `bytes` of `buffer.memory` if they are free. A record larger than all of it passes when it is alone.
    pub(super) fn reserve(&self, bytes: usize) -> bool {
        let taken = |used: usize| self.has_room(used, bytes).then(|| used + bytes);
        self.memory
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, taken)
            .is_ok()
    }

    fn has_room(&self, used: usize, bytes: usize) -> bool {
        used == 0 || used.saturating_add(bytes) <= self.config.buffer_memory
    }

    /// Gives back what was reserved: by a batch that is settled, or for a record that was not taken after all.
    pub(super) fn release(&self, bytes: usize) {
        self.memory.fetch_sub(bytes, Ordering::AcqRel);
        self.room.notify_waiters();
    }

    pub(super) fn hurry(&self) -> Hurry<'_> {
        self.hurried.fetch_add(1, Ordering::AcqRel);
        self.wake.notify_one();
        Hurry(self)
    }

    pub(super) fn is_hurried(&self) -> bool {
        self.hurried.load(Ordering::Acquire) > 0
    }

    /// Waits until `bytes` are free.
    pub(super) async fn room(&self, bytes: usize) -> Result<()> {
        let limit = self.config.max_block;
        let deadline = Instant::now() + limit;
        let _hurry = self.hurry();
        loop {
            let room = self.room.notified();
            if self.has_room(self.memory.load(Ordering::Acquire), bytes) {
                return Ok(());
            }
            if timeout_at(deadline, room).await.is_err() {
                let what = format!(
                    "waiting for room in the buffer (buffer.memory={})",
                    self.config.buffer_memory
                )
                .into();
                return Err(ClientError::TimedOut {
                    what,
                    setting: "max.block.ms",
                    limit,
                    cause: None,
                });
            }
        }
    }

    /// Waits until every batch that exists now is settled.
    pub(super) async fn drained(&self) {
        let mark = self.batch_ids.load(Ordering::Acquire);
        let _hurry = self.hurry();
        loop {
            let settled = self.settled.notified();
            if self
                .unsettled
                .lock()
                .first()
                .is_none_or(|oldest| oldest.batch >= mark)
            {
                return;
            }
            settled.await;
        }
    }

    pub(super) fn topic(&self, name: &str) -> Option<Arc<Topic>> {
        self.topics.read().get(name).cloned()
    }

    /// Waits until a topic's partitions are known.
    pub(super) async fn learn(&self, name: &str) -> Result<Arc<Topic>> {
        let interest = self.cluster.interest(&name.into());
        let found = self
            .cluster
            .topic(name, true, self.config.max_block, "max.block.ms")
            .await?;
        let mut topics = self.topics.write();
        let topic = topics
            .entry(Arc::clone(&found.name))
            .or_insert_with(|| Topic::new(interest));
        topic.learn(&found, self);
        Ok(Arc::clone(topic))
    }

    /// Looks at the cluster again for a partition that the topic did not have when it was last looked at.
    pub(super) async fn grown(&self, topic: &Topic, partition: i32) -> Result<()> {
        let limit = self.config.max_block;
        let refreshed = timeout(limit, self.cluster.refresh(&self.cluster.metadata())).await;
        let metadata = refreshed.map_err(|_| ClientError::TimedOut {
            what: format!("finding partition {partition} of {}", topic.name).into(),
            setting: "max.block.ms",
            limit,
            cause: None,
        })??;
        self.learn_all(&metadata);
        if usize::try_from(partition).is_ok_and(|number| number < topic.partition_count()) {
            Ok(())
        } else {
            Err(topic.lacks(partition))
        }
    }

    /// Forgets the topics that nothing was sent to since the last so many looks, unless `keep` says otherwise or something
    /// comes just now; their names.
    pub(super) fn forget_unused(
        &self,
        looks: u32,
        keep: impl Fn(&str) -> bool,
    ) -> HashSet<Arc<str>> {
        let mut forgotten = HashSet::new();
        // Whoever finds nothing more taken in waits here, and then finds the topic gone, or open again.
        self.topics.write().retain(|name, topic| {
            let goes = topic.is_unused(looks) && !keep(name) && topic.retire();
            if goes {
                forgotten.insert(Arc::clone(name));
            }
            !goes
        });
        forgotten
    }

    /// Takes over what a refresh found.
    pub(super) fn learn_all(&self, metadata: &Metadata) {
        for topic in self.topics.read().values() {
            if let Some(found) = metadata.topics.get(&topic.name) {
                topic.learn(found, self);
            }
        }
    }
}
