//! Reading what is stored, at the start.
//!
//! Also what Apache Kafka wrote is read: in any compression, and with offsets committed in transactions, which count from the
//! marker that ends the transaction, or never.

use bytes::Bytes;
use kafkalite_log::{LogError, ReadUpTo, limits};
use kafkalite_records::{ControlKind, DecodedBatch, Decompressor, RecordsError, batches};

use super::open_transactions::OpenTransactions;
use crate::replicas::partition::Partition;

const READ_BYTES: usize = 1 << 20;

/// What is being read, and who takes it.
pub(super) struct Replay<K, D, A> {
    decode: D,
    apply: A,
    open: OpenTransactions<K>,
    decompressor: Decompressor,
}

impl<K, D, A> Replay<K, D, A>
where
    K: PartialEq,
    D: Fn(&[u8]) -> Option<K>,
    A: FnMut(K, Option<&[u8]>),
{
    pub(super) fn new(decode: D, apply: A) -> Self {
        Self {
            decode,
            apply,
            open: OpenTransactions::new(),
            decompressor: Decompressor::default(),
        }
    }

    /// Reads one partition from its start to its end. Batches that cannot be read are said and left out.
    pub(super) fn read(&mut self, partition: &Partition) -> Result<(), LogError> {
        let log = &partition.log;
        let name = format!("{}-{}", partition.topic, partition.index);
        let mut offset = log.start_offset();
        while offset < log.end_offset() {
            let slice = log.read(offset, READ_BYTES, ReadUpTo::End, true)?;
            let mut buffer = Vec::with_capacity(slice.len());
            slice.read_into(&mut buffer)?;
            let bytes = Bytes::from(buffer);
            let before = offset;
            for batch in batches(&bytes) {
                let Ok(batch) = batch else { break };
                offset = batch.header().next_offset();
                if let Err(error) = self.take(&bytes.slice_ref(batch.bytes()), &name) {
                    let at = batch.header().base_offset;
                    tracing::error!("{name}: the batch at {at} cannot be read: {error}");
                }
            }
            if offset == before {
                tracing::error!("{name}: nothing can be read from {offset} on");
                break;
            }
        }
        self.open.clear();
        Ok(())
    }

    fn take(&mut self, batch: &Bytes, name: &str) -> Result<(), RecordsError> {
        let batch = DecodedBatch::decode(batch, &mut self.decompressor, limits::READ)?;
        let header = *batch.header();
        for record in batch.records() {
            let record = record?;
            if header.is_control() {
                let marker = ControlKind::of(&record);
                let ended = self.open.end(header.producer_id);
                if marker == Ok(ControlKind::Commit) {
                    for (key, value) in ended {
                        (self.apply)(key, value.as_deref());
                    }
                }
                marker?;
                continue;
            }
            let Some(key) = record.key.and_then(&self.decode) else {
                let at = record.offset;
                tracing::warn!("{name}: the record at {at} has no key that makes sense");
                continue;
            };
            if header.is_transactional() {
                let value = record.value.map(Bytes::copy_from_slice);
                self.open.add(header.producer_id, (key, value));
            } else {
                self.open.supersede(&key);
                (self.apply)(key, record.value);
            }
        }
        Ok(())
    }
}
