//! When a segment ends, and what its index files hold then.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod support;

use std::fs;
use std::path::Path;

use kafkalite_log::{AppendOptions, Log, LogConfig, ReadUpTo, Recovered};
use support::{CLIENT, NOW, append, batch, batch_at, open, open_clean, read_all};

fn file(dir: &Path, base: i64, suffix: &str) -> Vec<u8> {
    fs::read(dir.join(format!("{base:020}.{suffix}"))).unwrap()
}

/// The entries of an `.index` as (relative offset, position).
fn offset_entries(bytes: &[u8]) -> Vec<(u32, u32)> {
    let (entries, []) = bytes.as_chunks::<8>() else {
        panic!("{} bytes", bytes.len())
    };
    let entries = entries.iter().map(|entry| u64::from_be_bytes(*entry));
    entries
        .map(|entry| ((entry >> 32) as u32, entry as u32))
        .collect()
}

/// The entries of a `.timeindex` as (timestamp, relative offset).
fn time_entries(bytes: &[u8]) -> Vec<(i64, u32)> {
    let (entries, []) = bytes.as_chunks::<12>() else {
        panic!("{} bytes", bytes.len())
    };
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0i64, |number, byte| (number << 8) | i64::from(*byte))
    };
    entries
        .iter()
        .map(|entry| (number(&entry[..8]), number(&entry[8..]) as u32))
        .collect()
}

fn append_at(log: &Log, timestamp: i64) {
    log.append(&batch_at(timestamp, &[b"x"]), &CLIENT).unwrap();
}

#[test]
fn by_size_before_the_append_that_would_not_fit() {
    let dir = tempfile::tempdir().unwrap();
    let size = batch(&[b"x"]).len() as u32;
    let (log, _) = open(
        dir.path(),
        &LogConfig {
            segment_bytes: 3 * size,
            ..LogConfig::default()
        },
    );
    for _ in 0..7 {
        append(&log, &[b"x"]);
    }
    assert_eq!(log.segment_bases(), [0, 3, 6]);
}

#[test]
fn by_the_age_of_the_first_message_in_messages_time() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(
        dir.path(),
        &LogConfig {
            segment_ms: 1000,
            ..LogConfig::default()
        },
    );
    append_at(&log, NOW - 5000);
    append_at(&log, NOW - 4000);
    append_at(&log, NOW - 3999);
    assert_eq!(log.segment_bases(), [0, 2]);
}

#[test]
fn by_the_clock_where_messages_have_no_time() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(
        dir.path(),
        &LogConfig {
            segment_ms: 1000,
            ..LogConfig::default()
        },
    );
    for now_ms in [NOW, NOW + 1000, NOW + 1001] {
        log.append(&batch_at(-1, &[b"x"]), &AppendOptions { now_ms, ..CLIENT })
            .unwrap();
    }
    assert_eq!(log.segment_bases(), [0, 2]);
}

#[test]
fn when_an_index_is_full() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        index_interval_bytes: 0,
        segment_index_bytes: 36,
        ..LogConfig::default()
    };
    let (log, _) = open(dir.path(), &config);
    // Three entries of 12 bytes fit into the time index; the last stays free. The first batch gets no entry.
    for number in 0..7 {
        append_at(&log, NOW - 100 + number);
    }
    assert_eq!(log.segment_bases(), [0, 3, 6]);
    log.close().unwrap();
    assert_eq!(
        time_entries(&file(dir.path(), 0, "timeindex")),
        [(NOW - 99, 1), (NOW - 98, 2)]
    );
}

#[test]
fn indexes_are_preallocated_from_their_first_entry_on_and_trimmed_when_rolled_or_closed() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        segment_bytes: 1000,
        index_interval_bytes: 200,
        segment_index_bytes: 100,
        ..LogConfig::default()
    };
    let (log, _) = open(dir.path(), &config);
    let size = batch(&[b"x"]).len() as u32;
    for number in 0..1000 / i64::from(size) {
        append_at(&log, NOW + number);
    }
    assert_eq!(
        (
            file(dir.path(), 0, "index").len(),
            file(dir.path(), 0, "timeindex").len()
        ),
        (96, 96)
    );
    append_at(&log, NOW);
    log.flush_if_due(NOW).unwrap();
    // An entry after more than 200 bytes: it names the batch that starts there, by its last offset.
    let step = 200 / size + 1;
    let entries: Vec<(u32, u32)> = (1..)
        .map(|entry| (entry * step, entry * step * size))
        .take(4)
        .collect();
    let rolled = offset_entries(&file(dir.path(), 0, "index"));
    assert_eq!(rolled, entries[..rolled.len()]);
    assert!(rolled.len() >= 3);
    let times = time_entries(&file(dir.path(), 0, "timeindex"));
    let base = log.segment_bases()[1];
    assert_eq!(
        times.last(),
        Some(&(NOW + base - 1, base as u32 - 1)),
        "the newest is the last"
    );
    assert_eq!(
        times[..rolled.len()],
        rolled
            .iter()
            .map(|(at, _)| (NOW + i64::from(*at), *at))
            .collect::<Vec<_>>()
    );

    log.close().unwrap();
    assert_eq!(file(dir.path(), base, "index").len(), 0);
    assert_eq!(
        time_entries(&file(dir.path(), base, "timeindex")),
        [(NOW, 0)]
    );
    drop(log);
    let (log, _) = open_clean(dir.path(), &config);
    assert_eq!(
        (
            file(dir.path(), base, "index").len(),
            file(dir.path(), base, "timeindex").len()
        ),
        (0, 12)
    );
    append_at(&log, NOW + 50);
    log.close().unwrap();
    assert_eq!(
        time_entries(&file(dir.path(), base, "timeindex")),
        [(NOW, 0), (NOW + 50, 1)]
    );
}

#[test]
fn timestamps_that_go_back_make_no_entry() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(
        dir.path(),
        &LogConfig {
            index_interval_bytes: 0,
            ..LogConfig::default()
        },
    );
    for timestamp in [NOW, NOW - 10, NOW - 5, NOW, NOW + 1] {
        append_at(&log, timestamp);
    }
    log.close().unwrap();
    assert_eq!(
        time_entries(&file(dir.path(), 0, "timeindex")),
        [(NOW, 0), (NOW + 1, 4)]
    );
    assert_eq!(offset_entries(&file(dir.path(), 0, "index")).len(), 4);
}

#[test]
fn a_snapshot_of_the_producers_stands_at_every_roll() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(
        dir.path(),
        &LogConfig {
            segment_bytes: 200,
            ..LogConfig::default()
        },
    );
    for _ in 0..10 {
        append(&log, &[b"x"]);
    }
    log.flush_if_due(NOW).unwrap();
    let bases = log.segment_bases();
    assert_eq!(
        kafkalite_log::snapshots::list(&*kafkalite_world::disk::os(), dir.path()).unwrap(),
        bases[1..]
    );
}

#[test]
fn a_roll_that_fails_refuses_the_append_and_the_old_segment_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        segment_bytes: 3 * batch(&[b"x"]).len() as u32,
        ..LogConfig::default()
    };
    let (log, _) = open(dir.path(), &config);
    for _ in 0..3 {
        append(&log, &[b"x"]);
    }
    let in_the_way = dir.path().join(format!("{:020}.timeindex", 3));
    fs::create_dir(&in_the_way).unwrap();
    assert!(log.append(&batch(&[b"x"]), &CLIENT).is_err());
    assert_eq!((log.end_offset(), log.segment_bases()), (3, vec![0]));
    assert!(
        !dir.path().join(format!("{:020}.log", 3)).exists(),
        "it would claim offset 3"
    );

    log.reconfigure(LogConfig::default());
    assert_eq!(append(&log, &[b"x"]).first_offset, 3);
    drop(log);
    fs::remove_dir(in_the_way).unwrap();
    assert_eq!(open(dir.path(), &config).0.end_offset(), 4);
}

#[test]
fn an_index_that_was_full_at_the_close_is_no_obstacle() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        index_interval_bytes: 1,
        ..LogConfig::default()
    };
    let (log, _) = open(dir.path(), &config);
    for number in 0..8 {
        append_at(&log, NOW + number);
    }
    log.close().unwrap();
    // `segment.index.bytes` is less now than what the last segment has.
    let smaller = LogConfig {
        segment_index_bytes: 24,
        ..config
    };
    let (log, recovered) = open_clean(dir.path(), &smaller);
    assert_eq!(recovered, Recovered::default());
    append_at(&log, NOW + 8);
    assert_eq!(log.segment_bases(), [0, 8]);
    assert_eq!(read_all(&log, 0, 100, ReadUpTo::HighWatermark).len(), 9);
}
