//! Reading a segment from its first byte to its last, in pieces of whole batches that were verified.

use std::fmt::Display;
use std::path::Path;

use kafkalite_records::{BatchHeader, RecordBatch, RecordsError};

use crate::segment::{Head, Segment, SegmentFile};
use crate::{LogError, Result};

/// Pieces of a segment file.
pub(super) struct Pieces<'a> {
    file: &'a SegmentFile,
    position: u64,
    end: u64,
    /// Bytes to read at a time; more only where one batch is larger.
    size: usize,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(file: &'a SegmentFile, size: usize) -> Pieces<'a> {
        Pieces {
            file,
            position: 0,
            end: file.written(),
            size: size.max(Head::LEN),
        }
    }

    /// Whether the piece that was read last is the last one.
    pub(super) fn are_all_read(&self) -> bool {
        self.position == self.end
    }

    /// Reads the next whole batches into `buffer`: at least one, or nothing is left.
    pub(super) fn next<'b>(&mut self, buffer: &'b mut Vec<u8>) -> Result<&'b [u8]> {
        let mut want = self.size;
        loop {
            let rest = self.end - self.position;
            buffer.resize((want as u64).min(rest) as usize, 0);
            let filled = self.file.read_at(buffer, self.position)?;
            if filled < buffer.len() {
                return Err(corrupt(self.file.path(), "the file ends before its length"));
            }
            let whole = whole_batches(buffer).map_err(|error| corrupt(self.file.path(), error))?;
            match whole {
                // A batch is as long as it says only if the file is.
                Whole::Needs(needed) if needed > rest => {
                    return Err(corrupt(self.file.path(), "a batch is longer than the file"));
                }
                Whole::Needs(needed) => want = needed as usize,
                Whole::UpTo(len) => {
                    self.position += len as u64;
                    return Ok(&buffer[..len]);
                }
            }
        }
    }
}

enum Whole {
    UpTo(usize),
    /// Not one batch is whole; the first has so many bytes.
    Needs(u64),
}

fn whole_batches(bytes: &[u8]) -> Result<Whole, RecordsError> {
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let needed = match Head::parse(rest) {
            Ok(head) => head.len,
            Err(RecordsError::Incomplete { needed, .. }) => needed as u64,
            Err(error) => return Err(error),
        };
        if needed > rest.len() as u64 {
            if at == 0 {
                return Ok(Whole::Needs(needed));
            }
            break;
        }
        at += needed as usize;
    }
    Ok(Whole::UpTo(at))
}

/// The offsets that the batches of a segment may have: rising, and within what its index can name. They are not covered
/// by the batches' checksums.
pub(super) struct Order {
    base_offset: i64,
    next_offset: i64,
}

impl Order {
    pub(super) fn of(segment: &Segment) -> Order {
        Order {
            base_offset: segment.base_offset,
            next_offset: segment.base_offset,
        }
    }

    fn admit(&mut self, header: &BatchHeader) -> bool {
        let fits = header.base_offset >= self.next_offset
            && header.last_offset() - self.base_offset <= i64::from(i32::MAX);
        self.next_offset = header.next_offset();
        fits
    }
}

/// The batch at the front of `bytes`, verified; the rest stays in `bytes`. Only format 2 is taken.
pub(super) fn take<'a>(
    bytes: &mut &'a [u8],
    order: &mut Order,
    path: &Path,
) -> Result<RecordBatch<'a>> {
    let batch = RecordBatch::parse(bytes)
        .and_then(|batch| batch.verify_crc().map(|()| batch))
        .map_err(|error| corrupt(path, error))?;
    if !order.admit(batch.header()) {
        return Err(corrupt(path, "its offsets are out of order"));
    }
    *bytes = &bytes[batch.bytes().len()..];
    Ok(batch)
}

/// What stands in the way of compacting.
pub(super) fn corrupt(path: &Path, what: impl Display) -> LogError {
    LogError::Uncleanable {
        path: path.to_owned(),
        reason: what.to_string(),
    }
}
