//! Divides a batch that is larger than the topic takes, though its records are not (KAFKA-3995).
//!
//! The parts divide the batch's share of the sequence among them, in order. So what was sent behind the batch still follows it,
//! and needs no other numbers: the broker has refused that as well, for the numbers that were missing.
//!
//! What this cannot keep, as in Java: without idempotence a batch that was sent behind may be written before the parts; and if
//! the batch was written, its answer lost, and the topic's limit lowered before it was sent again, its records are written twice.

use bytes::Bytes;
use kafkalite_records::{
    BatchBuilder, BatchHeader, DecodedBatch, Decompressor, Header, RecordsError,
};

/// A part: its records, and the place of the first among those of the whole.
pub(super) struct Slice {
    pub(super) first: u32,
    pub(super) records: BatchBuilder,
}

/// Divides an encoded batch into parts of at most so many bytes before compression, unless a single record is larger.
/// `largest` is given how many bytes the whole has.
pub(super) fn divide(
    batch: &Bytes,
    largest: impl FnOnce(usize) -> usize,
) -> Result<Vec<Slice>, RecordsError> {
    let decoded = DecodedBatch::decode(batch, &mut Decompressor::new(), i32::MAX as usize)?;
    let largest = largest(BatchHeader::LEN + decoded.payload().len());
    let mut parts: Vec<Slice> = Vec::new();
    for (number, record) in (0..).zip(decoded.records()) {
        let record = record?;
        let headers = record.headers.collect::<Result<Vec<Header<'_>>, _>>()?;
        let mut append = |part: &mut Slice| {
            let records = &mut part.records;
            records.try_append(record.timestamp, record.key, record.value, &headers)
        };
        if !parts.last_mut().is_some_and(&mut append) {
            let mut part = Slice {
                first: number,
                records: BatchBuilder::new(largest),
            };
            let fits = append(&mut part);
            debug_assert!(fits, "it fitted into the whole");
            parts.push(part);
        }
    }
    Ok(parts)
}
