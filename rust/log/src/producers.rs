//! Who has written what lately: the state that makes an idempotent producer's retries harmless (KIP-98).
//!
//! Deciding only; its files are in [`snapshot`]. For every producer id the last five batches are remembered, as many as a
//! client may have in flight. A batch that is one of them was written before: the answer is its earlier offsets. Any other
//! must follow on the last sequence number.

mod entry;
pub mod snapshot;

use std::collections::{BTreeMap, BTreeSet};

pub use entry::{BatchMetadata, ProducerEntry, REMEMBERED_BATCHES, add_to_sequence};

use crate::{LogError, Result};

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
    /// Whether what the transaction wrote counts for nothing.
    pub aborted: bool,
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

    fn put(&mut self, id: i64, entry: ProducerEntry) {
        match self.0.iter_mut().find(|(staged, _)| *staged == id) {
            Some((_, staged)) => *staged = entry,
            None => self.0.push((id, entry)),
        }
    }
}

/// All producers of one partition. Not shared: the log keeps it under the lock that orders its appends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Producers {
    entries: BTreeMap<i64, ProducerEntry>,
    /// The open transactions: first offset and producer.
    open: BTreeSet<(i64, i64)>,
}

impl Producers {
    /// Judges a batch as if what is `staged` were written already, and stages it.
    ///
    /// Refused are: a gap or a forgotten duplicate ([`LogError::OutOfOrderSequence`]), a client that hides its sequence
    /// ([`LogError::InvalidRecord`]), an older epoch ([`LogError::ProducerFenced`]), a plain batch inside of a transaction
    /// ([`LogError::OutsideOfTransaction`]). After an error or a duplicate the whole append is off: [`Staged::clear`].
    pub fn admit(
        &self,
        staged: &mut Staged,
        origin: Origin,
        batch: &ProducerBatch,
    ) -> Result<Admission> {
        let id = batch.producer_id;
        let current = self.current(staged, id);

        if origin == Origin::Client {
            if batch.base_sequence < 0 {
                let reason = format!(
                    "producer {id} sent {} as a sequence number",
                    batch.base_sequence
                );
                return Err(LogError::invalid(reason));
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
        staged.put(id, next);
        Ok(Admission::New)
    }

    /// Judges a marker as if what is `staged` were written already, and stages the end of the transaction. Answers the
    /// first offset of it in this partition (nothing if it wrote nothing here).
    ///
    /// Refused are: an older epoch of the producer ([`LogError::ProducerFenced`]) or of the transaction coordinator
    /// ([`LogError::CoordinatorFenced`]).
    pub fn admit_end(
        &self,
        staged: &mut Staged,
        origin: Origin,
        end: &TransactionEnd,
    ) -> Result<Option<i64>> {
        let id = end.producer_id;
        let mut next = self.current(staged, id).copied().unwrap_or_default();
        check_epoch(origin, &next, id, end.producer_epoch)?;
        if origin != Origin::Replica && next.coordinator_epoch > end.coordinator_epoch {
            return Err(LogError::CoordinatorFenced {
                producer_id: id,
                epoch: end.coordinator_epoch,
                current: next.coordinator_epoch,
            });
        }
        let first_offset = next.end_transaction(end);
        staged.put(id, next);
        Ok(first_offset)
    }

    fn current<'a>(&'a self, staged: &'a Staged, id: i64) -> Option<&'a ProducerEntry> {
        let staged = staged.0.iter().find(|(staged_id, _)| *staged_id == id);
        staged.map_or_else(|| self.entries.get(&id), |(_, entry)| Some(entry))
    }

    /// The staged batches are in the log now.
    pub fn commit(&mut self, staged: &mut Staged) {
        for (id, entry) in staged.0.drain(..) {
            self.put(id, entry);
        }
    }

    fn put(&mut self, id: i64, entry: ProducerEntry) {
        let earlier = self.entries.insert(id, entry);
        if let Some(start) = earlier.and_then(|earlier| earlier.transaction_start) {
            self.open.remove(&(start, id));
        }
        self.open
            .extend(entry.transaction_start.map(|start| (start, id)));
    }

    /// Takes note of a batch that is in the log already: recovery, after a snapshot was loaded.
    pub fn replay(&mut self, batch: &ProducerBatch) {
        let mut staged = Staged::default();
        // What a log holds was accepted once. A batch that contradicts the state all the same comes from a snapshot that
        // lags behind it; the log is the truth, so the state is made anew from it.
        if self.admit(&mut staged, Origin::Replica, batch).is_err() {
            self.put(batch.producer_id, ProducerEntry::default());
            staged.clear();
            let _ = self.admit(&mut staged, Origin::Replica, batch);
        }
        self.commit(&mut staged);
    }

    /// Takes note of a marker that is in the log already, as [`replay`](Self::replay) does of a batch. Answers the first
    /// offset of the transaction in this partition.
    pub fn replay_end(&mut self, end: &TransactionEnd) -> Option<i64> {
        let mut entry = self
            .entries
            .get(&end.producer_id)
            .copied()
            .unwrap_or_default();
        let first_offset = entry.end_transaction(end);
        self.put(end.producer_id, entry);
        first_offset
    }

    /// Forgets the producers that have not written for `expiration_ms` (Kafka's `producer.id.expiration.ms`), except those
    /// with an open transaction. `now_ms` is compared with the batches' timestamps.
    pub fn expire(&mut self, now_ms: i64, expiration_ms: i64) {
        self.entries
            .retain(|_, entry| !entry.has_expired(now_ms, expiration_ms));
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
        self.open.first().map(|(start, _)| *start)
    }
}

impl FromIterator<(i64, ProducerEntry)> for Producers {
    fn from_iter<T: IntoIterator<Item = (i64, ProducerEntry)>>(entries: T) -> Self {
        let mut producers = Self::default();
        for (id, entry) in entries {
            producers.put(id, entry);
        }
        producers
    }
}

fn check_epoch(origin: Origin, entry: &ProducerEntry, producer_id: i64, epoch: i16) -> Result<()> {
    if origin != Origin::Replica && epoch < entry.epoch {
        return Err(LogError::ProducerFenced {
            producer_id,
            epoch,
            current: entry.epoch,
        });
    }
    Ok(())
}

/// A producer id that we know nothing of may start anywhere: retention may have removed its past, and the producer cannot
/// know (KIP-360). One that we know goes on where it was; in a new epoch it starts at 0.
fn check_sequence(entry: &ProducerEntry, batch: &ProducerBatch) -> Result<()> {
    let expected = match entry.epoch {
        NO_PRODUCER_EPOCH => return Ok(()),
        epoch if epoch == batch.producer_epoch => entry.next_sequence(),
        _ => 0,
    };
    if batch.base_sequence == expected {
        return Ok(());
    }
    Err(LogError::OutOfOrderSequence {
        producer_id: batch.producer_id,
        sequence: batch.base_sequence,
        expected,
    })
}
