//! The two walks of a compaction: over what is new, to learn the latest offset of every key; then over everything, to
//! write anew what is still wanted.

use std::collections::HashMap;
use std::sync::Arc;

use kafkalite_records::{BatchHeader, Filtered, Record, RecordBatch, Records, RecordsError};

use super::offset_map::OffsetMap;
use super::reading::{Order, Pieces, corrupt, take};
use super::replacement::Replacement;
use super::{Compacted, Compactor, Pace};
use crate::segment::{Place, Segment};
use crate::{LogConfig, LogError, Result, limits};

/// The latest offset of every key, up to an offset.
#[derive(Debug)]
pub(crate) struct Latest {
    map: OffsetMap,
    /// Records from here on are not in the map.
    pub(crate) end: i64,
}

/// What decides over the records of one compaction.
pub(crate) struct CleaningRules<'a> {
    pub(crate) latest: &'a Latest,
    /// The last offset that each producer has written: its batch stays, if only its header, or the producer's next sequence
    /// would be a surprise after a restart.
    pub(crate) last_of_producers: &'a HashMap<i64, i64>,
    /// The offset after all that is compacted. The batch before it stays too, if only its header: who reads to there must
    /// find something that ends there.
    pub(crate) end: i64,
    pub(crate) now_ms: i64,
    pub(crate) config: &'a LogConfig,
    pub(crate) place: &'a Place,
}

impl Compactor {
    /// Walks the segments for the keys from `first_dirty` to `end`, or as far as there is room for them.
    pub(crate) fn learn(
        &mut self,
        segments: &[Arc<Segment>],
        first_dirty: i64,
        end: i64,
        pace: &mut Pace<'_>,
    ) -> Result<Latest> {
        let most = (end - first_dirty).max(0) as u64;
        let settings = &self.settings;
        let map = OffsetMap::new(most, settings.dedupe_buffer_bytes, settings.load_per_mille);
        let mut latest = Latest { map, end };
        for segment in segments {
            let mut pieces = Pieces::new(&segment.file, self.settings.piece_bytes());
            let (path, mut order) = (segment.file.path(), Order::of(segment));
            while !pieces.are_all_read() {
                let mut bytes = pieces.next(&mut self.buffer)?;
                pace.moved(bytes.len())?;
                while !bytes.is_empty() {
                    let batch = take(&mut bytes, &mut order, path)?;
                    let header = batch.header();
                    // Whether a transaction was committed is said further down: its records supersede nothing.
                    let counts = !header.is_control() && !header.is_transactional();
                    if !counts || header.last_offset() < first_dirty {
                        continue;
                    }
                    let full = latest
                        .note(&batch, &mut self.decompressor, first_dirty)
                        .map_err(|error| corrupt(path, error))?;
                    if full {
                        return Ok(latest);
                    }
                }
            }
        }
        Ok(latest)
    }

    /// Room for the segment that [`rewrite`](Self::rewrite) makes of `segments`, which follow each other.
    pub(crate) fn begin(
        &self,
        segments: &[Arc<Segment>],
        rules: &CleaningRules<'_>,
    ) -> Result<Replacement> {
        let capacity = self.settings.piece_bytes();
        // Their offsets stay true: compaction leaves every marker where it is.
        let aborted = segments
            .iter()
            .flat_map(|segment| segment.aborted.entries());
        Replacement::create(
            rules.place,
            segments[0].base_offset,
            aborted.collect(),
            rules.config,
            capacity,
        )
    }

    /// Writes what is still wanted of `segments` to `replacement`. Nothing if that would be the one segment that is there.
    pub(crate) fn rewrite(
        &mut self,
        mut replacement: Replacement,
        segments: &[Arc<Segment>],
        rules: &CleaningRules<'_>,
        done: &mut Compacted,
        pace: &mut Pace<'_>,
    ) -> Result<Option<Replacement>> {
        let mut round = Compacted::default();
        let written = self
            .rewrite_into(&mut replacement, segments, rules, &mut round, pace)
            .and_then(|changed| {
                if changed || segments.len() > 1 {
                    replacement.finish(segments).map(|()| true)
                } else {
                    Ok(false)
                }
            });
        done.add(&round);
        match written {
            Ok(true) => Ok(Some(replacement)),
            Ok(false) => {
                replacement.discard();
                Ok(None)
            }
            Err(error) => {
                // The directory of a log that was closed may be another broker's by now.
                if !matches!(error, LogError::CompactionStopped { .. }) {
                    replacement.discard();
                }
                Err(error)
            }
        }
    }

    /// Answers whether anything is other than it was.
    fn rewrite_into(
        &mut self,
        replacement: &mut Replacement,
        segments: &[Arc<Segment>],
        rules: &CleaningRules<'_>,
        round: &mut Compacted,
        pace: &mut Pace<'_>,
    ) -> Result<bool> {
        let mut changed = false;
        for segment in segments {
            let mut pieces = Pieces::new(&segment.file, self.settings.piece_bytes());
            let (path, mut order) = (segment.file.path(), Order::of(segment));
            round.segments_before += 1;
            while !pieces.are_all_read() {
                let mut bytes = pieces.next(&mut self.buffer)?;
                pace.moved(bytes.len())?;
                round.bytes_before += bytes.len() as u64;
                while !bytes.is_empty() {
                    let batch = take(&mut bytes, &mut order, path)?;
                    let header = batch.header();
                    round.records_before += header.record_count as u64;
                    let outcome = if rules.look_into(header) {
                        let horizon = rules.horizon_for(header);
                        let stays = |record: &Record<'_>| rules.wants(header, record);
                        self.filter
                            .filter(&batch, limits::READ, horizon, stays)
                            .map_err(|error| corrupt(path, error))?
                    } else {
                        Filtered::Unchanged
                    };
                    let emptied;
                    let (kept, batch): (usize, &[u8]) = match outcome {
                        Filtered::Unchanged => (header.record_count as usize, batch.bytes()),
                        Filtered::Changed { batch, kept } => {
                            changed = true;
                            (kept, batch)
                        }
                        Filtered::Empty if rules.keeps_emptied(header) => {
                            changed |= header.record_count > 0;
                            emptied = header.emptied().to_bytes();
                            (0, &emptied)
                        }
                        Filtered::Empty => {
                            changed = true;
                            continue;
                        }
                    };
                    round.records_after += kept as u64;
                    round.bytes_after += batch.len() as u64;
                    let written = replacement.push(batch)?;
                    pace.moved(written as usize)?;
                }
            }
        }
        Ok(changed)
    }
}

impl Latest {
    /// Takes note of the keys of one batch; `true` when the map is full, and `end` where that happened.
    fn note(
        &mut self,
        batch: &RecordBatch<'_>,
        decompressor: &mut kafkalite_records::Decompressor,
        first_dirty: i64,
    ) -> Result<bool, RecordsError> {
        let payload = batch.decompress(decompressor, limits::READ)?;
        for record in Records::new(batch.header(), &payload) {
            let record = record?;
            if let Some(key) = record.key
                && record.offset >= first_dirty
                && !self.map.put(key, record.offset)
            {
                self.end = record.offset;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// How many keys are known.
    pub(crate) fn keys(&self) -> usize {
        self.map.len()
    }
}

impl CleaningRules<'_> {
    /// Control batches end transactions, whose records may still lie before them: they stay. Batches behind the map are
    /// nothing that this compaction can judge.
    fn look_into(&self, header: &BatchHeader) -> bool {
        !header.is_control() && header.base_offset < self.latest.end
    }

    /// A tombstone may go when readers had the time to see it, counted from when what it deletes is gone: in a batch that
    /// the map ends in, some of it is still there. One of a transaction stays: whether it counts is not known here. So no
    /// value that it deletes can come back.
    fn horizon_for(&self, header: &BatchHeader) -> Option<i64> {
        let horizon = self.now_ms.saturating_add(self.config.delete_retention_ms);
        let judged = !header.is_transactional() && header.last_offset() < self.latest.end;
        judged.then_some(horizon)
    }

    fn wants(&self, header: &BatchHeader, record: &Record<'_>) -> bool {
        if record.offset >= self.latest.end {
            return true;
        }
        let Some(key) = record.key else {
            return false; // as in Kafka: from before the topic was compacted
        };
        let latest = self.latest.map.get(key);
        if latest.is_some_and(|latest| record.offset < latest) {
            return false;
        }
        let seen_by_all = header.has_delete_horizon()
            && !header.is_transactional()
            && self.now_ms >= header.base_timestamp;
        record.value.is_some() || !seen_by_all
    }

    fn keeps_emptied(&self, header: &BatchHeader) -> bool {
        let last_of_producer = || {
            let last = self.last_of_producers.get(&header.producer_id);
            header.has_producer_id() && last == Some(&header.last_offset())
        };
        header.next_offset() == self.end || last_of_producer()
    }
}
