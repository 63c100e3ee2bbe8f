//! The sparse `.index` file: which byte position holds which offset.
//!
//! Format (Kafka's): entries of 8 bytes, big-endian: offset relative to the segment's base (u32), position of a batch
//! in the `.log` file (u32). An entry names the *last* offset of the batch that starts at its position.

use std::path::Path;
use std::sync::Arc;

use kafkalite_world::Disk;

use super::index::IndexFile;
use crate::Result;

/// Offsets to positions, of one segment.
#[derive(Debug)]
pub(crate) struct OffsetIndex {
    base_offset: i64,
    file: IndexFile<2>,
}

impl OffsetIndex {
    /// Bytes an entry takes.
    pub(crate) const ENTRY_BYTES: usize = IndexFile::<2>::ENTRY_BYTES;

    /// An empty index to append to, with room for `max_bytes`.
    pub(crate) fn create(
        disk: &Arc<dyn Disk>,
        path: &Path,
        base_offset: i64,
        max_bytes: u32,
    ) -> Result<OffsetIndex> {
        Ok(OffsetIndex {
            base_offset,
            file: IndexFile::open_active(disk, path, max_bytes, 0)?,
        })
    }

    /// The index of a rolled segment.
    pub(crate) fn open(disk: &Arc<dyn Disk>, path: &Path, base_offset: i64) -> Result<OffsetIndex> {
        Ok(OffsetIndex {
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
    ) -> Result<OffsetIndex> {
        let entries = IndexFile::<2>::count(&**disk, path)?;
        Ok(OffsetIndex {
            base_offset,
            file: IndexFile::open_active(disk, path, max_bytes, entries)?,
        })
    }

    /// Whether the next append has to roll the segment.
    pub(crate) fn is_full(&self) -> bool {
        self.file.room() == 0
    }

    /// Gets room on the disk for so many more entries.
    pub(crate) fn make_room(&self, entries: usize) {
        self.file.make_room(entries);
    }

    /// Adds an entry for the batch that ends with `last_offset` and starts at `position`, if there is room. A full index
    /// stays as it is: it is sparse anyway, and the next append rolls.
    pub(crate) fn append(&self, last_offset: i64, position: u64) -> bool {
        self.file
            .push([(last_offset - self.base_offset) as u32, position as u32])
    }

    /// The last entry at or before `offset`, as (offset, position): a scan forward from there reaches `offset`.
    pub(crate) fn entry_before(&self, offset: i64) -> Option<(i64, u64)> {
        let relative = offset - self.base_offset;
        let above = self
            .file
            .partition_point(|[entry, _]| i64::from(entry) <= relative);
        Some(self.decode(self.file.entry(above.checked_sub(1)?)))
    }

    /// An offset that no batch before `position` reaches; nothing if no entry lies there or behind.
    pub(crate) fn offset_at(&self, position: u64) -> Option<i64> {
        let before = |[_, entry]: [u32; 2]| u64::from(entry) < position;
        let at = self.file.partition_point(before);
        (at < self.file.len()).then(|| self.decode(self.file.entry(at)).0)
    }

    /// The last entry as (offset, position).
    pub(crate) fn last(&self) -> Option<(i64, u64)> {
        Some(self.decode(self.file.entry(self.file.len().checked_sub(1)?)))
    }

    /// Whether the last entry can be one. Zeros, as in an index that was never trimmed, cannot: no entry names the first
    /// batch of a segment.
    pub(crate) fn is_plausible(&self) -> bool {
        self.last().is_none_or(|(_, position)| position > 0)
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

    fn decode(&self, [relative, position]: [u32; 2]) -> (i64, u64) {
        (self.base_offset + i64::from(relative), u64::from(position))
    }
}
