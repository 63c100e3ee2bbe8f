//! A batch on its way: records that are collected, then bytes that are sent, perhaps again.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use kafkalite_records::{BatchBuilder, BatchHeader, BatchOrigin, crc32c};
use tokio::time::Instant;

use super::compressors::Compressors;
use super::delivery::BatchOutcome;
use super::sequences::Stamp;
use super::split::{Slice, divide};
use crate::error::ClientError;

/// Orders the batches of a partition: by creation; the parts of one that was split by their first records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BatchPlace {
    /// Rises with creation.
    pub(super) batch: u64,
    pub(super) record: u32,
}

/// One batch of one partition.
#[derive(Debug)]
pub(super) struct OutgoingBatch {
    pub(super) place: BatchPlace,
    pub(super) outcome: Arc<BatchOutcome>,
    pub(super) records: u32,
    /// Bytes of `buffer.memory` that are given back when it is settled.
    pub(super) memory: usize,
    pub(super) created: Instant,
    pub(super) attempts: u32,
    pub(super) last_error: Option<ClientError>,
    pub(super) made: BatchKind,
    content: Content,
    stamp: Option<Stamp>,
}

/// Where a batch comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BatchKind {
    /// Records were collected for it.
    Collected,
    /// It is a message set, which is written as one batch or not at all.
    Set,
    /// It is part of one that was too large.
    Part,
}

#[derive(Debug)]
enum Content {
    Records(BatchBuilder),
    /// They are being compressed elsewhere.
    Away,
    Encoded(Bytes),
}

impl OutgoingBatch {
    pub(super) fn new(
        place: BatchPlace,
        outcome: Arc<BatchOutcome>,
        created: Instant,
        memory: usize,
        records: BatchBuilder,
    ) -> Self {
        Self {
            place,
            outcome,
            records: records.count() as u32,
            memory,
            created,
            attempts: 0,
            last_error: None,
            made: BatchKind::Collected,
            content: Content::Records(records),
            stamp: None,
        }
    }

    /// Whether it has its place in the partition's sequence, so may have reached the broker.
    pub(super) fn is_stamped(&self) -> bool {
        self.stamp.is_some()
    }

    /// An estimate of the bytes to send; exact once it is encoded.
    pub(super) fn size(&self) -> usize {
        match &self.content {
            Content::Records(builder) => builder.size(),
            Content::Away => 0,
            Content::Encoded(bytes) => bytes.len(),
        }
    }

    /// The bytes, under this stamp. A builder whose records were taken is returned, to be used again, if it is like others.
    pub(super) fn encode(
        &mut self,
        stamp: Option<Stamp>,
        compressors: &Compressors,
    ) -> (Bytes, Option<BatchBuilder>) {
        let (bytes, spare) =
            match std::mem::replace(&mut self.content, Content::Encoded(Bytes::new())) {
                Content::Records(mut builder) => {
                    let origin = stamp.map_or(BatchOrigin::ANONYMOUS, origin);
                    let bytes = compressors.build(&mut builder, origin);
                    // Those of sets and parts hold more, or less.
                    (
                        bytes,
                        (self.made == BatchKind::Collected).then_some(builder),
                    )
                }
                Content::Away => (Bytes::new(), None), // nobody sends it before they are back
                Content::Encoded(bytes) if stamp == self.stamp => (bytes, None),
                Content::Encoded(bytes) => (
                    restamped(bytes, stamp.map_or(BatchOrigin::ANONYMOUS, origin)),
                    None,
                ),
            };
        self.stamp = stamp;
        self.content = Content::Encoded(bytes.clone());
        (bytes, spare)
    }

    /// Hands out the records, if compressing them would hold others up. Those of parts stay: they have their stamps and their
    /// turns already, which neither a later batch that is away nor a new epoch may get between.
    pub(super) fn take_long(&mut self, compressors: &Compressors) -> Option<BatchBuilder> {
        if self.made == BatchKind::Part {
            return None;
        }
        match std::mem::replace(&mut self.content, Content::Away) {
            Content::Records(records) if compressors.takes_long(records.size()) => Some(records),
            other => {
                self.content = other;
                None
            }
        }
    }

    /// Takes what the records became. A builder that is like others is returned, to be used again.
    pub(super) fn give_back(&mut self, bytes: Bytes, spare: BatchBuilder) -> Option<BatchBuilder> {
        self.content = Content::Encoded(bytes);
        (self.made == BatchKind::Collected).then_some(spare)
    }

    /// The header, once it is encoded.
    pub(super) fn header(&self) -> Option<BatchHeader> {
        match &self.content {
            Content::Encoded(bytes) => BatchHeader::parse(bytes).ok(),
            _ => None,
        }
    }

    /// The stamp that it was last encoded with.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        self.stamp
    }

    /// Divides it, encoded and refused as too large, into batches that `largest` is asked the size of: given the bytes of this
    /// one before compression. They share its memory, its place and its sequence among them, and settle its deliveries.
    /// Nothing, if it is a set, has only one record, or cannot be read.
    pub(super) fn split(&self, largest: impl FnOnce(usize) -> usize) -> Vec<Self> {
        let Content::Encoded(bytes) = &self.content else {
            return Vec::new();
        };
        if self.made == BatchKind::Set || self.records < 2 {
            return Vec::new();
        }
        let slices = divide(bytes, largest).unwrap_or_default();
        if slices.len() < 2 {
            return Vec::new();
        }
        let outcomes = self.outcome.split(slices.iter().map(|slice| slice.first));
        let (count, mut memory) = (slices.len(), self.memory);
        let parts = slices.into_iter().zip(outcomes).enumerate();
        let part = |(number, (slice, outcome)): (usize, (Slice, Arc<BatchOutcome>))| {
            let place = BatchPlace {
                record: self.place.record + slice.first,
                ..self.place
            };
            let share = memory / (count - number);
            memory -= share;
            Self {
                attempts: self.attempts,
                last_error: self.last_error.clone(),
                made: BatchKind::Part,
                stamp: self.stamp.map(|stamp| stamp.behind(slice.first)),
                ..Self::new(place, outcome, self.created, share, slice.records)
            }
        };
        parts.map(part).collect()
    }

    /// Forgets the stamp of an epoch that is over; the next [`encode`](Self::encode) brings another.
    pub(super) fn restamp(&mut self, stamp: Stamp) {
        if let Content::Encoded(bytes) = &mut self.content {
            *bytes = restamped(std::mem::take(bytes), origin(stamp));
        }
        self.stamp = Some(stamp);
    }
}

fn origin(stamp: Stamp) -> BatchOrigin {
    BatchOrigin {
        producer_id: stamp.identity.id,
        producer_epoch: stamp.identity.epoch,
        base_sequence: stamp.base,
        transactional: false,
    }
}

/// The same batch from another origin, which takes a new checksum.
fn restamped(bytes: Bytes, origin: BatchOrigin) -> Bytes {
    let Ok(mut header) = BatchHeader::parse(&bytes) else {
        return bytes; // an empty batch is never sent
    };
    header.producer_id = origin.producer_id;
    header.producer_epoch = origin.producer_epoch;
    header.base_sequence = origin.base_sequence;
    // A connection that is closing may still hold the bytes; then they are copied.
    let mut bytes = bytes
        .try_into_mut()
        .unwrap_or_else(|shared| BytesMut::from(&shared[..]));
    bytes[..BatchHeader::LEN].copy_from_slice(&header.to_bytes());
    header.crc = crc32c(&bytes[CRC_FROM..]);
    bytes[..BatchHeader::LEN].copy_from_slice(&header.to_bytes());
    bytes.freeze()
}

/// Where the checksum's cover begins: at the attributes.
const CRC_FROM: usize = 21;

#[cfg(test)]
mod tests {
    use super::super::sequences::ProducerIdentity;
    use super::*;
    use kafkalite_records::{Compression, RecordBatch};

    #[test]
    fn large_parts_are_compressed_in_their_turn_under_their_share_of_the_sequence() {
        let mut builder = BatchBuilder::new(1 << 20);
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..100 {
            let value: Vec<u8> = std::iter::repeat_with(|| random.u8(..))
                .take(1000)
                .collect();
            assert!(builder.try_append(5, None, Some(&value), &[]));
        }
        let outcome = BatchOutcome::new("t".into(), 0, Arc::default());
        let place = BatchPlace {
            batch: 1,
            record: 0,
        };
        let compressors = Compressors::new(Compression::Lz4, None).unwrap();
        let mut whole = OutgoingBatch::new(place, outcome, Instant::now(), 10, builder);
        let mut records = whole.take_long(&compressors).unwrap();
        let bytes = compressors.build(&mut records, BatchOrigin::ANONYMOUS);
        whole.give_back(bytes, records);
        let stamp = Stamp {
            identity: ProducerIdentity { id: 7, epoch: 0 },
            base: 40,
        };
        whole.encode(Some(stamp), &compressors);
        let mut next = 40;
        for mut part in whole.split(|bytes| bytes / 3 * 2) {
            assert!(compressors.takes_long(part.size()));
            assert!(part.take_long(&compressors).is_none());
            let (bytes, _) = part.encode(part.stamp(), &compressors);
            let parsed = RecordBatch::parse(&bytes).unwrap();
            let header = parsed.header();
            assert_eq!((header.producer_id, header.base_sequence), (7, next));
            next += part.records as i32;
        }
        assert_eq!(next, 140);
    }

    #[test]
    fn a_new_epoch_changes_the_stamp_and_nothing_else() {
        let mut builder = BatchBuilder::new(1000);
        assert!(builder.try_append(5, Some(b"k"), Some(b"v"), &[]));
        let outcome = BatchOutcome::new("t".into(), 0, Arc::default());
        let place = BatchPlace {
            batch: 1,
            record: 0,
        };
        let mut batch = OutgoingBatch::new(place, outcome, Instant::now(), 10, builder);
        let compressors = Compressors::new(Compression::None, None).unwrap();
        let stamp = |epoch, base| Stamp {
            identity: ProducerIdentity { id: 7, epoch },
            base,
        };
        let (first, spare) = batch.encode(Some(stamp(0, 40)), &compressors);
        assert!(spare.is_some());
        batch.restamp(stamp(1, 0));
        let (second, _) = batch.encode(Some(stamp(1, 0)), &compressors);
        for (bytes, epoch, base) in [(&first, 0, 40), (&second, 1, 0)] {
            let parsed = RecordBatch::parse(bytes).unwrap();
            parsed.verify_crc().unwrap();
            let header = parsed.header();
            assert_eq!(
                (
                    header.producer_id,
                    header.producer_epoch,
                    header.base_sequence
                ),
                (7, epoch, base)
            );
        }
        assert_eq!(first[BatchHeader::LEN..], second[BatchHeader::LEN..]);
    }
}
