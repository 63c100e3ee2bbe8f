//! The sparse `.timeindex` file: the newest timestamp up to an offset.
//!
//! Format (Kafka's): entries of 12 bytes, big-endian: timestamp in ms (i64), offset relative to the segment's base (u32).
//! An entry (t, o) says that the first batch with timestamp t ends with offset o, and that every batch before it is
//! older than t. Timestamps and offsets both rise from entry to entry. A rolled or closed segment's last entry is its
//! newest timestamp.

use super::index::IndexFile;

/// A timestamp and the last offset of the first batch that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Newest {
    pub(crate) timestamp: i64,
    pub(crate) offset: i64,
}

/// Timestamps to offsets, of one segment.
pub(crate) type TimeIndex = IndexFile<3>;

impl TimeIndex {
    /// Whether the next append has to roll the segment: one entry is kept free for the last one at the roll.
    pub(crate) fn is_full(&self) -> bool {
        self.room() <= 1
    }

    /// Adds an entry if it is newer than the last one, and leaves the room for the last one.
    pub(crate) fn append(&self, newest: Newest) {
        if self.has_risen(newest) && !self.is_full() {
            self.push(self.encode(newest));
        }
    }

    /// Adds the last entry that there will be, if it is newer than the one before.
    pub(crate) fn append_last(&self, newest: Newest) {
        if self.has_risen(newest) {
            self.push_last(self.encode(newest));
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
        match self.partition_point(|entry| self.decode(entry).timestamp <= timestamp) {
            0 => self.base_offset,
            above => self.decode(self.entry(above - 1)).offset,
        }
    }

    /// The last entry.
    pub(crate) fn last(&self) -> Option<Newest> {
        self.last_entry().map(|entry| self.decode(entry))
    }

    /// Whether the last entry can be one: it is newer than the first.
    pub(crate) fn is_plausible(&self) -> bool {
        self.len() < 2
            || self
                .last()
                .is_some_and(|last| last.timestamp > self.decode(self.entry(0)).timestamp)
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
