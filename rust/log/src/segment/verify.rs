//! The checksum of a stored batch, computed in pieces: a length that lies must not make recovery allocate it.

use crc_fast::{CrcAlgorithm, Digest};

use super::file::SegmentFile;
use super::scan::Found;
use crate::Result;

/// Where the cover of format 2's checksum begins: at the attributes.
const COVERED_FROM: u64 = 21;
const PIECE: usize = 256 * 1024;
/// Where the checksum of formats 0 and 1 stands, right before what it covers.
const LEGACY_CRC_AT: u64 = 12;

/// Checks batches of one file, reusing its buffer.
pub(crate) struct Verifier<'a> {
    file: &'a SegmentFile,
    buffer: Vec<u8>,
}

impl<'a> Verifier<'a> {
    pub(crate) fn new(file: &'a SegmentFile) -> Verifier<'a> {
        Verifier {
            file,
            buffer: vec![0; PIECE],
        }
    }

    /// Whether the batch's bytes are those its checksum was made of.
    pub(crate) fn holds(&mut self, found: &Found) -> Result<bool> {
        let end = found.position + found.head.len;
        if let Some(header) = &found.head.v2 {
            let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
            let covered = found.position + COVERED_FROM;
            let whole = self.pieces(covered, end, |piece| digest.update(piece))?;
            return Ok(whole && digest.finalize() as u32 == header.crc);
        }
        let mut stored = [0; 4];
        self.file
            .read_at(&mut stored, found.position + LEGACY_CRC_AT)?;
        let mut hasher = crc32fast::Hasher::new();
        let whole = self.pieces(found.position + LEGACY_CRC_AT + 4, end, |piece| {
            hasher.update(piece);
        })?;
        Ok(whole && hasher.finalize() == u32::from_be_bytes(stored))
    }

    /// Hands out the bytes between two positions; `false` if the file ends before.
    fn pieces(&mut self, mut position: u64, end: u64, mut each: impl FnMut(&[u8])) -> Result<bool> {
        while position < end {
            let want = ((end - position) as usize).min(PIECE);
            let filled = self.file.read_at(&mut self.buffer[..want], position)?;
            if filled == 0 {
                return Ok(false);
            }
            each(&self.buffer[..filled]);
            position += filled as u64;
        }
        Ok(true)
    }
}
