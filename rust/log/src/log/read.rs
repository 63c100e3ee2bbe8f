//! Reading by offset: a binary search of the segments, one of the index, and the heads of a few batches.

use std::sync::Arc;

use super::{Log, Segments, transactions::ALL_STABLE};
use crate::segment::{AbortedTransaction, Found, Head, Scan, Segment};
use crate::{LogError, LogSlice, Result};

/// How far a reader may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadUpTo {
    /// Consumers: what is acknowledged.
    HighWatermark,
    /// Consumers that leave out what is not committed: what no open transaction may still undo. The slice names the
    /// transactions in it that were [`aborted`](LogSlice::aborted).
    LastStableOffset,
    /// Replicas and tools: all that is written.
    End,
}

/// Where a reader goes on.
struct Place {
    /// In the list of segments.
    segment: usize,
    found: Found,
    /// Bytes of the segment that the reader may see.
    bound: u64,
}

impl Log {
    /// The batches from the one that holds `offset` on, at most `max_bytes`, from one segment.
    ///
    /// The last batch may be cut short by `max_bytes`, but not the first: with `at_least_one` it is whole however large it
    /// is (KIP-74), without it the slice is empty if it does not fit. The first has records, unless none follow: compaction
    /// leaves batches without any, and clients that find nothing else in an answer may not go on.
    ///
    /// The slice may already hold what [`high_watermark`](Log::high_watermark) counts a moment later: bytes are
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
            ReadUpTo::LastStableOffset => self.last_stable_offset(),
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
        let place = if offset < limit {
            self.first_with_records(&segments, at, offset, up_to)?
        } else {
            None
        };
        let Some(Place {
            segment,
            found,
            bound,
        }) = place
        else {
            let file = &segments[at].file;
            return LogSlice::new(Arc::clone(file), file.visible(), 0, offset);
        };
        let first = found.head.len as usize;
        let len = match max_bytes {
            max_bytes if max_bytes >= first => max_bytes,
            _ if at_least_one => first,
            // A piece of a batch without a whole one before it stops Java's consumer.
            _ => 0,
        };
        let len = len.min((bound - found.position) as usize);
        let file = Arc::clone(&segments[segment].file);
        let slice = LogSlice::new(file, found.position, len, found.head.last_offset + 1)?;
        if up_to != ReadUpTo::LastStableOffset || len == 0 {
            return Ok(slice);
        }
        let aborted = aborted(&segments[segment..], offset, found.position + len as u64)?;
        Ok(slice.with_aborted(aborted))
    }

    /// The first batch from `offset` on that has records; the first of all if none has.
    fn first_with_records(
        &self,
        segments: &Segments,
        at: usize,
        offset: i64,
        up_to: ReadUpTo,
    ) -> Result<Option<Place>> {
        let mut emptied = None;
        // Normally the first holds the offset; after compaction a segment may lack its last offsets, or all.
        for (segment, candidate) in segments.iter().enumerate().skip(at) {
            let bound = self.bound(candidate, up_to)?;
            let Some(found) = candidate.locate(offset, bound)? else {
                continue;
            };
            let from = found.position;
            let place = |found| Place {
                segment,
                found,
                bound,
            };
            if found.head.has_records() {
                return Ok(Some(place(found)));
            }
            let mut behind = Scan::new(&candidate.file, from, bound);
            if let Some(found) = behind.find(Head::has_records)? {
                return Ok(Some(place(found)));
            }
            emptied = emptied.or(Some(place(found)));
        }
        Ok(emptied)
    }

    /// How many bytes of a segment the reader may see.
    pub(super) fn bound(&self, segment: &Segment, up_to: ReadUpTo) -> Result<u64> {
        if up_to == ReadUpTo::End {
            return Ok(segment.file.written());
        }
        let visible = segment.file.visible();
        // After the length: whatever lies below that is known as open, or has ended.
        let limit = match up_to {
            ReadUpTo::LastStableOffset => self.first_unstable_offset(),
            _ => ALL_STABLE,
        };
        let limit = limit.min(self.watermarks.agreed());
        if limit == ALL_STABLE {
            return Ok(visible);
        }
        let first_hidden = segment.locate(limit, visible)?;
        Ok(first_hidden.map_or(visible, |hidden| hidden.position))
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

/// The aborted transactions with records from `offset` on, in the first of the segments up to the byte `end`. Perhaps a few
/// more, which begin behind.
fn aborted(segments: &[Arc<Segment>], offset: i64, end: u64) -> Result<Vec<AbortedTransaction>> {
    let mut found = Vec::new();
    let next = segments.get(1).map_or(i64::MAX, |next| next.base_offset);
    let to = segments[0].offsets()?.offset_at(end).unwrap_or(next);
    for segment in segments {
        if segment.aborted.collect(offset, to, &mut found) {
            break;
        }
    }
    Ok(found)
}
