//! What the behaviour tests share: batches to append, a log to append them to, and everything that a log holds.
#![allow(
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "each test file is a crate and uses its part"
)]

use std::fs::File;

use kafkalite_log::producers::Origin;
use kafkalite_log::{AppendOptions, Appended, Log, LogConfig, OpenOptions, ReadUpTo, Recovered};
use kafkalite_records::{
    BatchBuilder, BatchHeader, BatchOrigin, Compression, Compressor, RecordBatch, Records, batches,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The time at which the tests happen.
pub const NOW: i64 = 1_700_000_000_000;

/// A client's append at [`NOW`].
pub const CLIENT: AppendOptions = AppendOptions {
    leader_epoch: 0,
    now_ms: NOW,
    origin: Origin::Client,
};

/// A producer's batch with these values, all stamped with `timestamp`.
pub fn batch_at(timestamp: i64, values: &[&[u8]]) -> Vec<u8> {
    let mut builder = BatchBuilder::new(1 << 24);
    for value in values {
        assert!(builder.try_append(timestamp, None, Some(value), &[]));
    }
    built(&mut builder, BatchOrigin::ANONYMOUS)
}

/// A producer's batch with these values, stamped with [`NOW`].
pub fn batch(values: &[&[u8]]) -> Vec<u8> {
    batch_at(NOW, values)
}

/// A batch of one value from an idempotent producer.
pub fn sequenced(producer_id: i64, sequence: i32, value: &[u8]) -> Vec<u8> {
    let mut builder = BatchBuilder::new(1 << 24);
    assert!(builder.try_append(NOW, None, Some(value), &[]));
    let origin = BatchOrigin {
        producer_id,
        producer_epoch: 0,
        base_sequence: sequence,
        transactional: false,
    };
    built(&mut builder, origin)
}

fn built(builder: &mut BatchBuilder, origin: BatchOrigin) -> Vec<u8> {
    let mut compressor = Compressor::new(Compression::None, None).unwrap();
    builder.build(0, origin, &mut compressor).unwrap().to_vec()
}

/// Opens a log that was not closed in order, distrusting everything.
pub fn open(dir: &std::path::Path, config: &LogConfig) -> (Log, Recovered) {
    let options = OpenOptions {
        now_ms: NOW,
        ..OpenOptions::default()
    };
    Log::open(dir, config.clone(), &options).unwrap()
}

/// Opens a log that was closed in order.
pub fn open_clean(dir: &std::path::Path, config: &LogConfig) -> (Log, Recovered) {
    let options = OpenOptions {
        now_ms: NOW,
        clean_shutdown: true,
        ..OpenOptions::default()
    };
    Log::open(dir, config.clone(), &options).unwrap()
}

/// Lets this process have so many open files: for a test that is alone in its file.
pub fn limit_open_files(most: u64) {
    let limit = Rlimit {
        current: Some(most),
        maximum: getrlimit(Resource::Nofile).maximum,
    };
    setrlimit(Resource::Nofile, limit).unwrap();
}

/// Opens files until there is no descriptor left.
pub fn take_all_descriptors() -> Vec<File> {
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

/// Appends one batch of these values.
pub fn append(log: &Log, values: &[&[u8]]) -> Appended {
    log.append(&batch(values), &CLIENT).unwrap()
}

/// The (offset, value) of every record from `offset` on, read in pieces of `max_bytes`; checksums are verified.
pub fn read_all(
    log: &Log,
    mut offset: i64,
    max_bytes: usize,
    up_to: ReadUpTo,
) -> Vec<(i64, Vec<u8>)> {
    let mut records = Vec::new();
    loop {
        let slice = log.read(offset, max_bytes, up_to, true).unwrap();
        if slice.is_empty() {
            return records;
        }
        let bytes = slice.bytes().unwrap();
        for batch in batches(&bytes) {
            let batch: RecordBatch<'_> = batch.unwrap();
            batch.verify_crc().unwrap();
            for record in Records::new(batch.header(), batch.records_payload()) {
                let record = record.unwrap();
                if record.offset >= offset {
                    records.push((record.offset, record.value.unwrap().to_vec()));
                }
            }
            offset = batch.header().next_offset();
        }
    }
}

/// The headers of all batches from the one that holds `offset` on.
pub fn read_batches(log: &Log, mut offset: i64) -> Vec<BatchHeader> {
    let mut headers = Vec::new();
    loop {
        let slice = log.read(offset, 1 << 24, ReadUpTo::End, true).unwrap();
        if slice.is_empty() {
            return headers;
        }
        let bytes = slice.bytes().unwrap();
        headers.extend(batches(&bytes).map(|batch| *batch.unwrap().header()));
        offset = headers.last().unwrap().next_offset();
    }
}
