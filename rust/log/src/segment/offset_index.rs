//! The sparse `.index` file: which byte position holds which offset.
//!
//! Format (Kafka's): entries of 8 bytes, big-endian: offset relative to the segment's base (u32), position of a batch
//! in the `.log` file (u32). An entry names the *last* offset of the batch that starts at its position.

use super::index::IndexFile;

/// Offsets to positions, of one segment.
pub(crate) type OffsetIndex = IndexFile<2>;

impl OffsetIndex {
    /// Whether the next append has to roll the segment.
    pub(crate) fn is_full(&self) -> bool {
        self.room() == 0
    }

    /// Adds an entry for the batch that ends with `last_offset` and starts at `position`, if there is room. A full index
    /// stays as it is: it is sparse anyway, and the next append rolls.
    pub(crate) fn append(&self, last_offset: i64, position: u64) -> bool {
        self.push([(last_offset - self.base_offset) as u32, position as u32])
    }

    /// The last entry at or before `offset`, as (offset, position): a scan forward from there reaches `offset`.
    pub(crate) fn entry_before(&self, offset: i64) -> Option<(i64, u64)> {
        let relative = offset - self.base_offset;
        let above = self.partition_point(|[entry, _]| i64::from(entry) <= relative);
        Some(self.decode(self.entry(above.checked_sub(1)?)))
    }

    /// An offset that no batch before `position` reaches; nothing if no entry lies there or behind.
    pub(crate) fn offset_at(&self, position: u64) -> Option<i64> {
        let before = |[_, entry]: [u32; 2]| u64::from(entry) < position;
        let at = self.partition_point(before);
        (at < self.len()).then(|| self.decode(self.entry(at)).0)
    }

    /// The last entry as (offset, position).
    pub(crate) fn last(&self) -> Option<(i64, u64)> {
        self.last_entry().map(|entry| self.decode(entry))
    }

    /// Whether the last entry can be one. Zeros, as in an index that was never trimmed, cannot: no entry names the first
    /// batch of a segment.
    pub(crate) fn is_plausible(&self) -> bool {
        self.last().is_none_or(|(_, position)| position > 0)
    }

    fn decode(&self, [relative, position]: [u32; 2]) -> (i64, u64) {
        (self.base_offset + i64::from(relative), u64::from(position))
    }
}
