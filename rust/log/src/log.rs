//! One partition: an ordered list of segments, the last of which is appended to.
//!
//! One mutex orders the appends; all that the disk is asked for while it is held are their bytes, and the files of a segment
//! that begins. Another guards what is known of them, and is never held while anybody waits for the disk.
//!
//! Readers take none: they load the offsets that bound them and a copy-on-write list of segments. What they may rely on, in
//! the order in which writers publish it: bytes are in the file, then its length is raised, then the offset that says so; a
//! new segment is in the list before any of its offsets is; the start offset rises before segments leave the list.

mod append;
mod compact;
mod content;
mod ended;
mod flush;
mod interrupted;
mod load;
mod markers;
mod open;
mod options;
mod prepare;
mod read;
mod retain;
mod role;
mod role_cell;
mod roll;
mod rules;
mod timestamps;
mod transactions;
mod watermarks;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

pub use append::Appended;
pub use options::{AppendOptions, OpenOptions, Recovered};
pub use read::ReadUpTo;
pub use retain::Retained;
pub use timestamps::TimestampedOffset;

use ended::EndedTransactions;
use role_cell::RoleCell;
use watermarks::Watermarks;

use crate::epochs::LeaderEpochs;
use crate::producers::{ProducerEntry, Producers, Staged, snapshot};
use crate::segment::active::ActiveSegment;
use crate::segment::{Place, Segment};
use crate::{Durability, LogConfig, LogError, Result, snapshots};

/// Segments by base offset, ascending; the last is the active one. Never empty.
type Segments = Vec<Arc<Segment>>;

/// One partition's log. Shared between threads; every method takes `&self`.
#[derive(Debug)]
pub struct Log {
    place: Place,
    config: ArcSwap<LogConfig>,
    segments: ArcSwap<Segments>,
    /// Held by whoever appends, begins a segment or ends the log. Flushing, retention and compaction do their work without.
    appender: Mutex<Appender>,
    /// Held for moments. No system call is made meanwhile, so whoever has a question waits for no disk.
    written: Mutex<Written>,
    /// Held by whoever writes `leader-epoch-checkpoint`.
    saving_epochs: Mutex<()>,
    start_offset: AtomicI64,
    watermarks: Watermarks,
    /// Written by whoever holds `appender`.
    role: RoleCell,
    /// The first offset of the oldest transaction that has not ended for good; [`transactions::ALL_STABLE`] without one.
    unstable: AtomicI64,
    flushing: flush::Flushing,
    /// Why nothing may be written any more; set once.
    failure: OnceLock<String>,
    closed: AtomicBool,
    doomed: Mutex<Vec<retain::Doomed>>,
    /// Held by whoever takes segments out of the list and renames their files: so names and list agree. Taken before
    /// `appender`, which is taken before `written`.
    restructuring: Mutex<()>,
}

/// What only the one who appends touches.
#[derive(Debug)]
struct Appender {
    active: ActiveSegment,
    /// Kept for its memory; empty between appends.
    staged: Staged,
    /// The transactions that the append ends, in their order; empty between appends.
    ended: Vec<transactions::Ended>,
}

/// What is known of all that was appended.
#[derive(Debug)]
struct Written {
    next_offset: i64,
    /// Segments that were rolled (or rebuilt) and not flushed since, ascending.
    rolled: Vec<Arc<Segment>>,
    /// The producers as they were at the rolls whose snapshots are not written yet, encoded, and the offsets of these.
    snapshots: Vec<(i64, Vec<u8>)>,
    producers: Producers,
    ended: EndedTransactions,
    epochs: LeaderEpochs,
}

impl Log {
    /// The partition's directory.
    pub fn dir(&self) -> &Path {
        &self.place.dir
    }

    /// The offset of the first message, which retention and [`delete_records_before`](Log::delete_records_before) raise.
    pub fn start_offset(&self) -> i64 {
        self.start_offset.load(Ordering::Acquire)
    }

    /// The offset that the next message gets.
    pub fn end_offset(&self) -> i64 {
        self.watermarks.end()
    }

    /// The offset before which messages are visible to consumers, and acknowledged: the end, or, where durability is
    /// [`Synced`](Durability::Synced), what is flushed; and no more than other brokers have that [must](Log::agree). Falls only
    /// with that.
    pub fn high_watermark(&self) -> i64 {
        self.watermarks.visible()
    }

    /// The newest leader epoch not above `epoch` and the offset where it ends; `None` for an epoch that this log has not
    /// seen yet (KIP-101).
    pub fn end_offset_for_epoch(&self, epoch: i32) -> Option<(i32, i64)> {
        let written = self.written.lock();
        written.epochs.end_offset_for(epoch, written.next_offset)
    }

    /// The epoch of the leader that wrote the message at `offset`.
    pub fn epoch_of(&self, offset: i64) -> Option<i32> {
        self.written.lock().epochs.epoch_of(offset)
    }

    /// The largest producer id that this log remembers, so that nobody gives it out again.
    pub fn largest_producer_id(&self) -> Option<i64> {
        let written = self.written.lock();
        written.producers.iter().map(|(id, _)| id).max()
    }

    /// What is remembered of each idempotent producer, by its id.
    pub fn producers(&self) -> Vec<(i64, ProducerEntry)> {
        let written = self.written.lock();
        written
            .producers
            .iter()
            .map(|(id, entry)| (id, *entry))
            .collect()
    }

    /// Forgets producers that have not written for `expiration_ms` (Kafka's `producer.id.expiration.ms`).
    pub fn expire_producers(&self, now_ms: i64, expiration_ms: i64) {
        self.written.lock().producers.expire(now_ms, expiration_ms);
    }

    /// Bytes in all segments.
    pub fn size(&self) -> u64 {
        self.segments
            .load()
            .iter()
            .map(|segment| segment.file.written())
            .sum()
    }

    /// Base offset of the segment that is being written.
    pub fn active_base_offset(&self) -> i64 {
        let segments = self.segments.load();
        segments.last().map_or(0, |active| active.base_offset)
    }

    /// The base offset of every segment, ascending; never empty.
    pub fn segment_bases(&self) -> Vec<i64> {
        self.segments
            .load()
            .iter()
            .map(|segment| segment.base_offset)
            .collect()
    }

    /// The settings in force.
    pub fn config(&self) -> Arc<LogConfig> {
        self.config.load_full()
    }

    /// Puts new settings in force, from the next append on.
    pub fn reconfigure(&self, config: LogConfig) {
        let written = self.written.lock();
        let durability = config.durability;
        self.config.store(Arc::new(config));
        if durability == Durability::Visible {
            for segment in self.segments.load().iter() {
                segment.file.reveal(segment.file.written());
            }
            self.watermarks.is_durable(self.end_offset());
            self.publish_unstable(&written);
        }
    }

    /// Flushes, trims the indexes and writes the producers' snapshot, so that the next open finds all in order, and
    /// refuses everything from then on. Slices that were read stay readable. The second call does nothing; after a failed
    /// one it fails again, because the next open must recover.
    pub fn close(&self) -> Result<()> {
        let restructured = self.restructuring.lock();
        {
            let _appended = self.appender.lock();
            if self.closed.swap(true, Ordering::AcqRel) {
                return self.check_sound();
            }
        }
        self.check_sound()?;
        self.write_snapshots(&restructured);
        let finished = self.flush_for_good().and_then(|()| {
            let (end, producers) = {
                let written = self.written.lock();
                (written.next_offset, snapshot::encode(&written.producers))
            };
            snapshots::write(&*self.place.disk, &self.place.dir, end, &producers, true)
        });
        self.place.leave();
        finished.map_err(|error| match error {
            LogError::Failed { .. } => error,
            other => self.fail(format!("it could not be closed: {other}")),
        })?;
        self.unlink_doomed(i64::MAX);
        Ok(())
    }

    /// Refuses everything from now on without writing anything more: the partition is being deleted.
    pub fn abandon(&self) {
        let _restructured = self.restructuring.lock();
        {
            let _appended = self.appender.lock();
            self.closed.store(true, Ordering::Release);
        }
        self.place.leave();
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn check_open(&self) -> Result<()> {
        if self.is_closed() {
            return Err(LogError::Closed {
                path: self.place.dir.clone(),
            });
        }
        Ok(())
    }

    fn check_sound(&self) -> Result<()> {
        match self.failure.get() {
            Some(reason) => Err(LogError::Failed {
                path: self.place.dir.clone(),
                reason: reason.clone(),
            }),
            None => Ok(()),
        }
    }

    /// Takes note of a failure after which nothing may be written, and hands it on.
    fn fail(&self, reason: String) -> LogError {
        tracing::error!(
            "{} takes no more writes: {reason}",
            self.place.dir.display()
        );
        let reason = self.failure.get_or_init(|| reason).clone();
        LogError::Failed {
            path: self.place.dir.clone(),
            reason,
        }
    }
}
