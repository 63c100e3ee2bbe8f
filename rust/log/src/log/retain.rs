//! Forgetting: segments that are too old, too many, or before the start offset leave the log, and later the disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::load::unlink;
use super::{Log, Writer};
use crate::{LogConfig, LogError, Result};

/// What [`Log::retain`] took out of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retained {
    /// How many segments.
    pub segments: usize,
    /// Their bytes.
    pub bytes: u64,
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
    /// first when it is to go too, so the log keeps its end offset.
    pub fn retain(&self, now_ms: i64) -> Result<Retained> {
        let _alone = self.restructuring.lock();
        let mut writer = self.writer.lock();
        self.check_open()?;
        self.unlink_doomed(now_ms);
        let config = self.config();
        let expired = self.count_expired(&config, now_ms)?;
        if expired == 0 {
            return Ok(Retained::default());
        }
        let mut segments = self.segments.load_full();
        if expired == segments.len() {
            self.check_sound()?;
            let end = writer.next_offset;
            self.roll(&mut writer, &config, end, now_ms)?;
            // The new segment alone says then where the log ends: it must not be lost when the others are gone.
            self.sync_directory()?;
            segments = self.segments.load_full();
        }
        let (gone, kept) = segments.split_at(expired);
        self.raise_start_offset(&mut writer, kept[0].base_offset);
        self.segments.store(Arc::new(kept.to_vec()));
        writer
            .rolled
            .retain(|segment| segment.base_offset >= kept[0].base_offset);
        for segment in gone {
            match segment.mark_deleted() {
                Ok(paths) => self.doom(paths, now_ms, &config),
                // It comes back at the next open, below the start offset.
                Err(error) => tracing::warn!(%error, "cannot mark a segment as deleted"),
            }
        }
        Ok(Retained {
            segments: gone.len(),
            bytes: gone.iter().map(|segment| segment.file.written()).sum(),
        })
    }

    /// Forgets the messages before `offset`: they cannot be read any more at once; the segments that hold nothing else go
    /// with the next [`retain`](Log::retain). Returns the start offset, which may be higher already.
    ///
    /// [`LogError::OffsetOutOfRange`] above the high watermark.
    pub fn delete_records_before(&self, offset: i64) -> Result<i64> {
        let mut writer = self.writer.lock();
        self.check_open()?;
        if offset < 0 || offset > self.high_watermark() {
            return Err(LogError::OffsetOutOfRange {
                offset,
                start: self.start_offset(),
                end: self.high_watermark(),
            });
        }
        self.raise_start_offset(&mut writer, offset);
        Ok(self.start_offset())
    }

    fn raise_start_offset(&self, writer: &mut Writer, offset: i64) {
        if offset > self.start_offset.fetch_max(offset, Ordering::AcqRel) {
            self.flushing.forget_before(offset);
            if let Err(error) = writer.epochs.begin_at(offset) {
                // The next open does it again. On a full disk this must not keep anybody from making room.
                tracing::warn!(%error, "cannot forget the leader epochs of deleted records");
            }
        }
    }

    /// How many of the oldest segments are to go.
    fn count_expired(&self, config: &LogConfig, now_ms: i64) -> Result<usize> {
        let segments = self.segments.load();
        let (start, end, visible) = (
            self.start_offset(),
            self.end_offset(),
            self.high_watermark(),
        );
        let retention_ms = config.retention_ms.filter(|_| config.delete_expired);
        let retention_bytes = config.retention_bytes.filter(|_| config.delete_expired);
        let mut rest: u64 = segments.iter().map(|segment| segment.file.written()).sum();
        for (at, segment) in segments.iter().enumerate() {
            let next = segments.get(at + 1).map(|next| next.base_offset);
            let size = segment.file.written();
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

    /// Unlinks what is due. Slices that hold the files open go on reading them.
    pub(super) fn unlink_doomed(&self, now_ms: i64) {
        let mut doomed = self.doomed.lock();
        let due = doomed.extract_if(.., |doomed| doomed.due_ms <= now_ms);
        due.flat_map(|doomed| doomed.paths)
            .for_each(|path| unlink(&path));
    }
}
