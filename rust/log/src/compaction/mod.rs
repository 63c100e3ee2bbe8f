//! Compaction: of each key only the latest record stays. It runs beside appends and reads, and none of them waits for it.
//!
//! What it may touch is decided in [`plan`], what becomes of records in [`cleaning`]; which files change their names when
//! is the business of [`Log::compact`](crate::Log::compact). It has no thread and no clock: the caller says what time it
//! is, and is asked after every piece of I/O whether to go on ([`Pace`]).
//!
//! Offsets never change. A batch that loses records keeps its first and last offset. Two kinds stay although they have no
//! records left: the last batch of an idempotent producer that is still known, and the last of all that was compacted, which
//! leads readers to the end. A segment that loses everything stays as an empty file, until it is joined with others. A tombstone (a record without a value) stays for `delete.retention.ms`
//! after the first compaction that saw it, which is when its batch gets a delete horizon (KIP-534).
//!
//! Of transactions, which only Apache Kafka writes so far, nothing is judged: their records supersede
//! nothing and are superseded by later ones outside of transactions, their markers stay. So what was aborted stays aborted.
//! Batches in the formats of before 2017 make a log uncleanable.

mod cleaning;
mod offset_map;
pub(crate) mod plan;
mod reading;
mod replacement;

use std::path::Path;

use kafkalite_records::{BatchFilter, Decompressor};

pub(crate) use cleaning::CleaningRules;
pub use plan::Cleanable;
pub(crate) use replacement::Replacement;

use crate::{LogError, Result};

/// How much memory a compaction may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompactorSettings {
    /// `log.cleaner.dedupe.buffer.size`: bytes for keys, 24 each. What does not fit is compacted by the next compaction.
    pub dedupe_buffer_bytes: u64,
    /// `log.cleaner.io.buffer.load.factor`, in 1/1000: how much of that is used before it counts as full.
    pub load_per_mille: u16,
    /// `log.cleaner.io.buffer.size`: bytes for reading and for writing, half for each.
    pub io_buffer_bytes: usize,
}

impl Default for CompactorSettings {
    /// Apache Kafka's defaults.
    fn default() -> CompactorSettings {
        CompactorSettings {
            dedupe_buffer_bytes: 128 << 20,
            load_per_mille: 900,
            io_buffer_bytes: 512 << 10,
        }
    }
}

impl CompactorSettings {
    fn piece_bytes(&self) -> usize {
        (self.io_buffer_bytes / 2).max(4096)
    }
}

/// The buffers of compaction. One compaction at a time; between two it holds what the largest batch took.
#[derive(Debug)]
pub struct Compactor {
    settings: CompactorSettings,
    filter: BatchFilter,
    decompressor: Decompressor,
    buffer: Vec<u8>,
}

impl Compactor {
    /// One that has no buffers yet.
    pub fn new(settings: CompactorSettings) -> Compactor {
        Compactor {
            settings,
            filter: BatchFilter::new(),
            decompressor: Decompressor::new(),
            buffer: Vec::new(),
        }
    }
}

/// What a compaction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// The next compaction begins here: every key before this offset was compared with all that came after it.
    pub first_dirty: i64,
    /// Segments that were read.
    pub segments_before: usize,
    /// Segments in their place.
    pub segments_after: usize,
    /// Bytes of the segments that were read.
    pub bytes_before: u64,
    /// Bytes in their place.
    pub bytes_after: u64,
    /// Records that were read.
    pub records_before: u64,
    /// Records in their place.
    pub records_after: u64,
    /// Different keys in what was new.
    pub keys: usize,
}

impl Compacted {
    fn add(&mut self, round: &Compacted) {
        self.segments_before += round.segments_before;
        self.segments_after += 1;
        self.bytes_before += round.bytes_before;
        self.bytes_after += round.bytes_after;
        self.records_before += round.records_before;
        self.records_after += round.records_after;
    }
}

/// A compaction's way to ask.
pub(crate) struct Pace<'a> {
    pub(crate) dir: &'a Path,
    /// Is told how many bytes were read or written, and may take its time to answer.
    pub(crate) go_on: &'a mut dyn FnMut(u64) -> bool,
}

impl Pace<'_> {
    /// [`LogError::CompactionStopped`] if the answer is no.
    pub(crate) fn moved(&mut self, bytes: usize) -> Result<()> {
        if (self.go_on)(bytes as u64) {
            return Ok(());
        }
        Err(LogError::CompactionStopped {
            path: self.dir.to_owned(),
        })
    }
}
