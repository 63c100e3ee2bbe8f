//! One fetch's partitions, one after another.

use kafkalite_log::{ReadUpTo, limits};
use kafkalite_records::legacy::MessageFormat;
use kafkalite_records::{DownBounds, DownConverter, Entry, RecordsError};
use parking_lot::Mutex;

use super::{Source, WrittenSet};
use crate::refusal::Refusal;

/// What batches of ordinary producers decompress to; larger ones wait for each other.
const ORDINARY: usize = 16 << 20;

/// Writes down what one fetch has read.
pub(super) struct Conversion<'a> {
    format: MessageFormat,
    converter: DownConverter,
    /// Bytes that the answer may still have.
    left: usize,
    /// Whether there is nothing yet: the first message comes whatever its size (KIP-74).
    first: bool,
    /// Held by who opens a large batch.
    large: &'a Mutex<()>,
}

impl<'a> Conversion<'a> {
    pub(super) fn new(format: MessageFormat, max_bytes: usize, large: &'a Mutex<()>) -> Self {
        Self {
            format,
            converter: DownConverter::new(format),
            left: max_bytes,
            first: true,
            large,
        }
    }

    /// Writes down what was read of one partition. If that is nothing for consumers, goes on reading: a consumer that gets
    /// nothing asks for the same again, and would never come past it.
    pub(super) fn write(&mut self, source: Source) -> Result<WrittenSet, Refusal> {
        let Source {
            partition,
            mut slice,
            from,
            max_bytes,
        } = source;
        if self.left == 0 && !self.first {
            return Ok(WrittenSet::nothing(from));
        }
        let enough = max_bytes.min(self.left);
        let (mut set, mut next) = (Vec::new(), from);
        while set.is_empty() && !slice.is_empty() {
            let bytes = slice.bytes().map_err(|error| partition.explain(error))?;
            let before = next;
            self.write_entries(&bytes, &mut next, enough, &mut set)?;
            if next == before {
                break;
            }
            if set.is_empty() {
                slice = partition
                    .log
                    .read(next, max_bytes, ReadUpTo::HighWatermark, true)
                    .map_err(|error| partition.explain(error))?;
            }
        }
        if !set.is_empty() {
            self.first = false;
            self.left = self.left.saturating_sub(set.len());
        }
        Ok(WrittenSet {
            bytes: set.into(),
            next_offset: next,
        })
    }

    /// Appends what `bytes` hold from `next` on to `set`, and moves `next` past it. What cannot be written is an error only
    /// if nothing was before it: the fetch that begins with it is told.
    fn write_entries(
        &mut self,
        mut bytes: &[u8],
        next: &mut i64,
        enough: usize,
        set: &mut Vec<u8>,
    ) -> Result<(), RecordsError> {
        while set.is_empty() || set.len() < enough {
            let written = Entry::parse(bytes).and_then(|entry| {
                self.write_entry(&entry, *next, enough, set)?;
                Ok(entry)
            });
            match written {
                Ok(entry) => {
                    *next = entry.last_offset() + 1;
                    bytes = &bytes[entry.bytes().len()..];
                }
                // Slices end in the middle of batches.
                Err(RecordsError::Incomplete { .. }) => break,
                Err(error) if set.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(())
    }

    fn write_entry(
        &mut self,
        entry: &Entry<'_>,
        from: i64,
        enough: usize,
        set: &mut Vec<u8>,
    ) -> Result<(), RecordsError> {
        let within = |decompressed| DownBounds {
            from,
            enough,
            decompressed,
        };
        match self.converter.write(entry, &within(ORDINARY), set) {
            Err(RecordsError::TooLarge { .. }) => {
                let _alone = self.large.lock();
                // One of its own, whose memory ends with it.
                DownConverter::new(self.format).write(entry, &within(limits::READ), set)
            }
            written => written,
        }
    }
}
