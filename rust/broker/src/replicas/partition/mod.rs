//! One partition while the broker runs: its log, what the broker is to it, the fetches that wait for it to grow, the producers
//! that wait for it to be flushed. It does not know requests.

mod flushes;
mod hidden;
mod parked;
mod standing;
#[cfg(test)]
mod tests;

use std::{
    borrow::Borrow,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
};

use kafkalite_cluster::unknown_topic;
use kafkalite_log::{
    AppendOptions, Appended, Durability, Log, LogConfig, LogError, producers::Origin,
};
use kafkalite_records::RecordBatch;
use kafkalite_wire::ErrorCode;
use kafkalite_world::Clock;
use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::{config::TopicSettings, refusal::Refusal};
use flushes::Flushes;
use hidden::Hidden;
pub(crate) use parked::{Parked, Reach, Wait};

/// A partition's log and those who wait for it.
#[derive(Debug)]
pub(crate) struct Partition {
    pub(crate) topic: Arc<str>,
    pub(crate) index: i32,
    pub(crate) log: Log,
    /// Where the log ended when it was opened.
    opened_at: i64,
    /// Where the last compaction ended; 0 before there was one.
    pub(crate) compacted_to: AtomicI64,
    /// Whether a compaction has begun, which may have taken records before [`compacted_to`](Self::compacted_to) says so.
    pub(crate) has_been_compacted: AtomicBool,
    /// Whether it was said of the topic, of which this is the first partition, that messages go because of their times.
    pub(crate) warned_of_times: AtomicBool,
    /// Whether compaction has failed, and is not tried again.
    pub(crate) uncleanable: AtomicBool,
    parked: Parked,
    flushes: Flushes,
    /// Held by whoever finishes rolled segments.
    finishing: Mutex<()>,
    hidden: Mutex<Hidden>,
    /// Whether other brokers must have what consumers see. Written in turn with the changes of duties.
    in_sync_with_others: AtomicBool,
    deleted: AtomicBool,
    /// When batches are appended.
    pub(crate) clock: Arc<dyn Clock>,
}

impl Borrow<Parked> for Arc<Partition> {
    fn borrow(&self) -> &Parked {
        &self.parked
    }
}

impl Partition {
    pub(crate) fn new(topic: Arc<str>, index: i32, log: Log, clock: Arc<dyn Clock>) -> Self {
        Self {
            topic,
            index,
            opened_at: log.end_offset(),
            parked: Parked::new(reach(&log)),
            log,
            compacted_to: AtomicI64::new(0),
            has_been_compacted: AtomicBool::new(false),
            warned_of_times: AtomicBool::new(false),
            uncleanable: AtomicBool::new(false),
            flushes: Flushes::default(),
            finishing: Mutex::new(()),
            hidden: Mutex::default(),
            in_sync_with_others: AtomicBool::new(false),
            deleted: AtomicBool::new(false),
            clock,
        }
    }

    /// What the log is told of a topic's settings: all but `flush.messages`, which is the partition's business: a log
    /// would flush within the append, on a thread of the runtime.
    pub(crate) fn log_config(settings: &TopicSettings) -> LogConfig {
        LogConfig {
            flush_messages: None,
            ..settings.log.clone()
        }
    }

    /// Whether records from this offset on were written by this process, and are in the segment that it writes to: then they
    /// are in memory, as good as always, and so is what leads to them.
    pub(crate) fn is_recent(&self, offset: i64) -> bool {
        offset >= self.opened_at && offset >= self.log.active_base_offset()
    }

    /// Appends one producer's batch and wakes who waits for it. Into the page cache only, but opens it however large it is.
    pub(crate) fn append(self: &Arc<Self>, batch: &[u8]) -> Result<Appended, LogError> {
        let appended = self.log.append(batch, &self.as_client())?;
        self.arrived(&appended);
        Ok(appended)
    }

    /// As [`Self::append`]; gives up with [`LogError::DecompressedTooLarge`] where the records are more than `most` bytes.
    pub(crate) fn append_within(
        self: &Arc<Self>,
        batch: &RecordBatch<'_>,
        most: usize,
    ) -> Result<Appended, LogError> {
        let appended = self.log.append_batch(batch, &self.as_client(), most)?;
        self.arrived(&appended);
        Ok(appended)
    }

    fn as_client(&self) -> AppendOptions {
        AppendOptions {
            leader_epoch: self.leader_epoch(),
            now_ms: self.clock.now_ms(),
            origin: Origin::Client,
        }
    }

    fn arrived(self: &Arc<Self>, appended: &Appended) {
        if !appended.duplicate {
            let (end, bytes) = (appended.last_offset + 1, appended.size);
            if self.log.high_watermark() >= end {
                self.parked
                    .written_and_visible(bytes, end, || reach(&self.log));
            } else {
                self.hidden.lock().append(end, bytes);
                self.parked.written(bytes);
                // A flush that ended before that line did not see it.
                self.became_visible();
            }
        }
        if appended.rolled {
            self.finish_rolled();
        }
    }

    /// Trims and flushes the segments that were rolled, as Apache Kafka does at once, away from the runtime's threads.
    fn finish_rolled(self: &Arc<Self>) {
        let partition = Arc::clone(self);
        let finish = move || {
            // What comes while another is at it can wait for housekeeping.
            let Some(_alone) = partition.finishing.try_lock() else {
                return;
            };
            match partition.flush_if_due(partition.clock.now_ms()) {
                Ok(()) | Err(LogError::Closed { .. }) => {}
                Err(error) => {
                    let (topic, index) = (&partition.topic, partition.index);
                    tracing::warn!("cannot flush a full segment of {topic}-{index}: {error}");
                }
            }
        };
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn_blocking(finish);
        }
    }

    /// The refusal for an error of the log. A log that was closed because its topic is gone is an unknown partition.
    pub(crate) fn explain(&self, error: LogError) -> Refusal {
        if self.is_deleted() {
            return Refusal::from(unknown_topic(&self.topic));
        }
        Refusal::from(error)
    }

    /// The epoch of the leader that wrote `offset`, or for the end of the log the present one.
    pub(crate) fn epoch_of(&self, offset: i64) -> i32 {
        self.log
            .epoch_of(offset)
            .unwrap_or_else(|| self.leader_epoch())
    }

    /// The largest epoch not above `epoch`, and where it ended; `None` for an epoch that has not been.
    pub(crate) fn end_of_epoch(&self, epoch: i32) -> Option<(i32, i64)> {
        if epoch == self.leader_epoch() {
            return Some((epoch, self.log.end_offset()));
        }
        self.log.end_offset_for_epoch(epoch)
    }

    /// Waits until readers see everything before `end`: at once, or with `durability=synced` after the next flush. All
    /// who wait share one fsync. What is hidden because others [lack](Log::agree) it is refused, for no flush shows it.
    pub(crate) async fn until_visible(self: &Arc<Self>, end: i64) -> Result<(), Refusal> {
        let is_hidden = || self.log.high_watermark() < end;
        if is_hidden() && self.log.config().durability == Durability::Synced {
            self.flush().await?;
        }
        if is_hidden() {
            return Err(Refusal::new(
                ErrorCode::NotEnoughReplicasAfterAppend,
                format!(
                    "{}-{}: written, but other brokers that must have it do not have it yet",
                    self.topic, self.index
                ),
            ));
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
                flushed.map(drop).map_err(|error| partition.explain(error))
            })
            .await
    }

    /// Flushes what `flush.ms` says is due. Blocks.
    pub(crate) fn flush_if_due(&self, now_ms: i64) -> Result<(), LogError> {
        let flushed = self.log.flush_if_due(now_ms);
        self.became_visible();
        flushed
    }

    /// From now on the partition does not exist: parked fetches are answered, producers refused.
    pub(crate) fn delete(&self) {
        self.deleted.store(true, Ordering::Release);
        self.log.abandon();
        self.parked.wake_all();
    }

    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted.load(Ordering::Acquire)
    }

    /// Wakes the fetches that wait for what is not hidden any more. What a flush, or the agreed offset, did not cover stays hidden:
    /// told too early, it would not be told when it is there.
    fn became_visible(&self) {
        let shown = self.hidden.lock().show(self.log.high_watermark());
        if shown.bytes > 0 {
            self.parked
                .visible(shown.bytes, shown.end, || reach(&self.log));
        }
    }
}

fn reach(log: &Log) -> Reach {
    Reach {
        visible: log.high_watermark(),
        stable: log.last_stable_offset(),
    }
}
