//! When an index entry is made: the same rule for appending and for rebuilding an index after a crash.

use super::{Head, Newest, OffsetIndex, TimeIndex};

/// What the sparse indexes remember between two entries.
#[derive(Debug, Default)]
pub(crate) struct Indexing {
    bytes_since_entry: u64,
    newest: Option<Newest>,
}

impl Indexing {
    /// Goes on after the last entry of a time index that was closed cleanly.
    pub(crate) fn after(newest: Option<Newest>) -> Indexing {
        Indexing {
            bytes_since_entry: 0,
            newest,
        }
    }

    /// Whether the next batch gets an entry.
    pub(crate) fn is_due(&self, interval: u32) -> bool {
        self.bytes_since_entry > u64::from(interval)
    }

    /// Takes note of the batch that starts at `position`; every `interval` bytes it gets an entry in both indexes, if there
    /// is [room](super::Segment::make_index_room). If not, one of the next batches does.
    ///
    /// One entry names one batch (not one append of several): that is what Kafka's dump tool checks.
    pub(crate) fn note(
        &mut self,
        offsets: &OffsetIndex,
        times: &TimeIndex,
        position: u64,
        head: &Head,
        interval: u32,
    ) {
        if self
            .newest
            .is_none_or(|newest| head.max_timestamp > newest.timestamp)
            && head.max_timestamp >= 0
        {
            self.newest = Some(head.newest());
        }
        if self.is_due(interval) && offsets.append(head.last_offset, position) {
            if let Some(newest) = self.newest {
                times.append(newest);
            }
            self.bytes_since_entry = 0;
        }
        self.bytes_since_entry += head.len;
    }

    /// The newest timestamp so far.
    pub(crate) fn newest(&self) -> Option<Newest> {
        self.newest
    }
}
