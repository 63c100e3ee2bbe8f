//! Beginning a new segment.

use std::sync::Arc;

use parking_lot::MutexGuard;

use super::{Appender, Log};
use crate::producers::snapshot;
use crate::segment::active::ActiveSegment;
use crate::{LogConfig, Result, snapshots};

/// So many segments that are not flushed stay open, so that it is the descriptor that was written to that says whether the disk
/// took it. Where flushing falls behind by more, older ones are opened anew for it: the system tells that one as well.
const KEPT_OPEN: usize = 16;

impl Log {
    /// Begins a segment at `base_offset`, the offset of the batch to come. After an error the old segment goes on.
    ///
    /// The old one is trimmed and flushed by the next flush, the producers' snapshot is written with what is due: nobody
    /// needs them before.
    pub(super) fn roll(
        &self,
        appender: &mut Appender,
        config: &LogConfig,
        base_offset: i64,
        now_ms: i64,
    ) -> Result<()> {
        let fresh = ActiveSegment::create(&self.place, base_offset, config, now_ms)?;
        let old = std::mem::replace(&mut appender.active, fresh);
        let mut written = self.written.lock();
        let producers = snapshot::encode(&written.producers);
        written.snapshots.push((base_offset, producers));
        written.rolled.push(old.segment);
        let mut segments = self.segments.load().to_vec();
        segments.push(Arc::clone(&appender.active.segment));
        self.segments.store(Arc::new(segments));
        self.flushing.directory_changed();
        let last_kept = written.rolled.len().checked_sub(KEPT_OPEN);
        let released = last_kept.map(|at| Arc::clone(&written.rolled[at]));
        drop(written);
        if let Some(segment) = released {
            segment.file.release();
        }
        Ok(())
    }

    /// Writes the producers' snapshots of the rolls since the last time.
    pub(super) fn write_due_snapshots(&self) {
        if self.written.lock().snapshots.is_empty() {
            return;
        }
        let restructuring = self.restructuring.lock();
        // The directory of a log that is closed may be somebody else's.
        if !self.is_closed() {
            self.write_snapshots(&restructuring);
        }
    }

    /// The same for who keeps everybody else from renaming and closing. One that cannot be written is missed by nobody: what
    /// it says is also in the log, only slower to find.
    pub(super) fn write_snapshots(&self, _restructuring: &MutexGuard<'_, ()>) {
        let due = std::mem::take(&mut self.written.lock().snapshots);
        for (offset, producers) in due {
            if let Err(error) = snapshots::write(
                &*self.place.disk,
                &self.place.dir,
                offset,
                &producers,
                false,
            ) {
                tracing::warn!(%error, "the next start will read more of the log to know its producers");
            }
        }
    }
}
