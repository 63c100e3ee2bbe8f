//! A reader of a compacted log gets records while there are any: neither segments that were superseded as a whole nor batches
//! that stay for the sake of their header are an answer of their own.
#![expect(
    clippy::unwrap_used,
    reason = "the panic of a helper fails the test, as it should"
)]

mod compacting;
mod support;

use compacting::{CONFIG, compact, entries, open, put, roll};
use kafkalite_log::offline::SegmentReader;
use kafkalite_log::producers::Origin;
use kafkalite_log::{AppendOptions, Log, LogConfig, OpenOptions, ReadUpTo};
use kafkalite_records::{BatchHeader, BatchOrigin, Compression, batches};
use support::{NOW, read_batches};

/// Reads from the start to the end in answers of `max_bytes`, and counts the records of each.
fn answers(log: &Log, max_bytes: usize) -> Vec<usize> {
    let (mut counts, mut offset) = (Vec::new(), log.start_offset());
    while offset < log.high_watermark() {
        let slice = log
            .read(offset, max_bytes, ReadUpTo::HighWatermark, true)
            .unwrap();
        assert!(!slice.is_empty(), "nothing from {offset} on");
        let bytes = slice.bytes().unwrap();
        let headers = batches(&bytes).map_while(Result::ok);
        let headers: Vec<BatchHeader> = headers.map(|batch| *batch.header()).collect();
        counts.push(
            headers
                .iter()
                .map(|header| header.record_count as usize)
                .sum(),
        );
        offset = headers.last().unwrap().next_offset();
    }
    counts
}

fn sequenced(log: &Log, producer_id: i64, key: &str) {
    let origin = BatchOrigin {
        producer_id,
        producer_epoch: 0,
        base_sequence: 0,
        transactional: false,
    };
    let batch = compacting::batch(NOW, &[(key, Some("v"))], Compression::None, origin);
    log.append(&batch, &support::CLIENT).unwrap();
}

#[test]
fn a_segment_that_was_superseded_as_a_whole_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), &CONFIG);
    let segments = 6;
    for number in 0..segments {
        for key in ["a", "b"] {
            put(&log, key, &number.to_string());
        }
        roll(&log);
    }
    let last = entries(&log).len() as i64;
    compact(&log, 0);
    // Of each earlier segment only the record that begins it, of a key of its own, was to be superseded.
    let left: Vec<i64> = entries(&log).iter().map(|entry| entry.offset).collect();
    assert_eq!(left.len(), 2);
    assert!(left[0] > last, "{left:?}");
    let empty = read_batches(&log, 0)
        .iter()
        .filter(|header| header.record_count == 0)
        .count();
    assert_eq!(empty, 0);
    assert!(answers(&log, 1).iter().all(|records| *records > 0));
}

#[test]
fn what_stays_for_its_producer_is_no_answer_while_records_follow() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), &CONFIG);
    for producer_id in 1..4 {
        sequenced(&log, producer_id, "same");
        roll(&log);
    }
    compact(&log, 0);
    assert!(answers(&log, 1).iter().all(|records| *records > 0));
    log.close().unwrap();
    let log = open(dir.path(), &CONFIG);
    let known: Vec<i64> = (1..4)
        .filter(|id| {
            read_batches(&log, 0)
                .iter()
                .any(|header| header.producer_id == *id)
        })
        .collect();
    assert_eq!(known, [3], "batches without records are stepped over");
    assert_eq!(log.largest_producer_id(), Some(3));
}

#[test]
fn the_last_batch_of_all_that_was_compacted_leads_readers_to_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), &CONFIG);
    put(&log, "a", "v");
    // From before the topic was compacted.
    log.reconfigure(LogConfig {
        compacted: false,
        ..CONFIG
    });
    let emptied = support::append(&log, &[b"without a key, so it goes"]).first_offset;
    log.reconfigure(CONFIG);
    roll(&log);
    compact(&log, 0);
    let after = log.read(emptied, 1, ReadUpTo::HighWatermark, true).unwrap();
    assert_eq!(after.next_offset(), emptied + 2, "what follows has records");
    log.close().unwrap();

    let file = dir.path().join("00000000000000000000.log");
    let stored = SegmentReader::open(&file).unwrap();
    let headers = stored.map(|batch| BatchHeader::parse(&batch.unwrap().bytes).unwrap());
    let counts: Vec<(i64, i32)> = headers
        .map(|header| (header.base_offset, header.record_count))
        .collect();
    assert_eq!(counts, [(0, 1), (emptied, 0)]);
}

#[test]
fn batches_that_earlier_versions_left_empty_are_stepped_over_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), &CONFIG);
    let emptied = |log: &Log| {
        let batch = compacting::keyed(NOW, &[("gone", Some("v"))]);
        let header = BatchHeader::parse(&batch).unwrap().emptied();
        let placed = header.placed(log.end_offset(), 0).to_bytes();
        let options = AppendOptions {
            leader_epoch: 0,
            now_ms: NOW,
            origin: Origin::Replica,
        };
        log.append(&placed, &options).unwrap();
    };
    for number in 0..3 {
        put(&log, "a", &number.to_string());
        emptied(&log);
        roll(&log);
        emptied(&log);
    }
    put(&log, "b", "v");
    assert!(answers(&log, 1).iter().all(|records| *records > 0));
    roll(&log);
    compact(&log, 0);
    let empty = read_batches(&log, 0)
        .iter()
        .filter(|header| header.record_count == 0)
        .count();
    assert_eq!(empty, 0);
}

#[test]
fn holes_that_the_recovery_point_covers_are_believed_whatever_the_policy_is_now() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path(), &CONFIG);
    put(&log, "own", "stays");
    for number in 0..4 {
        put(&log, "same", &number.to_string());
        roll(&log);
    }
    log.flush_rolled().unwrap();
    let recovery_point = log.recovery_point();
    compact(&log, 0);
    let left = entries(&log);
    drop(log);
    let options = OpenOptions {
        recovery_point,
        now_ms: NOW,
        ..OpenOptions::default()
    };
    let deleting = LogConfig {
        compacted: false,
        delete_expired: true,
        ..CONFIG
    };
    let (log, recovered) = Log::open(dir.path(), deleting, &options).unwrap();
    assert_eq!(entries(&log), left);
    assert_eq!((recovered.segments_removed, recovered.bytes_cut), (0, 0));
}
