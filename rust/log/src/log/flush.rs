//! Making messages survive a power cut: one fsync for all that wait, and none believed after one that failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use parking_lot::{Condvar, Mutex};

use super::{Log, Writer};
use crate::segment::Segment;
use crate::{LogError, Result, durable};

/// Who flushes, and how far it has come.
#[derive(Debug)]
pub(super) struct Flushing {
    /// The offset before which everything survives a power cut: Kafka's recovery point.
    flushed: AtomicI64,
    /// Whether files were created that the directory may not remember yet.
    directory_changed: AtomicBool,
    last_flush_ms: AtomicI64,
    /// Whether somebody is at it; the others wait for `done`.
    busy: Mutex<bool>,
    done: Condvar,
}

/// How much to flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// All that is written.
    Everything,
    /// The segments that are not written to any more.
    Rolled,
    /// All that is written, and the active segment is not written to any more either.
    Closing,
}

/// What one flush covers, as it was when the flush began.
#[derive(Debug)]
pub(super) struct Unflushed {
    /// With the length that counts, and whether the segment is rolled.
    segments: Vec<(Arc<Segment>, u64, bool)>,
    end_offset: i64,
    directory: bool,
}

impl Flushing {
    pub(super) fn new(flushed: i64, now_ms: i64) -> Flushing {
        Flushing {
            flushed: AtomicI64::new(flushed),
            directory_changed: AtomicBool::new(true),
            last_flush_ms: AtomicI64::new(now_ms),
            busy: Mutex::new(false),
            done: Condvar::new(),
        }
    }

    /// What is not in the log any more need not be flushed.
    pub(super) fn forget_before(&self, offset: i64) {
        self.flushed.fetch_max(offset, Ordering::AcqRel);
    }

    pub(super) fn directory_changed(&self) {
        self.directory_changed.store(true, Ordering::Release);
    }
}

impl Log {
    /// The offset before which everything survives a power cut. Recovery may start from here.
    pub fn flushed_offset(&self) -> i64 {
        self.flushing.flushed.load(Ordering::Acquire)
    }

    /// Messages that a power cut may take.
    pub fn unflushed_messages(&self) -> u64 {
        self.end_offset()
            .saturating_sub(self.flushed_offset())
            .max(0) as u64
    }

    /// Flushes all that is written now; returns the flushed offset.
    pub fn flush(&self) -> Result<i64> {
        self.flush_to(self.end_offset())
    }

    /// Blocks until everything before `offset` is flushed; returns the flushed offset, which may be higher.
    ///
    /// Callers that come while another flushes share the next fsync: as many as wait, one does it. After a failed fsync
    /// this and every write says [`LogError::Failed`]: a second fsync may succeed without having written the lost pages.
    pub fn flush_to(&self, offset: i64) -> Result<i64> {
        self.flush_scope(offset, Scope::Everything)
    }

    /// What is due by the clock: rolled segments are flushed at once (new ones are never far behind), the active one when
    /// `flush.ms` have passed since the last flush.
    pub fn flush_if_due(&self, now_ms: i64) -> Result<()> {
        if self.closed.load(Ordering::Acquire) || self.unflushed_messages() == 0 {
            self.flushing.last_flush_ms.store(now_ms, Ordering::Relaxed);
            return Ok(());
        }
        let waited = now_ms.saturating_sub(self.flushing.last_flush_ms.load(Ordering::Relaxed));
        if self
            .config
            .load()
            .flush_ms
            .is_some_and(|limit| waited >= limit)
        {
            self.flushing.last_flush_ms.store(now_ms, Ordering::Relaxed);
            self.flush()?;
        }
        let active = self
            .segments
            .load()
            .last()
            .map_or(0, |segment| segment.base_offset);
        self.flush_scope(active, Scope::Rolled)?;
        Ok(())
    }

    fn flush_scope(&self, offset: i64, scope: Scope) -> Result<i64> {
        let mut busy = self.flushing.busy.lock();
        loop {
            let flushed = self.flushed_offset();
            if flushed >= offset {
                return Ok(flushed);
            }
            self.check_sound()?;
            if !*busy {
                break;
            }
            self.flushing.done.wait(&mut busy);
        }
        *busy = true;
        drop(busy);
        let outcome = self.flush_now(scope);
        *self.flushing.busy.lock() = false;
        self.flushing.done.notify_all();
        outcome
    }

    fn flush_now(&self, scope: Scope) -> Result<i64> {
        let unflushed = self.unflushed(&self.writer.lock(), scope);
        self.write_back(&unflushed)
    }

    /// What is to be flushed now; the lock makes offset and lengths agree.
    pub(super) fn unflushed(&self, _writer: &Writer, scope: Scope) -> Unflushed {
        let segments = self.segments.load();
        let last = segments.len() - 1;
        let from = segments
            .partition_point(|segment| segment.base_offset <= self.flushed_offset())
            .saturating_sub(1);
        let to = if scope == Scope::Rolled {
            last
        } else {
            last + 1
        };
        Unflushed {
            segments: (from..to)
                .map(|at| {
                    (
                        Arc::clone(&segments[at]),
                        segments[at].file.written(),
                        at < last || scope == Scope::Closing,
                    )
                })
                .collect(),
            end_offset: if scope == Scope::Rolled {
                segments[last].base_offset
            } else {
                self.end_offset()
            },
            directory: self
                .flushing
                .directory_changed
                .swap(false, Ordering::AcqRel),
        }
    }

    /// Flushes, and raises the flushed offset and with it the high watermark.
    pub(super) fn write_back(&self, unflushed: &Unflushed) -> Result<i64> {
        let outcome = unflushed
            .segments
            .iter()
            .try_for_each(|(segment, _, rolled)| segment.sync(*rolled));
        let outcome = outcome.and_then(|()| {
            let changed = unflushed.directory.then_some(&self.place.dir);
            changed.map_or(Ok(()), |dir| {
                durable::sync_dir(dir).map_err(LogError::io("fsync", dir))
            })
        });
        outcome.map_err(|error| self.fail(format!("a flush failed: {error}")))?;
        for (segment, written, _) in &unflushed.segments {
            segment.file.reveal(*written);
        }
        self.flushing
            .flushed
            .fetch_max(unflushed.end_offset, Ordering::AcqRel);
        self.high_watermark
            .fetch_max(unflushed.end_offset, Ordering::AcqRel);
        Ok(self.flushed_offset())
    }
}
