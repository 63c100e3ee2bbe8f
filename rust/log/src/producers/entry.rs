//! One producer's recent past in one partition.

use super::{NO_PRODUCER_EPOCH, NO_SEQUENCE, ProducerBatch, TransactionEnd};
use crate::{LogError, Result};

/// How many batches are remembered: a client may have this many in flight (`max.in.flight.requests.per.connection`).
pub const REMEMBERED_BATCHES: usize = 5;

/// Where a batch of a producer went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchMetadata {
    /// Sequence of the last record, or -1.
    pub last_sequence: i32,
    /// Offset of the last record.
    pub last_offset: i64,
    /// Last offset minus first, and last sequence minus first. Not negative.
    pub offset_delta: i32,
    /// Milliseconds since 1970, the largest in the batch.
    pub timestamp: i64,
}

impl BatchMetadata {
    /// Offset of the first record.
    pub fn first_offset(&self) -> i64 {
        self.last_offset - i64::from(self.offset_delta)
    }

    /// Sequence of the first record, or -1.
    pub fn first_sequence(&self) -> i32 {
        if self.last_sequence < 0 {
            NO_SEQUENCE
        } else {
            wrap(self.last_sequence.wrapping_sub(self.offset_delta))
        }
    }
}

/// State of one producer id. `Default` is that of one which has never written here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerEntry {
    /// Newest epoch seen, [`NO_PRODUCER_EPOCH`] before any.
    pub epoch: i16,
    /// Newest epoch of a transaction coordinator that ended one of its transactions, -1 before any.
    pub coordinator_epoch: i32,
    /// Milliseconds since 1970, of what it wrote last; -1 before anything.
    pub last_timestamp: i64,
    /// First offset of its open transaction.
    pub transaction_start: Option<i64>,
    /// The first `remembered` are valid, oldest first.
    batches: [BatchMetadata; REMEMBERED_BATCHES],
    remembered: u8,
}

impl Default for ProducerEntry {
    fn default() -> Self {
        Self {
            epoch: NO_PRODUCER_EPOCH,
            coordinator_epoch: -1,
            last_timestamp: -1,
            transaction_start: None,
            batches: [BatchMetadata::default(); REMEMBERED_BATCHES],
            remembered: 0,
        }
    }
}

impl ProducerEntry {
    /// The remembered batches of the current epoch, oldest first.
    pub fn batches(&self) -> &[BatchMetadata] {
        &self.batches[..usize::from(self.remembered)]
    }

    /// The last batch written in the current epoch.
    pub fn last_batch(&self) -> Option<&BatchMetadata> {
        self.batches().last()
    }

    /// Sequence of the last record written in the current epoch, -1 if none was.
    pub fn last_sequence(&self) -> i32 {
        self.last_batch()
            .map_or(NO_SEQUENCE, |batch| batch.last_sequence)
    }

    /// The sequence that the next batch of the current epoch must begin with.
    pub fn next_sequence(&self) -> i32 {
        wrap(self.last_sequence().wrapping_add(1))
    }

    /// The remembered batch with exactly this range of sequences.
    pub(super) fn duplicate_of(&self, batch: &ProducerBatch) -> Option<BatchMetadata> {
        let last_sequence = add_to_sequence(batch.base_sequence, batch.last_offset_delta);
        let same = |earlier: &&BatchMetadata| {
            earlier.last_sequence == last_sequence
                && earlier.first_sequence() == batch.base_sequence
        };
        (self.epoch == batch.producer_epoch)
            .then(|| self.batches().iter().find(same).copied())
            .flatten()
    }

    /// Takes note of a batch that goes to the log.
    pub(super) fn record(&mut self, batch: &ProducerBatch) -> Result<()> {
        match (self.transaction_start, batch.transactional) {
            (Some(open_since), false) => {
                return Err(LogError::OutsideOfTransaction {
                    producer_id: batch.producer_id,
                    open_since,
                });
            }
            (None, true) => self.transaction_start = Some(batch.base_offset),
            _ => {}
        }
        self.enter_epoch(batch.producer_epoch);
        self.remember(BatchMetadata {
            last_sequence: add_to_sequence(batch.base_sequence, batch.last_offset_delta),
            last_offset: batch.base_offset + i64::from(batch.last_offset_delta),
            offset_delta: batch.last_offset_delta,
            timestamp: batch.max_timestamp,
        });
        self.last_timestamp = batch.max_timestamp;
        Ok(())
    }

    pub(super) fn remember(&mut self, batch: BatchMetadata) {
        if usize::from(self.remembered) == REMEMBERED_BATCHES {
            self.batches.rotate_left(1);
            self.remembered -= 1;
        }
        self.batches[usize::from(self.remembered)] = batch;
        self.remembered += 1;
    }

    pub(super) fn end_transaction(&mut self, end: &TransactionEnd) -> Option<i64> {
        self.enter_epoch(end.producer_epoch);
        self.coordinator_epoch = end.coordinator_epoch;
        self.last_timestamp = end.timestamp;
        self.transaction_start.take()
    }

    pub(super) fn has_expired(&self, now_ms: i64, expiration_ms: i64) -> bool {
        self.transaction_start.is_none()
            && now_ms.saturating_sub(self.last_timestamp) >= expiration_ms
    }

    /// Batches of another epoch are never duplicates of this one's.
    fn enter_epoch(&mut self, epoch: i16) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.remembered = 0;
        }
    }
}

/// The sequence `delta` records after `sequence`. After `i32::MAX` comes 0; "none" stays "none".
pub fn add_to_sequence(sequence: i32, delta: i32) -> i32 {
    if sequence < 0 {
        NO_SEQUENCE
    } else {
        wrap(sequence.wrapping_add(delta))
    }
}

/// Sequences count modulo 2^31, which divides the 2^32 of wrapping arithmetic.
fn wrap(sequence: i32) -> i32 {
    sequence & i32::MAX
}
