//! What a read returns: a view of a segment's file. No byte is touched until somebody wants it.

use std::sync::Arc;

use bytes::Bytes;

use crate::Result;
use crate::segment::{Mapping, SegmentFile};

/// Contiguous bytes of one segment, starting with a whole batch (unless empty) and possibly ending in the middle of one,
/// as Kafka's fetch answers do.
///
/// Holds the file open: it stays readable when retention unlinks the segment meanwhile.
#[derive(Clone, Debug)]
pub struct LogSlice {
    file: Arc<SegmentFile>,
    position: u64,
    len: usize,
    next_offset: i64,
}

impl LogSlice {
    pub(crate) fn new(
        file: Arc<SegmentFile>,
        position: u64,
        len: usize,
        next_offset: i64,
    ) -> LogSlice {
        LogSlice {
            file,
            position,
            len,
            next_offset,
        }
    }

    /// The segment's file, for `sendfile`.
    pub fn file(&self) -> &Arc<SegmentFile> {
        &self.file
    }

    /// Where in the file the slice starts, in bytes.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Bytes in the slice.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there was nothing to read at the offset asked for.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The offset after the slice's *first* batch; for an empty slice the offset that was asked for.
    pub fn next_offset(&self) -> i64 {
        self.next_offset
    }

    /// The bytes, zero-copy: a view of the mapped file, which keeps the mapping alive.
    ///
    /// A device that fails under a mapping kills the process; who cannot afford that calls [`read_into`](Self::read_into).
    pub fn bytes(&self) -> Result<Bytes> {
        if self.is_empty() {
            return Ok(Bytes::new());
        }
        let mapping = self.file.map(self.position + self.len as u64)?;
        Ok(Bytes::from_owner(MappedSlice {
            mapping,
            position: self.position as usize,
            len: self.len,
        }))
    }

    /// Copies the bytes to the end of `buffer`.
    pub fn read_into(&self, buffer: &mut Vec<u8>) -> Result<()> {
        let start = buffer.len();
        buffer.resize(start + self.len, 0);
        let filled = self.file.read_at(&mut buffer[start..], self.position)?;
        buffer.truncate(start + filled);
        Ok(())
    }
}

/// The owner behind [`LogSlice::bytes`].
struct MappedSlice {
    mapping: Arc<Mapping>,
    position: usize,
    len: usize,
}

impl AsRef<[u8]> for MappedSlice {
    fn as_ref(&self) -> &[u8] {
        self.mapping.bytes(self.position, self.len)
    }
}
