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

    /// Takes note of the batch that starts at `position`; every `interval` bytes it gets an entry in both indexes.
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
        if self.bytes_since_entry > u64::from(interval) {
            offsets.append(head.last_offset, position);
            if let Some(newest) = self.newest {
                times.append(newest, false);
            }
            self.bytes_since_entry = 0;
        }
        self.bytes_since_entry += head.len;
    }

    /// Makes the newest timestamp the last entry of a segment that ends.
    pub(crate) fn finish(&self, times: &TimeIndex) {
        if let Some(newest) = self.newest {
            times.append(newest, true);
        }
    }

    /// The newest timestamp so far.
    pub(crate) fn newest(&self) -> Option<Newest> {
        self.newest
    }
}
