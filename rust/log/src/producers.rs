//! Who has written what lately: the state that makes an idempotent producer's retries harmless (KIP-98).
//!
//! Deciding only; its files are in [`snapshot`]. For every producer id the last five batches are remembered, as many as a
//! client may have in flight. A batch that is one of them was written before: the answer is its earlier offsets. Any other
//! must follow on the last sequence number.

mod entry;
pub mod snapshot;

use std::collections::BTreeMap;

pub use entry::{BatchMetadata, ProducerEntry, REMEMBERED_BATCHES, add_to_sequence};

use crate::producers::entry::follows;

/// "No sequence number": batches of internal writers carry it.
pub const NO_SEQUENCE: i32 = -1;
/// "No producer epoch": nothing has been written by this producer.
pub const NO_PRODUCER_EPOCH: i16 = -1;

/// Who hands a batch to the log, and so how much of it is still to be proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A client's produce request: epoch and sequence are checked, duplicates found.
    Client,
    /// The broker itself (committed offsets, transaction markers): no sequence numbers, but the epoch is checked.
    Coordinator,
    /// A batch that some log has accepted before (from a leader, or found at recovery): recorded, not questioned.
    Replica,
}

/// What the rules need to know of one batch with a producer id; its offset is the one that it gets in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerBatch {
    /// Not negative: batches without a producer id are none of our business.
    pub producer_id: i64,
    /// Fences older instances of the same producer.
    pub producer_epoch: i16,
    /// Of the first record, or [`NO_SEQUENCE`].
    pub base_sequence: i32,
    /// The offset of the first record.
    pub base_offset: i64,
    /// Last offset minus first; also last sequence minus first.
    pub last_offset_delta: i32,
    /// Milliseconds since 1970, the largest in the batch.
    pub max_timestamp: i64,
    /// Part of a transaction.
    pub transactional: bool,
}

/// A control batch that ends a producer's transaction in this partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionEnd {
    /// Whose transaction.
    pub producer_id: i64,
    /// The producer's epoch at the end; may be newer than that of its data.
    pub producer_epoch: i16,
    /// Fences older transaction coordinators.
    pub coordinator_epoch: i32,
    /// Milliseconds since 1970.
    pub timestamp: i64,
}

/// Why a batch must not be written. Nothing has changed when one of these comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProducerError {
    /// Something before this batch is missing, or it is a duplicate too old to be remembered. Answer
    /// `OUT_OF_ORDER_SEQUENCE_NUMBER`; the client decides whether its earlier batch was lost.
    #[error(
        "producer {producer_id}: sequence {sequence} does not follow {last_sequence} (epoch {producer_epoch})"
    )]
    OutOfOrderSequence {
        /// The producer.
        producer_id: i64,
        /// The epoch of the batch.
        producer_epoch: i16,
        /// The first sequence of the batch.
        sequence: i32,
        /// The last one accepted in that epoch, -1 if none.
        last_sequence: i32,
    },
    /// A newer instance of this producer has written since. Answer `INVALID_PRODUCER_EPOCH`.
    #[error(
        "producer {producer_id}: epoch {producer_epoch} is older than {current_epoch}, which has written since"
    )]
    InvalidProducerEpoch {
        /// The producer.
        producer_id: i64,
        /// The epoch of the batch.
        producer_epoch: i16,
        /// The newest that this partition has seen.
        current_epoch: i16,
    },
    /// A client's batch has a producer id but no valid sequence number. Answer `INVALID_RECORD`.
    #[error("producer {producer_id}: sequence {sequence} is not a sequence number")]
    InvalidSequence {
        /// The producer.
        producer_id: i64,
        /// What stands in the batch.
        sequence: i32,
    },
    /// A batch outside a transaction while the producer's transaction is open here. Answer `INVALID_TXN_STATE`.
    #[error(
        "producer {producer_id} writes outside of the transaction that it has open since offset {open_since}"
    )]
    OutsideOfTransaction {
        /// The producer.
        producer_id: i64,
        /// First offset of its open transaction.
        open_since: i64,
    },
    /// An older transaction coordinator ends a transaction. Answer `TRANSACTION_COORDINATOR_FENCED`.
    #[error(
        "producer {producer_id}: coordinator epoch {coordinator_epoch} is older than {current_epoch}"
    )]
    CoordinatorFenced {
        /// The producer.
        producer_id: i64,
        /// The epoch of the marker.
        coordinator_epoch: i32,
        /// The newest seen.
        current_epoch: i32,
    },
}

/// What [`Producers::admit`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Not seen before and in order: write it, then [`Producers::commit`].
    New,
    /// Already in the log, there: write nothing of this append, answer with these offsets.
    Duplicate(BatchMetadata),
}

/// The changes that an append will make if its bytes reach the log. Reusable: [`Producers::commit`] empties it.
#[derive(Debug, Default)]
pub struct Staged(Vec<(i64, ProducerEntry)>);

impl Staged {
    /// Forgets an append that did not happen.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// All producers of one partition. Not shared: the log keeps it under the lock that orders its appends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Producers {
    entries: BTreeMap<i64, ProducerEntry>,
}

impl Producers {
    /// Judges a batch as if what is `staged` were written already, and stages it.
    ///
    /// After an error or a duplicate the whole append is off: [`Staged::clear`].
    pub fn admit(
        &self,
        staged: &mut Staged,
        origin: Origin,
        batch: &ProducerBatch,
    ) -> Result<Admission, ProducerError> {
        let id = batch.producer_id;
        let known = staged.0.iter().position(|(staged_id, _)| *staged_id == id);
        let current = known.map_or_else(|| self.entries.get(&id), |at| Some(&staged.0[at].1));

        if origin == Origin::Client {
            if batch.base_sequence < 0 {
                return Err(ProducerError::InvalidSequence {
                    producer_id: id,
                    sequence: batch.base_sequence,
                });
            }
            if let Some(earlier) = current.and_then(|entry| entry.duplicate_of(batch)) {
                return Ok(Admission::Duplicate(earlier));
            }
        }
        if let Some(entry) = current {
            check_epoch(origin, entry, id, batch.producer_epoch)?;
            if origin == Origin::Client {
                check_sequence(entry, batch)?;
            }
        }
        let mut next = current.copied().unwrap_or_default();
        next.record(batch)?;
        match known {
            Some(at) => staged.0[at].1 = next,
            None => staged.0.push((id, next)),
        }
        Ok(Admission::New)
    }

    /// The staged batches are in the log now.
    pub fn commit(&mut self, staged: &mut Staged) {
        self.entries.extend(staged.0.drain(..));
    }

    /// Takes note of a batch that is in the log already: recovery, after a snapshot was loaded.
    pub fn replay(&mut self, batch: &ProducerBatch) {
        let mut staged = Staged::default();
        // What a log holds was accepted once. A batch that contradicts the state all the same comes from a snapshot that
        // lags behind it; the log is the truth, so the state is made anew from it.
        if self.admit(&mut staged, Origin::Replica, batch).is_err() {
            self.entries.remove(&batch.producer_id);
            staged.clear();
            let _ = self.admit(&mut staged, Origin::Replica, batch);
        }
        self.commit(&mut staged);
    }

    /// Ends a transaction, and answers the first offset of it in this partition (nothing if it wrote nothing here).
    pub fn end_transaction(
        &mut self,
        origin: Origin,
        end: &TransactionEnd,
    ) -> Result<Option<i64>, ProducerError> {
        let entry = self.entries.entry(end.producer_id).or_default();
        check_epoch(origin, entry, end.producer_id, end.producer_epoch)?;
        if origin != Origin::Replica && entry.coordinator_epoch > end.coordinator_epoch {
            return Err(ProducerError::CoordinatorFenced {
                producer_id: end.producer_id,
                coordinator_epoch: end.coordinator_epoch,
                current_epoch: entry.coordinator_epoch,
            });
        }
        Ok(entry.end_transaction(end))
    }

    /// Forgets the producers that have not written for `expiration_ms` (Kafka's `producer.id.expiration.ms`), except those
    /// with an open transaction. `now_ms` is compared with the batches' timestamps.
    pub fn expire(&mut self, now_ms: i64, expiration_ms: i64) {
        self.entries
            .retain(|_, entry| !entry.has_expired(now_ms, expiration_ms));
    }

    /// Forgets everyone: the log starts anew.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// The state of one producer.
    pub fn entry(&self, producer_id: i64) -> Option<&ProducerEntry> {
        self.entries.get(&producer_id)
    }

    /// All producers, by id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (i64, &ProducerEntry)> {
        self.entries.iter().map(|(id, entry)| (*id, entry))
    }

    /// The first offset of the oldest open transaction: nothing from there on is stable (KIP-98).
    pub fn first_open_transaction(&self) -> Option<i64> {
        self.entries
            .values()
            .filter_map(|entry| entry.transaction_start)
            .min()
    }
}

impl FromIterator<(i64, ProducerEntry)> for Producers {
    fn from_iter<T: IntoIterator<Item = (i64, ProducerEntry)>>(entries: T) -> Self {
        Self {
            entries: entries.into_iter().collect(),
        }
    }
}

fn check_epoch(
    origin: Origin,
    entry: &ProducerEntry,
    producer_id: i64,
    epoch: i16,
) -> Result<(), ProducerError> {
    if origin != Origin::Replica && epoch < entry.epoch {
        return Err(ProducerError::InvalidProducerEpoch {
            producer_id,
            producer_epoch: epoch,
            current_epoch: entry.epoch,
        });
    }
    Ok(())
}

/// A producer id that we know nothing of may start anywhere: retention may have removed its past, and the producer cannot
/// know (KIP-360). One that we know goes on where it was; in a new epoch it starts at 0.
fn check_sequence(entry: &ProducerEntry, batch: &ProducerBatch) -> Result<(), ProducerError> {
    let in_order = if entry.epoch == NO_PRODUCER_EPOCH {
        true
    } else if entry.epoch == batch.producer_epoch {
        follows(entry.last_sequence(), batch.base_sequence)
    } else {
        batch.base_sequence == 0
    };
    if in_order {
        return Ok(());
    }
    Err(ProducerError::OutOfOrderSequence {
        producer_id: batch.producer_id,
        producer_epoch: batch.producer_epoch,
        sequence: batch.base_sequence,
        last_sequence: if entry.epoch == batch.producer_epoch {
            entry.last_sequence()
        } else {
            NO_SEQUENCE
        },
    })
}
