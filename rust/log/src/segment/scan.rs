//! Walking the batches of a segment file by their heads, without reading what is in them.

use kafkalite_records::RecordsError;

use super::file::SegmentFile;
use super::head::Head;
use crate::Result;

/// One step of a [`Scan`].
#[derive(Debug)]
pub(crate) struct Found {
    /// Where in the file the batch starts.
    pub(crate) position: u64,
    pub(crate) head: Head,
}

/// Heads of the batches from a position on, up to a limit at the end of a batch.
///
/// Reads ahead in pieces: between two index entries lie about 4 KiB, so one read finds most offsets.
pub(crate) struct Scan<'a> {
    file: &'a SegmentFile,
    position: u64,
    limit: u64,
    buffer: Vec<u8>,
    /// Position in the file of the buffer's first byte.
    buffered_at: u64,
}

impl<'a> Scan<'a> {
    const READ_AHEAD: usize = 8 * 1024;

    /// Starts at `position`, where a batch starts.
    pub(crate) fn new(file: &'a SegmentFile, position: u64, limit: u64) -> Scan<'a> {
        Scan {
            file,
            position,
            limit,
            buffer: Vec::new(),
            buffered_at: 0,
        }
    }

    /// The next batch. `None` at the limit. The inner error says that there is no sound batch here, which after a crash
    /// means "cut here".
    pub(crate) fn next(&mut self) -> Result<Option<Result<Found, RecordsError>>> {
        if self.position >= self.limit {
            return Ok(None);
        }
        let position = self.position;
        let rest = (self.limit - position) as usize;
        let parsed = Head::parse(self.bytes(rest.min(Head::LEN))?);
        let head = match parsed {
            Ok(head) if head.len > rest as u64 => {
                let needed = head.len as usize;
                return Ok(Some(Err(RecordsError::Incomplete { needed, have: rest })));
            }
            Ok(head) => head,
            Err(error) => return Ok(Some(Err(error))),
        };
        self.position += head.len;
        Ok(Some(Ok(Found { position, head })))
    }

    /// The first batch from here on that `wanted` accepts; `None` when there is none, or no sound one before it.
    pub(crate) fn find(&mut self, wanted: impl Fn(&Head) -> bool) -> Result<Option<Found>> {
        while let Some(Ok(found)) = self.next()? {
            if wanted(&found.head) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The `len` bytes at the current position.
    fn bytes(&mut self, len: usize) -> Result<&[u8]> {
        let skip = self.position.wrapping_sub(self.buffered_at) as usize;
        let buffered =
            self.position >= self.buffered_at && skip.saturating_add(len) <= self.buffer.len();
        if buffered {
            return Ok(&self.buffer[skip..skip + len]);
        }
        let want = ((self.limit - self.position) as usize).min(Scan::READ_AHEAD);
        self.buffer.resize(want, 0);
        let filled = self.file.read_at(&mut self.buffer, self.position)?;
        self.buffer.truncate(filled);
        self.buffered_at = self.position;
        Ok(&self.buffer[..len.min(filled)])
    }
}
