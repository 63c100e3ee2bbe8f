//! What the tests of transactions share: their batches and markers, and what a reader of committed messages sees.
#![allow(
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "each test file is a crate and uses its part"
)]

use std::collections::BTreeSet;

use kafkalite_log::producers::Origin;
use kafkalite_log::{AppendOptions, Log, ReadUpTo};
use kafkalite_records::{
    BatchBuilder, BatchOrigin, Compression, Compressor, ControlKind, RecordBatch, Records, batches,
};

const NOW: i64 = 1_700_000_000_000;

fn built(producer_id: i64, sequence: i32, key: Option<&[u8]>, value: &[u8]) -> Vec<u8> {
    let mut builder = BatchBuilder::new(1 << 20);
    assert!(builder.try_append(NOW, key, Some(value), &[]));
    let origin = BatchOrigin {
        producer_id,
        producer_epoch: 0,
        base_sequence: sequence,
        transactional: true,
    };
    let mut compressor = Compressor::new(Compression::None, None).unwrap();
    builder.build(0, origin, &mut compressor).unwrap().to_vec()
}

/// Appends one record of a producer's transaction, and answers its offset.
pub fn in_transaction(log: &Log, producer_id: i64, sequence: i32, value: &[u8]) -> i64 {
    let batch = built(producer_id, sequence, None, value);
    append(log, &batch, Origin::Client)
}

/// Appends the marker that ends a producer's transaction, as a transaction coordinator does, and answers its offset.
pub fn end(log: &Log, producer_id: i64, committed: bool) -> i64 {
    let key = [0, 0, 0, u8::from(committed)];
    let plain = built(producer_id, -1, Some(&key), &[0; 6]);
    let batch = RecordBatch::parse(&plain).unwrap();
    let mut header = *batch.header();
    header.attributes = header.attributes.with_control(true);
    let header = header.sealed(batch.records_payload()).to_bytes();
    let batch = [&header[..], batch.records_payload()].concat();
    append(log, &batch, Origin::Coordinator)
}

fn append(log: &Log, batch: &[u8], origin: Origin) -> i64 {
    let options = AppendOptions {
        leader_epoch: 0,
        now_ms: NOW,
        origin,
    };
    log.append(batch, &options).unwrap().first_offset
}

/// The (offset, value) of every record from `offset` on that counts, for a client that reads committed messages only, in
/// answers of `max_bytes`.
pub fn committed(log: &Log, mut offset: i64, max_bytes: usize) -> Vec<(i64, String)> {
    let mut read = Vec::new();
    loop {
        let slice = log.read(offset, max_bytes, ReadUpTo::LastStableOffset, true);
        let slice = slice.unwrap();
        if slice.is_empty() {
            return read;
        }
        let mut ahead = slice.aborted().to_vec();
        ahead.sort_by_key(|aborted| aborted.first_offset);
        let mut aborting = BTreeSet::new();
        let bytes = slice.bytes().unwrap();
        // The last batch may be cut short.
        for batch in batches(&bytes).map_while(Result::ok) {
            let header = *batch.header();
            offset = header.next_offset();
            let begun = ahead.extract_if(.., |next| next.first_offset <= header.last_offset());
            aborting.extend(begun.map(|next| next.producer_id));
            for record in Records::new(&header, batch.records_payload()) {
                let record = record.unwrap();
                if header.is_control() {
                    if ControlKind::of(&record) == Ok(ControlKind::Abort) {
                        aborting.remove(&header.producer_id);
                    }
                } else if !header.is_transactional() || !aborting.contains(&header.producer_id) {
                    let value = String::from_utf8(record.value.unwrap().to_vec()).unwrap();
                    read.push((record.offset, value));
                }
            }
        }
    }
}
