//! Reading by offset: a binary search of the segments, one of the index, and the heads of a few batches.

use std::sync::Arc;

use super::Log;
use crate::{LogError, LogSlice, Result};

/// How far a reader may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadUpTo {
    /// Consumers: what is acknowledged.
    HighWatermark,
    /// Replicas and tools: all that is written.
    End,
}

impl Log {
    /// The batches from the one that holds `offset` on, at most `max_bytes`, from one segment.
    ///
    /// The last batch may be cut short by `max_bytes`, but not the first: with `at_least_one` it is whole however large it
    /// is (KIP-74), without it the slice is empty if it does not fit. The slice may already hold what [`high_watermark`](Log::high_watermark) counts a moment later: bytes are
    /// published before offsets, and both only when durability is satisfied. Empty where `offset` is the end, or not visible yet; [`LogError::OffsetOutOfRange`] outside of the log.
    pub fn read(
        &self,
        offset: i64,
        max_bytes: usize,
        up_to: ReadUpTo,
        at_least_one: bool,
    ) -> Result<LogSlice> {
        loop {
            self.check_open()?;
            let segments = self.segments.load_full();
            match self.read_open(offset, max_bytes, up_to, at_least_one) {
                // Retention and compaction may take the segment away between our look at the list and that into its files.
                Err(_) if offset < self.start_offset() => return Err(self.out_of_range(offset)),
                Err(LogError::Io { .. }) if !Arc::ptr_eq(&segments, &self.segments.load()) => {}
                outcome => return outcome,
            }
        }
    }

    fn read_open(
        &self,
        offset: i64,
        max_bytes: usize,
        up_to: ReadUpTo,
        at_least_one: bool,
    ) -> Result<LogSlice> {
        let end = self.end_offset();
        let limit = match up_to {
            ReadUpTo::HighWatermark => self.high_watermark(),
            ReadUpTo::End => end,
        };
        if offset < self.start_offset() || (offset > end.max(limit) && offset > self.next_offset())
        {
            return Err(self.out_of_range(offset));
        }
        // Loaded after the limit: every offset below it is in one of these.
        let segments = self.segments.load();
        let above = segments.partition_point(|segment| segment.base_offset <= offset);
        let at = above
            .checked_sub(1)
            .ok_or_else(|| self.out_of_range(offset))?;
        if offset < limit {
            // Normally the first holds the offset; after compaction elsewhere a segment may lack its last offsets.
            for segment in &segments[at..] {
                let bound = match up_to {
                    ReadUpTo::HighWatermark => segment.file.visible(),
                    ReadUpTo::End => segment.file.written(),
                };
                if let Some(found) = segment.locate(offset, bound)? {
                    let first = found.head.len as usize;
                    let len = match max_bytes {
                        max_bytes if max_bytes >= first => max_bytes,
                        _ if at_least_one => first,
                        // A piece of a batch without a whole one before it stops Java's consumer.
                        _ => 0,
                    };
                    let len = len.min((bound - found.position) as usize);
                    let next_offset = found.head.last_offset + 1;
                    return LogSlice::new(
                        Arc::clone(&segment.file),
                        found.position,
                        len,
                        next_offset,
                    );
                }
            }
        }
        let file = &segments[at].file;
        LogSlice::new(Arc::clone(file), file.visible(), 0, offset)
    }

    /// The end, once the append that is under way is published. Its bytes are there before its offsets: who has read them
    /// may ask for the offset after them when [`end_offset`](Log::end_offset) does not know it yet.
    fn next_offset(&self) -> i64 {
        self.written.lock().next_offset
    }

    fn out_of_range(&self, offset: i64) -> LogError {
        LogError::OffsetOutOfRange {
            offset,
            start: self.start_offset(),
            end: self.end_offset(),
        }
    }
}
