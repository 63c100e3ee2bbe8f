//! Transactions in a compacted log, which only Apache Kafka writes so far: what was aborted stays aborted, what is open is
//! not touched, and no value comes back that a tombstone had removed.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod compacting;
mod support;

use std::fs;
use std::path::Path;

use compacting::{CONFIG, compact, compact_at, delete, entries, open, put, roll};
use kafkalite_log::producers::Origin;
use kafkalite_log::{AbortedTransaction, AppendOptions, Log, LogConfig, OpenOptions, ReadUpTo};
use kafkalite_records::{
    BatchBuilder, BatchHeader, BatchOrigin, Compression, Compressor, RecordBatch,
};
use support::{NOW, read_batches};

const FROM_LEADER: AppendOptions = AppendOptions {
    leader_epoch: 0,
    now_ms: NOW,
    origin: Origin::Replica,
};

fn origin(sequence: i32) -> BatchOrigin {
    BatchOrigin {
        producer_id: 7,
        producer_epoch: 0,
        base_sequence: sequence,
        transactional: true,
    }
}

fn append(log: &Log, batch: &[u8]) -> i64 {
    let header = BatchHeader::parse(batch).unwrap();
    let placed = header.placed(log.end_offset(), 0).to_bytes();
    let batch = [&placed[..], &batch[BatchHeader::LEN..]].concat();
    log.append(&batch, &FROM_LEADER).unwrap().first_offset
}

fn in_transaction(log: &Log, sequence: i32, key: &str, value: Option<&str>) -> i64 {
    let pairs = [(key, value)];
    append(
        log,
        &compacting::batch(NOW, &pairs, Compression::None, origin(sequence)),
    )
}

/// Ends the transaction: 0 aborts it, 1 commits it.
fn end(log: &Log, kind: u8) -> i64 {
    let mut builder = BatchBuilder::new(1 << 10);
    assert!(builder.try_append(NOW, Some(&[0, 0, 0, kind]), Some(&[0; 6]), &[]));
    let mut compressor = Compressor::new(Compression::None, None).unwrap();
    let plain = builder.build(0, origin(-1), &mut compressor).unwrap();
    let batch = RecordBatch::parse(&plain).unwrap();
    let mut header = *batch.header();
    header.attributes = header.attributes.with_control(true);
    let header = header.sealed(batch.records_payload()).to_bytes();
    append(log, &[&header[..], batch.records_payload()].concat())
}

/// Opens it again, without snapshots of its producers: then the markers are taken note of.
fn reopened(log: Log, dir: &Path) -> Log {
    log.close().unwrap();
    drop(log);
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|kind| kind == "snapshot") {
            fs::remove_file(path).unwrap();
        }
    }
    let options = OpenOptions {
        now_ms: NOW,
        ..OpenOptions::default()
    };
    Log::open(dir, CONFIG, &options).unwrap().0
}

fn offsets(log: &Log) -> Vec<i64> {
    entries(log).iter().map(|entry| entry.offset).collect()
}

#[test]
fn an_aborted_value_neither_supersedes_nor_is_made_to_look_committed() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), &CONFIG);
    put(&log, "a", "counts");
    in_transaction(&log, 0, "a", Some("aborted"));
    end(&log, 0);
    roll(&log);
    let log = reopened(log, dir.path());
    compact(&log, 0);
    assert_eq!(offsets(&log), [0, 1]);
    let kinds: Vec<_> = read_batches(&log, 0)
        .iter()
        .map(|header| (header.is_transactional(), header.is_control()))
        .collect();
    assert_eq!(kinds[..3], [(false, false), (true, false), (true, true)]);
}

#[test]
fn what_a_later_record_outside_of_transactions_supersedes_goes_and_the_marker_stays() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), &CONFIG);
    in_transaction(&log, 0, "a", Some("committed"));
    in_transaction(&log, 1, "b", Some("committed"));
    let marker = end(&log, 1);
    let latest = put(&log, "a", "later");
    roll(&log);
    let log = reopened(log, dir.path());
    compact(&log, 0);
    assert_eq!(offsets(&log), [1, latest]);
    assert!(
        read_batches(&log, 0)
            .iter()
            .any(|header| header.is_control() && header.base_offset == marker)
    );
}

#[test]
fn a_tombstone_of_a_transaction_stays_and_one_outside_removes_what_transactions_wrote() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        delete_retention_ms: 0,
        ..CONFIG
    };
    let log = open(dir.path(), &config);
    put(&log, "a", "v");
    in_transaction(&log, 0, "a", None);
    in_transaction(&log, 1, "b", Some("v"));
    end(&log, 1);
    delete(&log, "b");
    roll(&log);
    let log = reopened(log, dir.path());
    log.reconfigure(config);
    let mut dirty = compact_at(&log, 0, NOW).first_dirty;
    for later in 1..3 {
        put(&log, "c", "more");
        roll(&log);
        dirty = compact_at(&log, dirty, NOW + later).first_dirty;
    }
    let of = |key: &str| -> Vec<Option<String>> {
        let entries = entries(&log).into_iter();
        entries
            .filter(|entry| entry.key.as_deref() == Some(key))
            .map(|entry| entry.value)
            .collect()
    };
    assert_eq!(of("a"), [Some("v".to_owned()), None]);
    assert_eq!(of("b"), []);
}

#[test]
fn what_an_open_transaction_may_still_undo_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), &CONFIG);
    put(&log, "a", "1");
    put(&log, "a", "2");
    roll(&log);
    in_transaction(&log, 0, "b", Some("open"));
    put(&log, "a", "3");
    put(&log, "a", "4");
    roll(&log);
    assert_eq!(log.cleanable(0, NOW).unwrap().first_uncleanable, 2);
    compact(&log, 0);
    assert_eq!(offsets(&log), [1, 3, 4, 5]);
}

#[test]
fn the_indexes_of_aborted_transactions_are_joined_with_their_segments() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), &CONFIG);
    for sequence in 0..3 {
        put(&log, "same", "superseded");
        if sequence != 1 {
            in_transaction(&log, sequence, "a", Some("aborted"));
            end(&log, 0);
        }
        roll(&log);
    }
    log.flush().unwrap();
    let bases = log.segment_bases();
    let index = |base: i64| fs::read(dir.path().join(format!("{base:020}.txnindex")));
    let both = [index(bases[0]).unwrap(), index(bases[2]).unwrap()].concat();
    compact(&log, 0);
    assert_eq!(log.segment_bases().len(), 2);
    assert_eq!(index(0).unwrap(), both);
    assert!(index(bases[2]).is_err());
    let aborted = |log: &Log| {
        let slice = log.read(0, 1 << 20, ReadUpTo::LastStableOffset, true);
        let first = |one: &AbortedTransaction| one.first_offset;
        slice
            .unwrap()
            .aborted()
            .iter()
            .map(first)
            .collect::<Vec<_>>()
    };
    assert_eq!(aborted(&log), [1, 7]);
    log.close().unwrap();
    assert_eq!(aborted(&open(dir.path(), &CONFIG)), [1, 7]);
}
