//! The appender's side of the last segment: writes, keeps the indexes, decides when it is full.

use std::io::IoSlice;
use std::sync::Arc;

use super::index::Kept;
use super::indexing::Indexing;
use super::{Head, Indexes, Place, Scan, Segment};
use crate::{LogConfig, Result};

/// The one segment that is appended to. Owned by the log's mutex.
#[derive(Debug)]
pub(crate) struct ActiveSegment {
    pub(crate) segment: Arc<Segment>,
    indexing: Indexing,
    /// Largest timestamp of the segment's first append; the age of the segment is measured in messages' time.
    first_timestamp: Option<i64>,
    /// The clock when the segment was created or opened, for messages without timestamps.
    created_ms: i64,
}

/// What the decision to roll looks at.
pub(crate) struct Incoming {
    pub(crate) bytes: u64,
    pub(crate) last_offset: i64,
    pub(crate) max_timestamp: i64,
    pub(crate) now_ms: i64,
}

impl ActiveSegment {
    /// Creates an empty segment to append to.
    pub(crate) fn create(
        place: &Place,
        base_offset: i64,
        config: &LogConfig,
        now_ms: i64,
    ) -> Result<ActiveSegment> {
        let segment = Segment::create(place, base_offset, config.segment_index_bytes)?;
        Ok(ActiveSegment {
            segment: Arc::new(segment),
            indexing: Indexing::default(),
            first_timestamp: None,
            created_ms: now_ms,
        })
    }

    /// Goes on with a segment that was closed cleanly: its indexes are trusted and get room again.
    pub(crate) fn reopen(
        segment: Segment,
        config: &LogConfig,
        now_ms: i64,
    ) -> Result<ActiveSegment> {
        let indexes = Indexes::open(
            &segment.file.place().disk,
            |suffix| segment.path(suffix),
            segment.base_offset,
            config.segment_index_bytes,
            Kept::Everything,
        )?;
        let segment = segment.with_indexes(indexes);
        let newest = segment.times()?.last();
        ActiveSegment::resume(segment, Indexing::after(newest), now_ms)
    }

    /// Goes on with a segment whose indexes were just made.
    pub(crate) fn resume(
        segment: Segment,
        indexing: Indexing,
        now_ms: i64,
    ) -> Result<ActiveSegment> {
        segment.file.keep_open()?;
        let first = Scan::new(&segment.file, 0, segment.file.written()).find(|_| true)?;
        let first_timestamp = first.map(|found| found.head.max_timestamp);
        Ok(ActiveSegment {
            segment: Arc::new(segment),
            indexing,
            first_timestamp,
            created_ms: now_ms,
        })
    }

    /// Whether a new segment must be begun before these bytes, as Kafka decides it.
    pub(crate) fn should_roll(&self, config: &LogConfig, incoming: &Incoming) -> Result<bool> {
        let size = self.segment.file.written();
        if size == 0 {
            // An empty segment never rolls; its base offset is where the next one would begin.
            return Ok(incoming.last_offset - self.segment.base_offset > i64::from(i32::MAX));
        }
        let waited = match self.first_timestamp {
            Some(first) if first >= 0 && incoming.max_timestamp >= 0 => {
                incoming.max_timestamp.saturating_sub(first)
            }
            _ => incoming.now_ms.saturating_sub(self.created_ms),
        };
        Ok(size + incoming.bytes > u64::from(config.segment_bytes)
            || waited > config.max_segment_ms()
            || self.segment.offsets()?.is_full()
            || self.segment.times()?.is_full()
            || incoming.last_offset - self.segment.base_offset > i64::from(i32::MAX))
    }

    /// Writes `parts`, which are the batches that `heads` describe, makes them findable, and returns the file's new length,
    /// to be published. Nothing has changed after an error (see [`SegmentFile::append`](super::SegmentFile)).
    pub(crate) fn append(
        &mut self,
        parts: &mut [IoSlice<'_>],
        heads: impl Iterator<Item = Head> + Clone,
        config: &LogConfig,
    ) -> Result<u64> {
        let segment = &self.segment;
        let (offsets, times) = (segment.offsets()?, segment.times()?);
        let mut position = segment.file.written();
        let end = segment.file.append(parts)?;
        for head in heads.clone() {
            self.indexing
                .note(offsets, times, position, &head, config.index_interval_bytes);
            position += head.len;
        }
        if self.first_timestamp.is_none() {
            self.first_timestamp = heads.map(|head| head.max_timestamp).max();
        }
        segment.note_newest(self.indexing.newest());
        Ok(end)
    }
}
