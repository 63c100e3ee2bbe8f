//! One partition while the broker runs: its log, the fetches that wait for it to grow, the producers that wait for it to
//! be flushed. It does not know requests.

mod flushes;
mod parked;

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use kafkalite_log::{AppendOptions, Appended, Log};
use kafkalite_wire::ErrorCode;

use crate::refusal::Refusal;
use flushes::Flushes;
pub(crate) use parked::{Parked, Wait};

/// A partition's log and those who wait for it.
#[derive(Debug)]
pub(crate) struct Partition {
    pub(crate) topic: Arc<str>,
    pub(crate) index: i32,
    pub(crate) log: Log,
    parked: Parked,
    flushes: Flushes,
    /// Bytes appended that readers do not see yet: with `durability=synced` they wait for the flush.
    hidden: AtomicU64,
    deleted: AtomicBool,
}

impl AsRef<Parked> for Partition {
    fn as_ref(&self) -> &Parked {
        &self.parked
    }
}

impl Partition {
    pub(crate) fn new(topic: Arc<str>, index: i32, log: Log) -> Self {
        Self {
            topic,
            index,
            log,
            parked: Parked::default(),
            flushes: Flushes::default(),
            hidden: AtomicU64::new(0),
            deleted: AtomicBool::new(false),
        }
    }

    /// Appends one producer's batch and wakes who waits for it. Into the page cache only: short enough for the runtime.
    pub(crate) fn append(&self, batch: &[u8], options: AppendOptions) -> Result<Appended, Refusal> {
        if self.is_deleted() {
            return Err(Refusal::unknown_topic(&self.topic));
        }
        let appended = self.log.append(batch, options)?;
        self.hidden.fetch_add(batch.len() as u64, Ordering::Relaxed);
        if self.log.high_watermark() > appended.last_offset {
            self.became_visible();
        }
        Ok(appended)
    }

    /// Waits until readers see everything before `end`: at once, or with `durability=synced` after the next flush. All
    /// who wait share one fsync.
    pub(crate) async fn until_visible(self: &Arc<Self>, end: i64) -> Result<(), Refusal> {
        while self.log.high_watermark() < end {
            // A task of its own: the flush happens even if the producer hangs up meanwhile.
            let partition = Arc::clone(self);
            let flush = tokio::spawn(async move { partition.flush().await });
            flush.await.unwrap_or_else(|_| Err(Refusal::new(ErrorCode::KafkaStorageError, "the broker has stopped")))?;
        }
        Ok(())
    }

    /// Flushes to disk, away from the runtime's threads. Joins a flush that has not begun yet rather than adding one.
    pub(crate) async fn flush(self: &Arc<Self>) -> Result<(), Refusal> {
        let partition = Arc::clone(self);
        self.flushes
            .join(move || {
                let flushed = partition.log.flush();
                partition.became_visible();
                flushed.map_err(Refusal::from)
            })
            .await
    }

    /// From now on the partition does not exist: parked fetches are answered, producers refused.
    pub(crate) fn mark_deleted(&self) {
        self.deleted.store(true, Ordering::Release);
        self.parked.wake_all();
    }

    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted.load(Ordering::Acquire)
    }

    fn became_visible(&self) {
        let bytes = self.hidden.swap(0, Ordering::Relaxed);
        if bytes > 0 {
            self.parked.arrived(bytes);
        }
    }
}
