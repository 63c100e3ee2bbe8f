//! Appending and reading within one life of a log.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod support;

use kafkalite_log::{LogConfig, LogError, ReadUpTo};
use support::{CLIENT, append, batch, open, read_all};

fn numbers(range: std::ops::Range<i64>) -> Vec<(i64, Vec<u8>)> {
    range
        .map(|number| (number, number.to_string().into_bytes()))
        .collect()
}

fn append_numbers(log: &kafkalite_log::Log, range: std::ops::Range<i64>) {
    for (offset, value) in numbers(range) {
        assert_eq!(append(log, &[&value]).first_offset, offset);
    }
}

#[test]
fn offsets_are_consecutive_and_payloads_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), &LogConfig::default());
    let appended = append(&log, &[b"0", b"1", b"2"]);
    assert_eq!((appended.first_offset, appended.last_offset), (0, 2));
    append_numbers(&log, 3..100);
    assert_eq!(
        read_all(&log, 0, 1 << 20, ReadUpTo::HighWatermark),
        numbers(0..100)
    );
    assert_eq!(
        (log.start_offset(), log.high_watermark(), log.end_offset()),
        (0, 100, 100)
    );
}

#[test]
fn reading_goes_on_across_segments_in_pieces_of_any_size() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        segment_bytes: 400,
        index_interval_bytes: 100,
        ..LogConfig::default()
    };
    let (log, _) = open(dir.path(), &config);
    append_numbers(&log, 0..200);
    assert!(log.segment_bases().len() > 20);
    for max_bytes in [1, 70, 71, 100, 1000] {
        assert_eq!(
            read_all(&log, 0, max_bytes, ReadUpTo::End),
            numbers(0..200),
            "in pieces of {max_bytes}"
        );
    }
    for start in 0..200 {
        assert_eq!(
            read_all(&log, start, 1 << 20, ReadUpTo::End),
            numbers(start..200),
            "from {start}"
        );
    }
}

#[test]
fn an_offset_inside_a_batch_returns_the_whole_batch() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), &LogConfig::default());
    let values: Vec<&[u8]> = vec![b"x"; 10];
    append(&log, &values);
    append(&log, &values);
    let whole = log.read(10, 1 << 20, ReadUpTo::End, true).unwrap();
    let inside = log.read(17, 1 << 20, ReadUpTo::End, true).unwrap();
    assert_eq!(
        (inside.position(), inside.len()),
        (whole.position(), whole.len())
    );
    assert_eq!(inside.next_offset(), 20);
}

#[test]
fn the_first_batch_is_whole_only_if_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), &LogConfig::default());
    append(&log, &[&[b'x'; 1000]]);
    append(&log, &[b"y"]);
    let size = batch(&[&[b'x'; 1000]]).len();
    assert_eq!(log.read(0, 10, ReadUpTo::End, true).unwrap().len(), size);
    assert_eq!(log.read(0, 10, ReadUpTo::End, false).unwrap().len(), 0);
    assert_eq!(
        log.read(0, size + 5, ReadUpTo::End, true).unwrap().len(),
        size + 5
    );
}

#[test]
fn the_end_is_empty_and_beyond_it_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), &LogConfig::default());
    assert!(log.read(0, 100, ReadUpTo::End, true).unwrap().is_empty());
    append(&log, &[b"0"]);
    assert!(log.read(1, 100, ReadUpTo::End, true).unwrap().is_empty());
    for offset in [-1, 2, i64::MAX, i64::MIN] {
        let error = log.read(offset, 100, ReadUpTo::End, true).unwrap_err();
        assert!(
            matches!(
                error,
                LogError::OffsetOutOfRange {
                    start: 0,
                    end: 1,
                    ..
                }
            ),
            "{error}"
        );
    }
}

#[test]
fn several_batches_are_one_append() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        index_interval_bytes: 1,
        ..LogConfig::default()
    };
    let (log, _) = open(dir.path(), &config);
    let bytes = [batch(&[b"0", b"1"]), batch(&[b"2"]), batch(&[b"3", b"4"])].concat();
    let appended = log.append(&bytes, &CLIENT).unwrap();
    assert_eq!((appended.first_offset, appended.last_offset), (0, 4));
    append_numbers(&log, 5..10);
    for start in 0..10 {
        assert_eq!(
            read_all(&log, start, 1 << 20, ReadUpTo::End),
            numbers(start..10)
        );
    }
}

#[test]
fn a_slice_outlives_a_closed_log() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), &LogConfig::default());
    append(&log, &[b"0"]);
    let slice = log.read(0, 1 << 20, ReadUpTo::End, true).unwrap();
    log.close().unwrap();
    assert!(matches!(
        log.read(0, 1, ReadUpTo::End, true),
        Err(LogError::Closed { .. })
    ));
    assert!(matches!(
        log.append(&batch(&[b"1"]), &CLIENT),
        Err(LogError::Closed { .. })
    ));
    drop(log);
    let mut copied = Vec::new();
    slice.read_into(&mut copied).unwrap();
    assert_eq!(slice.bytes().unwrap(), copied);
}
