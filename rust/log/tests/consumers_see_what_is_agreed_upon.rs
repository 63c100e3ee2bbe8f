//! How far consumers see can be limited from outside, by what other brokers have of a log; and that limit can fall.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod support;

use kafkalite_log::{Durability, Log, LogConfig, ReadUpTo};
use kafkalite_records::batches;
use support::{CLIENT, NOW, batch_at, open};

/// The offsets of the batches that a reader finds from the start, in one segment after the other.
fn seen(log: &Log, up_to: ReadUpTo) -> Vec<i64> {
    let (mut offset, mut seen) = (0, Vec::new());
    loop {
        let slice = log.read(offset, 1 << 20, up_to, true).unwrap();
        if slice.is_empty() {
            return seen;
        }
        for batch in batches(&slice.bytes().unwrap()) {
            let header = *batch.unwrap().header();
            seen.push(header.base_offset);
            offset = header.next_offset();
        }
    }
}

/// A log of ten batches of two messages, each a millisecond later, some in a segment each.
fn ten_batches(config: &LogConfig) -> (tempfile::TempDir, Log) {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        segment_bytes: 300,
        ..config.clone()
    };
    let (log, _) = open(dir.path(), &config);
    for number in 0..10 {
        let batch = batch_at(NOW + number, &[b"one", b"two"]);
        log.append(&batch, &CLIENT).unwrap();
    }
    assert!(log.segment_bases().len() > 3);
    (dir, log)
}

#[test]
fn nobody_sees_beyond_what_is_agreed_and_replicas_see_all() {
    let (_dir, log) = ten_batches(&LogConfig::default());
    let all: Vec<i64> = (0..10).map(|number| number * 2).collect();
    assert_eq!(seen(&log, ReadUpTo::HighWatermark), all);
    for agreed in [8, 20, 0, 6, 14] {
        log.agree(Some(agreed));
        assert_eq!(
            (log.high_watermark(), log.last_stable_offset()),
            (agreed, agreed)
        );
        let expected: Vec<i64> = all.iter().copied().filter(|at| *at < agreed).collect();
        assert_eq!(seen(&log, ReadUpTo::HighWatermark), expected, "{agreed}");
        assert_eq!(seen(&log, ReadUpTo::LastStableOffset), expected, "{agreed}");
        assert_eq!(seen(&log, ReadUpTo::End), all, "{agreed}");
    }
    log.agree(Some(7));
    assert_eq!(
        seen(&log, ReadUpTo::HighWatermark),
        [0, 2, 4],
        "half a batch is none"
    );
    log.agree(None);
    assert_eq!(seen(&log, ReadUpTo::HighWatermark), all);
}

#[test]
fn searches_by_time_find_nothing_that_is_not_agreed() {
    let (_dir, log) = ten_batches(&LogConfig::default());
    log.agree(Some(8));
    let found = |at| {
        log.offset_for_timestamp(NOW + at)
            .unwrap()
            .map(|found| found.offset)
    };
    assert_eq!(found(3), Some(6));
    assert_eq!(found(4), None);
}

#[test]
fn what_is_agreed_and_not_flushed_is_not_seen_where_both_are_asked_for() {
    let config = LogConfig {
        durability: Durability::Synced,
        ..LogConfig::default()
    };
    let (_dir, log) = ten_batches(&config);
    log.agree(Some(8));
    assert_eq!(log.high_watermark(), 0);
    log.flush().unwrap();
    assert_eq!(log.high_watermark(), 8);
    assert_eq!(seen(&log, ReadUpTo::HighWatermark), [0, 2, 4, 6]);
}
