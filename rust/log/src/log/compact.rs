//! Compaction as a log sees it: what is there to be compacted, and new segments in the place of old ones.
//!
//! Readers notice nothing. Those who hold the old list of segments, or a slice of one, go on with files that have other
//! names by then and are unlinked later; their indexes are open. The new list is there before any file is renamed, and all
//! that it names is open too.
//!
//! For a crash at any moment: `*.cleaned` are written and flushed, renamed to `*.swap` (from here on the next start ends
//! what this one began), the old files to `*.deleted`, `*.swap` to their names; the directory is flushed between the steps.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Log, Segments};
use crate::compaction::plan::{Bounds, Facts, assess, group};
use crate::compaction::{Cleanable, CleaningRules, Compacted, Compactor, Pace, Replacement};
use crate::segment::{Directory, Scan, Segment};
use crate::{LogConfig, LogError, Result};

impl Log {
    /// What there is to be compacted, if the last compaction ended at `compacted_to`.
    pub fn cleanable(&self, compacted_to: i64, now_ms: i64) -> Result<Cleanable> {
        self.check_open()?;
        let config = self.config();
        let segments = self.segments.load_full();
        self.assess(&segments, compacted_to, &config, now_ms)
    }

    /// Removes the records that a later one of the same key supersedes, and tombstones that everybody has seen, from what
    /// [`cleanable`](Log::cleanable) has found. One caller at a time. Appends and reads go on.
    ///
    /// This leaves segments that end before the next one begins. So the caller has flushed what is rolled
    /// ([`flush_rolled`](Log::flush_rolled)), and has put a [`recovery_point`](Log::recovery_point) on disk that reaches to
    /// `first_uncleanable`: a hole behind the recovery point is one that a crash has torn.
    ///
    /// After each piece of I/O `go_on` is told its bytes. If it says no, or the log is closed meanwhile, this is
    /// [`LogError::CompactionStopped`]; what was finished until then stays.
    /// [`LogError::Uncleanable`] will be no other the next time.
    pub fn compact(
        &self,
        cleanable: &Cleanable,
        compactor: &mut Compactor,
        now_ms: i64,
        go_on: &mut dyn FnMut(u64) -> bool,
    ) -> Result<Compacted> {
        self.check_open()?;
        self.check_sound()?;
        let config = self.config();
        let segments = self.segments.load_full();
        let &Cleanable {
            first_dirty,
            first_uncleanable,
            ..
        } = cleanable;
        if first_uncleanable <= first_dirty {
            return Ok(Compacted {
                first_dirty,
                ..Compacted::default()
            });
        }
        self.write_due_snapshots();
        // What supersedes must survive a power cut before what is superseded goes.
        self.flush_rolled()?;

        let mut ask = |bytes| !self.is_closed() && go_on(bytes);
        let mut pace = Pace {
            dir: &self.place.dir,
            go_on: &mut ask,
        };
        let sealed = below(&segments, first_uncleanable);
        let dirty = segments.partition_point(|segment| segment.base_offset <= first_dirty);
        let dirty = &sealed[dirty.saturating_sub(1).min(sealed.len())..];
        let latest = compactor
            .learn(dirty, first_dirty, first_uncleanable, &mut pace)
            .map_err(|error| self.unless_gone(dirty, error))?;
        let last_of_producers = self.last_of_producers();
        let rules = CleaningRules {
            latest: &latest,
            last_of_producers: &last_of_producers,
            end: first_uncleanable,
            now_ms,
            config: &config,
            place: &self.place,
        };
        let sealed = below(sealed, latest.end);
        let end = segments
            .get(sealed.len())
            .map_or(latest.end, |next| next.base_offset);
        let facts = with_indexes(sealed, facts(sealed, &config)?)?;
        let mut done = Compacted::default();
        for range in group(&facts, end, &config) {
            let old = &sealed[range];
            let new = {
                // A log that is not closed yet still has its directory; a deleted one's name may be a new topic's by now.
                let _not_closed_meanwhile = self.restructuring.lock();
                self.check_open()?;
                compactor.begin(old, &rules)?
            };
            let rewritten = compactor
                .rewrite(new, old, &rules, &mut done, &mut pace)
                .map_err(|error| self.unless_gone(old, error))?;
            if let Some(new) = rewritten {
                self.replace(old, new, now_ms, &config)?;
            }
        }
        done.first_dirty = latest.end;
        done.keys = latest.keys();
        Ok(done)
    }

    fn assess(
        &self,
        segments: &Segments,
        compacted_to: i64,
        config: &LogConfig,
        now_ms: i64,
    ) -> Result<Cleanable> {
        let bounds = Bounds {
            start: self.start_offset(),
            end: self.end_offset(),
            stable: self.last_stable_offset(),
            compacted_to,
        };
        Ok(assess(&facts(segments, config)?, &bounds, config, now_ms))
    }

    fn last_of_producers(&self) -> HashMap<i64, i64> {
        let written = self.written.lock();
        let last = |(id, entry): (i64, &crate::producers::ProducerEntry)| {
            Some((id, entry.last_batch()?.last_offset))
        };
        written.producers.iter().filter_map(last).collect()
    }

    /// Puts one segment in the place of others.
    fn replace(
        &self,
        old: &[Arc<Segment>],
        new: Replacement,
        now_ms: i64,
        config: &LogConfig,
    ) -> Result<()> {
        let _alone = self.restructuring.lock();
        // Without touching a file: the directory of a log that is closed may be somebody else's.
        self.check_open()?;
        if !self.holds(old) {
            // Retention was here first; what is left is compacted another time.
            new.discard();
            return Err(LogError::CompactionStopped {
                path: self.place.dir.clone(),
            });
        }
        // From now on a name may lead to another file than the one that is read. And whatever needs a descriptor is opened
        // before, when nothing has changed yet.
        let opened = old.iter().try_for_each(|segment| segment.open_indexes());
        let dir = match opened.and_then(|()| self.place.open_dir()) {
            Ok(dir) => dir,
            Err(error) => {
                new.discard();
                return Err(error);
            }
        };
        let settled = new.promise(&dir).and_then(|()| {
            self.exchange(old, &new.segment);
            self.settle(old, &new, &dir, now_ms, config)
        });
        settled.map_err(|error| {
            // The list is right and the names are not: only the next start can tell.
            self.fail(format!("compacted segments could not be named: {error}"))
        })
    }

    /// Where retention was here first, files may be gone that were to be read.
    fn unless_gone(&self, segments: &[Arc<Segment>], error: LogError) -> LogError {
        if self.holds(segments) {
            return error;
        }
        LogError::CompactionStopped {
            path: self.place.dir.clone(),
        }
    }

    /// Whether all of these are still part of the log.
    pub(super) fn holds(&self, old: &[Arc<Segment>]) -> bool {
        let segments = self.segments.load();
        old.iter()
            .all(|segment| segments.iter().any(|listed| Arc::ptr_eq(listed, segment)))
    }

    fn exchange(&self, old: &[Arc<Segment>], new: &Arc<Segment>) {
        let replaced = |segment: &Arc<Segment>| old.iter().any(|one| Arc::ptr_eq(one, segment));
        let mut written = self.written.lock();
        let segments = self.segments.load();
        let at = segments.iter().position(replaced).unwrap_or(0);
        let mut list: Segments = segments.to_vec();
        list.retain(|segment| !replaced(segment));
        list.insert(at, Arc::clone(new));
        self.segments.store(Arc::new(list));
        written.rolled.retain(|segment| !replaced(segment));
    }

    fn settle(
        &self,
        old: &[Arc<Segment>],
        new: &Replacement,
        dir: &Directory<'_>,
        now_ms: i64,
        config: &LogConfig,
    ) -> Result<()> {
        let mut paths = Vec::new();
        for segment in old {
            // The producers' snapshot at the first one's offset is that of the new segment.
            paths.extend(if segment.base_offset == new.segment.base_offset {
                segment.mark_replaced()?
            } else {
                segment.mark_deleted()?
            });
        }
        new.settle(dir)?;
        self.doom(paths, now_ms, config);
        Ok(())
    }
}

/// The segments that begin before `offset`.
fn below(segments: &[Arc<Segment>], offset: i64) -> &[Arc<Segment>] {
    &segments[..segments.partition_point(|segment| segment.base_offset < offset)]
}

fn facts(segments: &[Arc<Segment>], config: &LogConfig) -> Result<Vec<Facts>> {
    let facts = |segment: &Arc<Segment>| {
        let first_ms = if config.max_compaction_lag_ms == i64::MAX {
            None
        } else {
            let written = segment.file.written();
            let first = Scan::new(&segment.file, 0, written).find(|_| true)?;
            first.map(|found| found.head.max_timestamp)
        };
        let newest_ms = if config.min_compaction_lag_ms == 0 {
            None
        } else {
            Some(segment.newest_or_modified_ms()?)
        };
        Ok(Facts {
            base_offset: segment.base_offset,
            bytes: segment.file.written(),
            offset_index_bytes: 0,
            time_index_bytes: 0,
            first_ms,
            newest_ms,
        })
    };
    segments.iter().map(facts).collect()
}

/// Opens the indexes: only who goes on to compact wants their sizes.
fn with_indexes(segments: &[Arc<Segment>], mut facts: Vec<Facts>) -> Result<Vec<Facts>> {
    for (segment, facts) in segments.iter().zip(&mut facts) {
        facts.offset_index_bytes = segment.offsets()?.bytes();
        facts.time_index_bytes = segment.times()?.bytes();
    }
    Ok(facts)
}
