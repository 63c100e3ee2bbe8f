//! What a read returns: a view of a segment's file. No byte is touched until somebody wants it.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use bytes::Bytes;

use crate::segment::{AbortedTransaction, Mapping, SegmentFile};
use crate::{LogError, Result};

/// Contiguous bytes of one segment, starting with a whole batch (unless empty) and possibly ending in the middle of one,
/// as Kafka's fetch answers do.
///
/// Unless it is empty it holds the file open: it stays readable when retention unlinks the segment meanwhile.
#[derive(Clone, Debug)]
pub struct LogSlice {
    segment: Arc<SegmentFile>,
    /// Opened when there is something to read.
    file: Option<Arc<File>>,
    position: u64,
    len: usize,
    next_offset: i64,
    aborted: Vec<AbortedTransaction>,
}

impl LogSlice {
    pub(crate) fn new(
        segment: Arc<SegmentFile>,
        position: u64,
        len: usize,
        next_offset: i64,
    ) -> Result<LogSlice> {
        let file = if len > 0 { Some(segment.file()?) } else { None };
        Ok(LogSlice {
            segment,
            file,
            position,
            len,
            next_offset,
            aborted: Vec::new(),
        })
    }

    pub(crate) fn with_aborted(mut self, aborted: Vec<AbortedTransaction>) -> LogSlice {
        self.aborted = aborted;
        self
    }

    /// The aborted transactions that may have records in the slice, where it was read up to
    /// [`LastStableOffset`](crate::ReadUpTo::LastStableOffset): from its first offset on what the producer wrote counts for
    /// nothing, until its next marker.
    pub fn aborted(&self) -> &[AbortedTransaction] {
        &self.aborted
    }

    /// The segment that it is of.
    pub fn segment(&self) -> &Arc<SegmentFile> {
        &self.segment
    }

    /// The open file, for `sendfile`; none if the slice is empty.
    pub fn file(&self) -> Option<&Arc<File>> {
        self.file.as_ref()
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

    /// The bytes, zero-copy: a view of the mapped file, which keeps the mapping alive. Where the system gives no more
    /// mappings they are read.
    ///
    /// A device that fails under a mapping kills the process; who cannot afford that calls [`read_into`](Self::read_into).
    pub fn bytes(&self) -> Result<Bytes> {
        let Some(file) = &self.file else {
            return Ok(Bytes::new());
        };
        match self.segment.map(file, self.position + self.len as u64) {
            Ok(mapping) => Ok(Bytes::from_owner(MappedSlice {
                mapping,
                position: self.position as usize,
                len: self.len,
            })),
            Err(_refused) => {
                let mut bytes = Vec::new();
                self.read_into(&mut bytes)?;
                Ok(bytes.into())
            }
        }
    }

    /// Copies the bytes to the end of `buffer`.
    pub fn read_into(&self, buffer: &mut Vec<u8>) -> Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let start = buffer.len();
        buffer.resize(start + self.len, 0);
        file.read_exact_at(&mut buffer[start..], self.position)
            .map_err(LogError::io("read", self.segment.path()))
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
