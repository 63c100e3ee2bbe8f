//! What a reader of committed messages sees of transactions: while they are open, after they have ended, after a crash, and
//! where the index of aborted transactions is lost.
#![expect(
    clippy::unwrap_used,
    reason = "the panic of a helper fails the test, as it should"
)]

mod support;
mod transacting;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use kafkalite_log::{Durability, Log, LogConfig, OpenOptions, ReadUpTo};
use support::{append, open, open_clean, read_all};
use transacting::{committed, end, in_transaction};

/// One answer takes everything.
const ALL: usize = 1 << 20;

fn indexes(dir: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|kind| kind == "txnindex"))
        .collect();
    found.sort();
    found
}

fn offsets(read: &[(i64, String)]) -> Vec<i64> {
    read.iter().map(|(offset, _)| *offset).collect()
}

/// Small segments, so that transactions reach over several.
fn small() -> LogConfig {
    LogConfig {
        segment_bytes: 160,
        ..LogConfig::default()
    }
}

/// Three of a transaction that is committed, two of one that is aborted, one of none, one of one that is open; between them
/// lie the markers. What counts are the offsets 0 to 2 and 7.
fn every_kind(log: &Log) {
    for sequence in 0..3 {
        in_transaction(log, 1, sequence, b"committed");
    }
    end(log, 1, true);
    in_transaction(log, 1, 3, b"aborted");
    in_transaction(log, 1, 4, b"aborted");
    end(log, 1, false);
    append(log, &[b"plain"]);
    in_transaction(log, 2, 0, b"open");
    append(log, &[b"behind it"]);
}

const COUNTS: [i64; 4] = [0, 1, 2, 7];

#[test]
fn what_is_aborted_or_open_is_left_out() {
    for config in [LogConfig::default(), small()] {
        let dir = tempfile::tempdir().unwrap();
        let (log, _) = open(dir.path(), &config);
        every_kind(&log);
        for max_bytes in [1, 200, ALL] {
            assert_eq!(offsets(&committed(&log, 0, max_bytes)), COUNTS);
        }
        for from in 0..8 {
            let expected = COUNTS.into_iter().filter(|offset| *offset >= from);
            let expected: Vec<i64> = expected.collect();
            assert_eq!(
                offsets(&committed(&log, from, ALL)),
                expected,
                "from {from}"
            );
        }
        assert_eq!(log.last_stable_offset(), 8);
        assert_eq!(log.high_watermark(), 10);
        // Markers carry values too.
        let all = read_all(&log, 0, ALL, ReadUpTo::HighWatermark);
        assert_eq!(all.len(), 10);
    }
}

#[test]
fn an_open_transaction_hides_what_follows_until_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), &LogConfig::default());
    append(&log, &[b"before"]);
    in_transaction(&log, 1, 0, b"first");
    append(&log, &[b"between"]);
    in_transaction(&log, 2, 0, b"second");
    assert_eq!(log.last_stable_offset(), 1);
    end(&log, 1, false);
    assert_eq!(log.last_stable_offset(), 3, "the second is open yet");
    end(&log, 2, true);
    assert_eq!(log.last_stable_offset(), 6);
    assert_eq!(offsets(&committed(&log, 0, ALL)), [0, 2, 3]);
}

#[test]
fn what_was_deleted_before_an_open_transaction_ends_does_not_hold_up_readers_below_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), &LogConfig::default());
    in_transaction(&log, 1, 0, b"open");
    append(&log, &[b"plain"]);
    log.delete_records_before(2).unwrap();
    assert_eq!((log.start_offset(), log.last_stable_offset()), (2, 2));
}

#[test]
fn a_slice_names_only_the_aborted_transactions_that_it_may_hold() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        index_interval_bytes: 0,
        ..LogConfig::default()
    };
    let (log, _) = open(dir.path(), &config);
    for sequence in 0..50 {
        in_transaction(&log, 1, sequence, b"aborted");
        end(&log, 1, false);
    }
    let slice = log.read(40, 300, ReadUpTo::LastStableOffset, true).unwrap();
    let first: Vec<i64> = slice.aborted().iter().map(|one| one.first_offset).collect();
    assert_eq!(first, [40, 42]);
    let unbounded = log.read(40, 300, ReadUpTo::HighWatermark, true).unwrap();
    assert!(unbounded.aborted().is_empty());
}

#[test]
fn after_a_stop_and_after_a_crash_it_is_the_same() {
    for config in [LogConfig::default(), small()] {
        let dir = tempfile::tempdir().unwrap();
        let (log, _) = open(dir.path(), &config);
        every_kind(&log);
        log.close().unwrap();
        assert_eq!(indexes(dir.path()).len(), 1);
        let (log, _) = open_clean(dir.path(), &config);
        assert_eq!(offsets(&committed(&log, 0, ALL)), COUNTS);
        end(&log, 2, false);
        drop(log); // a crash: nothing of the second index is on the disk
        let (log, _) = open(dir.path(), &config);
        assert_eq!(log.last_stable_offset(), 11);
        assert_eq!(offsets(&committed(&log, 0, ALL)), [0, 1, 2, 7, 9]);
        log.close().unwrap();
        let (log, _) = open_clean(dir.path(), &config);
        assert_eq!(offsets(&committed(&log, 0, ALL)), [0, 1, 2, 7, 9]);
    }
}

#[test]
fn a_crash_costs_what_is_not_flushed_and_transactions_that_began_before_are_known() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), &small());
    in_transaction(&log, 1, 0, b"aborted");
    for _ in 0..4 {
        append(&log, &[b"plain"]);
    }
    log.flush().unwrap();
    let options = OpenOptions {
        recovery_point: log.recovery_point(),
        now_ms: support::NOW,
        ..OpenOptions::default()
    };
    assert_eq!(options.recovery_point, 5);
    assert!(log.segment_bases().len() > 2);
    end(&log, 1, false);
    in_transaction(&log, 1, 1, b"open");
    drop(log);
    let (log, recovered) = Log::open(dir.path(), small(), &options).unwrap();
    assert!(recovered.segments_rebuilt < log.segment_bases().len());
    assert_eq!(log.last_stable_offset(), 6);
    assert_eq!(offsets(&committed(&log, 0, ALL)), [1, 2, 3, 4]);
}

#[test]
fn where_only_the_segments_were_kept_everything_is_found_in_the_batches() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), &small());
    every_kind(&log);
    assert!(log.segment_bases().len() > 3);
    log.close().unwrap();
    for entry in fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|kind| kind != "log") {
            fs::remove_file(path).unwrap();
        }
    }
    for clean in [true, false] {
        let reopen = if clean { open_clean } else { open };
        let (log, _) = reopen(dir.path(), &small());
        assert_eq!(offsets(&committed(&log, 0, ALL)), COUNTS);
    }
}

#[test]
fn an_index_that_makes_no_sense_is_made_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), &small());
    every_kind(&log);
    log.close().unwrap();
    let [index] = &indexes(dir.path())[..] else {
        panic!("one segment has a marker of an aborted transaction")
    };
    let sound = fs::read(index).unwrap();
    for damaged in [&sound[..33], &[9; 34]] {
        fs::write(index, damaged).unwrap();
        let (log, _) = open_clean(dir.path(), &small());
        assert_eq!(offsets(&committed(&log, 0, ALL)), COUNTS);
        log.close().unwrap();
        assert_eq!(fs::read(index).unwrap(), sound);
    }
}

#[test]
fn a_marker_that_a_power_cut_may_take_does_not_count_yet() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        durability: Durability::Synced,
        ..LogConfig::default()
    };
    let (log, _) = open(dir.path(), &config);
    in_transaction(&log, 1, 0, b"committed");
    log.flush().unwrap();
    end(&log, 1, true);
    assert_eq!((log.high_watermark(), log.last_stable_offset()), (1, 0));
    log.flush().unwrap();
    assert_eq!((log.high_watermark(), log.last_stable_offset()), (2, 2));
}

#[test]
fn an_index_goes_with_its_segment() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        retention_ms: Some(0),
        file_delete_delay_ms: 0,
        ..LogConfig::default()
    };
    let (log, _) = open(dir.path(), &config);
    in_transaction(&log, 1, 0, b"aborted");
    end(&log, 1, false);
    let later = support::NOW + 1000;
    log.retain(later).unwrap();
    log.flush().unwrap();
    log.retain(later + 1).unwrap();
    assert_eq!((log.start_offset(), log.size()), (2, 0));
    assert!(indexes(dir.path()).is_empty());
}

#[test]
fn readers_beside_a_writer_never_see_what_may_still_be_undone() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        segment_bytes: 20_000,
        ..LogConfig::default()
    };
    let (log, _) = open(dir.path(), &config);
    let done = AtomicBool::new(false);
    let rounds = 400;
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut read = Vec::new();
            while !done.load(Ordering::Acquire) || offsets(&read).last() < Some(&(rounds * 4 - 2)) {
                let from = read.last().map_or(0, |(offset, _)| offset + 1);
                read.extend(committed(&log, from, 700));
            }
            read
        });
        for round in 0..rounds as i32 {
            in_transaction(&log, 1, 2 * round, b"aborted");
            end(&log, 1, false);
            in_transaction(&log, 1, 2 * round + 1, b"committed");
            end(&log, 1, true);
        }
        done.store(true, Ordering::Release);
        let read = reader.join().unwrap();
        let expected: Vec<i64> = (0..rounds).map(|round| 4 * round + 2).collect();
        assert_eq!(offsets(&read), expected);
        assert!(read.iter().all(|(_, value)| value == "committed"));
    });
}
