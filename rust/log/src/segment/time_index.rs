//! The sparse `.timeindex` file: the newest timestamp up to an offset.
//!
//! Format (Kafka's): entries of 12 bytes, big-endian: timestamp in ms (i64), offset relative to the segment's base (u32).
//! An entry (t, o) says that the first batch with timestamp t ends with offset o, and that every batch before it is
//! older than t. Timestamps and offsets both rise from entry to entry. A rolled or closed segment's last entry is its
//! newest timestamp.

use std::path::Path;
use std::sync::Arc;

use kafkalite_world::Disk;

use super::index::IndexFile;
use crate::Result;

/// A timestamp and the last offset of the first batch that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Newest {
    pub(crate) timestamp: i64,
    pub(crate) offset: i64,
}

/// Timestamps to offsets, of one segment.
#[derive(Debug)]
pub(crate) struct TimeIndex {
    base_offset: i64,
    file: IndexFile<3>,
}

impl TimeIndex {
    /// Bytes an entry takes.
    pub(crate) const ENTRY_BYTES: usize = IndexFile::<3>::ENTRY_BYTES;

    /// An empty index to append to, with room for `max_bytes`.
    pub(crate) fn create(
        disk: &Arc<dyn Disk>,
        path: &Path,
        base_offset: i64,
        max_bytes: u32,
    ) -> Result<TimeIndex> {
        Ok(TimeIndex {
            base_offset,
            file: IndexFile::open_active(disk, path, max_bytes, 0)?,
        })
    }

    /// The index of a rolled segment.
    pub(crate) fn open(disk: &Arc<dyn Disk>, path: &Path, base_offset: i64) -> Result<TimeIndex> {
        Ok(TimeIndex {
            base_offset,
            file: IndexFile::open_sealed(disk, path)?,
        })
    }

    /// The index of a segment that was closed cleanly and is to be appended to again.
    pub(crate) fn reopen(
        disk: &Arc<dyn Disk>,
        path: &Path,
        base_offset: i64,
        max_bytes: u32,
    ) -> Result<TimeIndex> {
        let entries = IndexFile::<3>::count(&**disk, path)?;
        Ok(TimeIndex {
            base_offset,
            file: IndexFile::open_active(disk, path, max_bytes, entries)?,
        })
    }

    /// Whether the next append has to roll the segment: one entry is kept free for the last one at the roll.
    pub(crate) fn is_full(&self) -> bool {
        self.file.room() <= 1
    }

    /// Gets room on the disk for so many more entries.
    pub(crate) fn make_room(&self, entries: usize) {
        self.file.make_room(entries);
    }

    /// Adds an entry if it is newer than the last one, and leaves the room for the last one.
    pub(crate) fn append(&self, newest: Newest) {
        if self.has_risen(newest) && !self.is_full() {
            self.file.push(self.encode(newest));
        }
    }

    /// Adds the last entry that there will be, if it is newer than the one before.
    pub(crate) fn append_last(&self, newest: Newest) {
        if self.has_risen(newest) {
            self.file.push_last(self.encode(newest));
        }
    }

    fn has_risen(&self, newest: Newest) -> bool {
        let risen = self
            .last()
            .is_none_or(|entry| newest.timestamp > entry.timestamp);
        newest.timestamp >= 0 && risen
    }

    /// An offset from which a scan forward meets the first batch with a timestamp of `timestamp` or later.
    pub(crate) fn offset_before(&self, timestamp: i64) -> i64 {
        match self
            .file
            .partition_point(|entry| self.decode(entry).timestamp <= timestamp)
        {
            0 => self.base_offset,
            above => self.decode(self.file.entry(above - 1)).offset,
        }
    }

    /// The last entry.
    pub(crate) fn last(&self) -> Option<Newest> {
        Some(self.decode(self.file.entry(self.file.len().checked_sub(1)?)))
    }

    /// Whether the last entry can be one: it is newer than the first.
    pub(crate) fn is_plausible(&self) -> bool {
        self.file.len() < 2
            || self
                .last()
                .is_some_and(|last| last.timestamp > self.decode(self.file.entry(0)).timestamp)
    }

    /// Bytes that the entries take.
    pub(crate) fn bytes(&self) -> u64 {
        (self.file.len() * Self::ENTRY_BYTES) as u64
    }

    /// Cuts the file to its entries.
    pub(crate) fn trim(&self) -> Result<()> {
        self.file.trim()
    }

    /// Makes the entries survive a power cut.
    pub(crate) fn sync(&self) -> Result<()> {
        self.file.sync()
    }

    fn encode(&self, newest: Newest) -> [u32; 3] {
        [
            (newest.timestamp >> 32) as u32,
            newest.timestamp as u32,
            (newest.offset - self.base_offset) as u32,
        ]
    }

    fn decode(&self, [high, low, relative]: [u32; 3]) -> Newest {
        Newest {
            timestamp: (i64::from(high) << 32) | i64::from(low),
            offset: self.base_offset + i64::from(relative),
        }
    }
}
