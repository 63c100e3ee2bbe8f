//! Making messages survive a power cut: one fsync for all that wait, and none believed after one that failed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use parking_lot::{Condvar, Mutex};

use super::Log;
use crate::segment::Segment;
use crate::{LogError, Result};

/// Who flushes, and how far it has come.
#[derive(Debug)]
pub(super) struct Flushing {
    /// Whether files were created that the directory may not remember yet.
    directory_changed: AtomicBool,
    last_flush_ms: AtomicI64,
    /// Whether somebody is at it; the others wait for `done`.
    busy: Mutex<bool>,
    done: Condvar,
}

/// How much to flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// All that is written.
    Everything,
    /// The segments that are not written to any more.
    Rolled,
    /// All that is written, and the active segment is not written to any more either.
    Closing,
}

/// What one flush covers, as it was when the flush began.
#[derive(Debug)]
struct Unflushed {
    /// With the lengths that count.
    rolled: Vec<(Arc<Segment>, u64)>,
    active: Option<(Arc<Segment>, u64)>,
    /// Whether the active segment is as good as rolled.
    closing: bool,
    end_offset: i64,
}

/// Being the one who flushes. When that ends, be it by a panic, it is another's turn.
struct Turn<'a>(&'a Flushing);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.busy.lock() = false;
        self.0.done.notify_all();
    }
}

impl Flushing {
    pub(super) fn new(now_ms: i64) -> Flushing {
        Flushing {
            directory_changed: AtomicBool::new(true),
            last_flush_ms: AtomicI64::new(now_ms),
            busy: Mutex::new(false),
            done: Condvar::new(),
        }
    }

    pub(super) fn directory_changed(&self) {
        self.directory_changed.store(true, Ordering::Release);
    }
}

impl Log {
    /// The offset before which everything survives a power cut. Recovery may start from here.
    pub fn flushed_offset(&self) -> i64 {
        self.watermarks.flushed()
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
        self.flush_unless(Scope::Everything, || self.flushed_offset() >= offset)
    }

    /// The offset from which a recovery must distrust the log: what `recovery-point-offset-checkpoint` holds. At most the
    /// flushed offset; lower while the indexes of a rolled segment are not flushed.
    pub fn recovery_point(&self) -> i64 {
        let written = self.written.lock();
        let rolled = written
            .rolled
            .first()
            .map_or(i64::MAX, |segment| segment.base_offset);
        self.flushed_offset().min(rolled).max(self.start_offset())
    }

    /// What is due by the clock: rolled segments are trimmed and flushed at once (new ones are never far behind), the active
    /// one is flushed when `flush.ms` have passed since the last flush.
    pub fn flush_if_due(&self, now_ms: i64) -> Result<()> {
        if self.is_closed() {
            return Ok(());
        }
        let waited = now_ms.saturating_sub(self.flushing.last_flush_ms.load(Ordering::Relaxed));
        // A clock that went back tells nothing of the time that passed.
        let due = self
            .config
            .load()
            .flush_ms
            .is_some_and(|limit| !(0..limit).contains(&waited));
        if self.unflushed_messages() == 0 || due {
            self.flushing.last_flush_ms.store(now_ms, Ordering::Relaxed);
            self.flush()?;
        }
        self.write_due_snapshots();
        self.flush_rolled()
    }

    /// Flushes the segments that are not written to any more.
    pub fn flush_rolled(&self) -> Result<()> {
        self.flush_unless(Scope::Rolled, || self.written.lock().rolled.is_empty())
            .map(drop)
    }

    /// The last flush, when nothing is written any more. One that is under way ends first: it may have taken upon itself
    /// what this one then finds done.
    pub(super) fn flush_for_good(&self) -> Result<()> {
        self.flush_unless(Scope::Closing, || false).map(drop)
    }

    /// Flushes, or waits for somebody else's flush, until `done`.
    fn flush_unless(&self, scope: Scope, done: impl Fn() -> bool) -> Result<i64> {
        let mut busy = self.flushing.busy.lock();
        while !done() {
            self.check_sound()?;
            if *busy {
                self.flushing.done.wait(&mut busy);
                continue;
            }
            *busy = true;
            drop(busy);
            let _turn = Turn(&self.flushing);
            let unflushed = self.unflushed(scope);
            // Tried again with the next flush: nothing was flushed yet, so nothing of it can have been lost.
            self.save_epochs()?;
            return self.write_back(&unflushed);
        }
        Ok(self.flushed_offset())
    }

    /// Writes the leader epochs if the file does not have them all. Recovery looks for epochs in what is not flushed only, so
    /// they go to the disk before what they were learned from is flushed.
    pub(super) fn save_epochs(&self) -> Result<()> {
        let _one_at_a_time = self.saving_epochs.lock();
        let mut epochs = {
            let written = self.written.lock();
            if !written.epochs.is_unsaved() {
                return Ok(());
            }
            written.epochs.clone()
        };
        {
            let _ours = self.place.enter()?;
            epochs.save(&*self.place.disk)?;
        }
        let mut written = self.written.lock();
        if written.epochs.entries() == epochs.entries() {
            written.epochs = epochs;
        }
        Ok(())
    }

    /// What is to be flushed now; the lock makes offset and lengths agree.
    fn unflushed(&self, scope: Scope) -> Unflushed {
        let length = |segment: &Arc<Segment>| (Arc::clone(segment), segment.file.written());
        let written = self.written.lock();
        let segments = self.segments.load();
        let active = segments.last().expect("a log has an active segment");
        Unflushed {
            rolled: written.rolled.iter().map(length).collect(),
            active: (scope != Scope::Rolled).then(|| length(active)),
            closing: scope == Scope::Closing,
            end_offset: if scope == Scope::Rolled {
                active.base_offset
            } else {
                written.next_offset
            },
        }
    }

    /// Flushes, and raises the flushed offset and with it the high watermark. Not to be called with a lock held.
    fn write_back(&self, unflushed: &Unflushed) -> Result<i64> {
        let Unflushed {
            rolled,
            active,
            closing,
            end_offset,
        } = unflushed;
        // What retention takes meanwhile need not be flushed, and its files may be gone.
        let sync = |segment: &Arc<Segment>, ended| match segment.sync(ended) {
            Err(_) if !self.holds(std::slice::from_ref(segment)) => Ok(()),
            synced => synced,
        };
        let outcome = rolled
            .iter()
            .try_for_each(|(segment, _)| sync(segment, true))
            .and_then(|()| {
                active
                    .iter()
                    .try_for_each(|(segment, _)| sync(segment, *closing))
            })
            .and_then(|()| {
                // The files that are covered were there before the flag was raised.
                if self
                    .flushing
                    .directory_changed
                    .swap(false, Ordering::AcqRel)
                {
                    let synced = self.place.open_dir().and_then(|dir| dir.sync());
                    return synced.inspect_err(|_| self.flushing.directory_changed());
                }
                Ok(())
            });
        outcome.map_err(|error| self.flush_failed(error))?;
        for (segment, written) in rolled.iter().chain(active) {
            segment.file.reveal(*written);
        }
        self.watermarks.flushed_to(*end_offset);
        {
            let written = self.written.lock();
            self.watermarks.is_durable(*end_offset);
            self.publish_unstable(&written);
        }
        for (segment, _) in rolled {
            segment.file.release();
        }
        if let Some((last, _)) = rolled.last() {
            self.written
                .lock()
                .rolled
                .retain(|segment| segment.base_offset > last.base_offset);
        }
        Ok(self.flushed_offset())
    }

    /// Flushes the directory.
    pub(super) fn sync_directory(&self) -> Result<()> {
        let synced = self.place.open_dir().and_then(|dir| dir.sync());
        synced.map_err(|error| self.flush_failed(error))
    }

    /// What has failed in a flush: the next one does it, or nothing is written any more.
    fn flush_failed(&self, error: LogError) -> LogError {
        match self.place.enter() {
            // It was deleted meanwhile, and perhaps its files are.
            Err(closed) => closed,
            // Nothing was flushed in vain: what is not flushed yet is by the next.
            Ok(_ours) if error.is_about_room() => error,
            Ok(_ours) => self.fail(format!("a flush failed: {error}")),
        }
    }
}
