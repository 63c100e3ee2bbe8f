//! Forgetting: segments that are too old, too many, or before the start offset leave the log, and later the disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{Log, Segments, Written};
use crate::{LogConfig, LogError, Result};
use kafkalite_world::disk::unlink;

/// What [`Log::retain`] took out of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// How many segments.
    pub segments: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Why the last segment that is to go stays: for want of room or a descriptor, no other could take its place. The next
    /// [`Log::retain`] tries again.
    pub held_back: Option<String>,
}

/// Files that are renamed already and are unlinked when those who may still look for them are done.
#[derive(Debug)]
pub(super) struct Doomed {
    due_ms: i64,
    paths: Vec<PathBuf>,
}

impl Log {
    /// Takes the oldest segments out of the log as `retention.ms`, `retention.bytes` and the start offset say, and unlinks
    /// those that were taken out `file.delete.delay.ms` ago. Never above the high watermark; the active segment is rolled
    /// first when it is to go too, so the log keeps its end offset; where that cannot be, for want of room or a descriptor, all
    /// others go. Appends and reads go on meanwhile.
    pub fn retain(&self, now_ms: i64) -> Result<Retained> {
        let _alone = self.restructuring.lock();
        self.check_open()?;
        self.unlink_doomed(now_ms);
        let config = self.config();
        let end = self.end_offset();
        let segments = self.segments.load_full();
        let mut expired = self.count_expired(&segments, &config, now_ms)?;
        let mut held_back = None;
        let kept = &segments[expired..];
        if expired > 0 && kept.iter().all(|segment| segment.file.written() == 0) {
            match self.keep_the_end(kept.is_empty(), end, &config, now_ms) {
                Ok(true) => {}
                Ok(false) => expired -= 1,
                Err(error) if self.is_closed() => return Err(error),
                Err(error) => {
                    // Who has no room must be able to make some.
                    held_back = Some(error.to_string());
                    expired -= 1;
                }
            }
        }
        if expired == 0 {
            return Ok(Retained {
                held_back,
                ..Retained::default()
            });
        }
        let gone = self.take_oldest(expired);
        self.save_changed_epochs();
        for segment in &gone {
            match segment.mark_deleted() {
                Ok(paths) => self.doom(paths, now_ms, &config),
                // It comes back at the next open, below the start offset.
                Err(error) => tracing::warn!(%error, "cannot mark a segment as deleted"),
            }
        }
        Ok(Retained {
            segments: gone.len(),
            bytes: gone.iter().map(|segment| segment.file.written()).sum(),
            held_back,
        })
    }

    /// Messages that the next [`retain`](Log::retain) takes for their age although they were written within `retention.ms`,
    /// because their times are older than that: history that somebody publishes anew.
    pub fn expiring_history(&self, now_ms: i64) -> Result<u64> {
        self.check_open()?;
        let config = self.config();
        let Some(limit) = config.retention_ms.filter(|_| config.delete_expired) else {
            return Ok(0);
        };
        let is_over = |time: i64| now_ms.saturating_sub(time) > limit;
        let (start, end) = (self.start_offset(), self.end_offset());
        let segments = self.segments.load_full();
        let mut messages = 0;
        for at in 0..self.count_expired(&segments, &config, now_ms)? {
            let segment = &segments[at];
            let is_old = segment
                .newest()?
                .is_some_and(|newest| is_over(newest.timestamp));
            if is_old && !is_over(segment.file.modified_ms()?) {
                let next = segments.get(at + 1).map_or(end, |next| next.base_offset);
                messages += (next - segment.base_offset.max(start)).max(0) as u64;
            }
        }
        Ok(messages)
    }

    /// Has the log keep its end offset when all segments with messages are gone: in a segment at `end`, which is begun first
    /// if need be. Not if the log has grown meanwhile beyond `end`: what came is not judged yet.
    fn keep_the_end(&self, begin: bool, end: i64, config: &LogConfig, now_ms: i64) -> Result<bool> {
        self.check_sound()?;
        if begin {
            let mut appender = self.appender.lock();
            if self.end_offset() != end {
                return Ok(false);
            }
            self.roll(&mut appender, config, end, now_ms)?;
        }
        // That segment alone says then where the log ends: it must not be lost when the others are gone. If it was begun by an
        // earlier look, that one may have been unable to flush.
        self.sync_directory()?;
        Ok(true)
    }

    /// Takes so many segments out of the list; at least one stays.
    fn take_oldest(&self, count: usize) -> Segments {
        let mut written = self.written.lock();
        let mut kept = self.segments.load().to_vec();
        let gone = kept.drain(..count).collect();
        let start = kept[0].base_offset;
        self.raise_start_offset(&mut written, start);
        self.segments.store(Arc::new(kept));
        written
            .rolled
            .retain(|segment| segment.base_offset >= start);
        written.snapshots.retain(|(offset, _)| *offset > start);
        gone
    }

    /// Forgets the messages before `offset`: they cannot be read any more at once; the segments that hold nothing else go
    /// with the next [`retain`](Log::retain). Returns the start offset, which may be higher already.
    ///
    /// [`LogError::OffsetOutOfRange`] above the high watermark.
    pub fn delete_records_before(&self, offset: i64) -> Result<i64> {
        let _alone = self.restructuring.lock();
        self.check_open()?;
        if offset < 0 || offset > self.high_watermark() {
            return Err(LogError::OffsetOutOfRange {
                offset,
                start: self.start_offset(),
                end: self.high_watermark(),
            });
        }
        self.raise_start_offset(&mut self.written.lock(), offset);
        self.save_changed_epochs();
        Ok(self.start_offset())
    }

    fn raise_start_offset(&self, written: &mut Written, offset: i64) {
        if offset > self.start_offset.fetch_max(offset, Ordering::AcqRel) {
            // What is not in the log any more need not be flushed.
            self.watermarks.flushed_to(offset);
            written.epochs.begin_at(offset);
        }
    }

    fn save_changed_epochs(&self) {
        if let Err(error) = self.save_epochs() {
            // The next open does it again. On a full disk this must not keep anybody from making room.
            tracing::warn!(%error, "cannot forget the leader epochs of deleted records");
        }
    }

    /// How many of the oldest segments are to go.
    fn count_expired(&self, segments: &Segments, config: &LogConfig, now_ms: i64) -> Result<usize> {
        let (start, end, visible) = (
            self.start_offset(),
            self.end_offset(),
            self.high_watermark(),
        );
        let retention_ms = config.retention_ms.filter(|_| config.delete_expired);
        let retention_bytes = config.retention_bytes.filter(|_| config.delete_expired);
        // Looked at once: the last one grows meanwhile.
        let sizes: Vec<u64> = segments
            .iter()
            .map(|segment| segment.file.written())
            .collect();
        let mut rest: u64 = sizes.iter().sum();
        for ((at, segment), size) in segments.iter().enumerate().zip(sizes) {
            let next = segments.get(at + 1).map(|next| next.base_offset);
            if (next.is_none() && size == 0) || visible < next.unwrap_or(end) {
                return Ok(at);
            }
            rest -= size;
            let goes = next.is_some_and(|next| next <= start)
                || retention_bytes.is_some_and(|limit| rest >= limit)
                || match retention_ms {
                    Some(limit) => now_ms.saturating_sub(segment.newest_or_modified_ms()?) > limit,
                    None => false,
                };
            if !goes {
                return Ok(at);
            }
        }
        Ok(segments.len())
    }

    /// Takes note of files that are called `*.deleted`, to be unlinked after `file.delete.delay.ms`.
    pub(super) fn doom(&self, paths: Vec<PathBuf>, now_ms: i64, config: &LogConfig) {
        let due_ms = now_ms.saturating_add(config.file_delete_delay_ms);
        self.doomed.lock().push(Doomed { due_ms, paths });
    }

    /// Unlinks what is due; with large files that takes its time. Slices that hold the files open go on reading them.
    pub(super) fn unlink_doomed(&self, now_ms: i64) {
        let due: Vec<Doomed> = self
            .doomed
            .lock()
            .extract_if(.., |doomed| doomed.due_ms <= now_ms)
            .collect();
        for path in due.iter().flat_map(|doomed| &doomed.paths) {
            unlink(&*self.place.disk, path);
        }
    }
}
