//! A batch on its way: records that are collected, then bytes that are sent, perhaps again.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use kafkalite_records::{BatchBuilder, BatchHeader, BatchOrigin, Compressor, crc32c};
use tokio::time::Instant;

use super::delivery::Outcome;
use super::sequences::Stamp;
use crate::error::ClientError;

/// One batch of one partition.
#[derive(Debug)]
pub(super) struct Batch {
    /// Rises with creation, so it orders the batches of a partition.
    pub(super) id: u64,
    pub(super) outcome: Arc<Outcome>,
    pub(super) records: u32,
    /// Bytes of `buffer.memory` that are given back when it is settled.
    pub(super) memory: usize,
    pub(super) created: Instant,
    pub(super) attempts: u32,
    pub(super) last_error: Option<ClientError>,
    content: Content,
    stamp: Option<Stamp>,
}

#[derive(Debug)]
enum Content {
    Records(BatchBuilder),
    Encoded(Bytes),
}

impl Batch {
    pub(super) fn new(
        id: u64,
        outcome: Arc<Outcome>,
        created: Instant,
        memory: usize,
        records: BatchBuilder,
    ) -> Self {
        Self {
            id,
            outcome,
            records: records.count() as u32,
            memory,
            created,
            attempts: 0,
            last_error: None,
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
            Content::Encoded(bytes) => bytes.len(),
        }
    }

    /// The bytes, under this stamp. A builder whose records were taken is returned, to be used again.
    pub(super) fn encode(
        &mut self,
        stamp: Option<Stamp>,
        compressor: &mut Compressor,
    ) -> (Bytes, Option<BatchBuilder>) {
        let (bytes, spare) =
            match std::mem::replace(&mut self.content, Content::Encoded(Bytes::new())) {
                Content::Records(mut builder) => {
                    let origin = stamp.map_or(BatchOrigin::ANONYMOUS, origin);
                    (
                        builder.build(0, origin, compressor).unwrap_or_default(),
                        Some(builder),
                    )
                }
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

    /// The stamp that it was last encoded with.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        self.stamp
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
    use super::super::sequences::Identity;
    use super::*;
    use kafkalite_records::{Compression, RecordBatch};

    #[test]
    fn a_new_epoch_changes_the_stamp_and_nothing_else() {
        let mut builder = BatchBuilder::new(1000);
        assert!(builder.try_append(5, Some(b"k"), Some(b"v"), &[]));
        let outcome = Outcome::new("t".into(), 0, Arc::default());
        let mut batch = Batch::new(1, outcome, Instant::now(), 10, builder);
        let mut compressor = Compressor::new(Compression::None, None).unwrap();
        let stamp = |epoch, base| Stamp {
            identity: Identity { id: 7, epoch },
            base,
        };
        let (first, spare) = batch.encode(Some(stamp(0, 40)), &mut compressor);
        assert!(spare.is_some());
        batch.restamp(stamp(1, 0));
        let (second, _) = batch.encode(Some(stamp(1, 0)), &mut compressor);
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
