//! Retention by age, by size and by the start offset.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod support;

use std::fs;
use std::path::Path;

use kafkalite_log::{Durability, Log, LogConfig, LogError, ReadUpTo, Retained};
use support::{CLIENT, NOW, append, batch, batch_at, open, open_clean, read_all};

const DELAY: i64 = 60_000;

/// Two messages a segment, the first at `NOW`, each a second younger than the one before.
fn seconds(dir: &Path, config: &LogConfig, count: i64) -> Log {
    let segment_bytes = 2 * batch(&[b"x"]).len() as u32;
    let (log, _) = open(
        dir,
        &LogConfig {
            segment_bytes,
            ..config.clone()
        },
    );
    for second in 0..count {
        log.append(&batch_at(NOW + 1000 * second, &[b"x"]), &CLIENT)
            .unwrap();
    }
    log
}

fn files_with(dir: &Path, suffix: &str) -> usize {
    let names = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(suffix)).count()
}

#[test]
fn segments_go_when_their_newest_message_is_too_old() {
    let dir = tempfile::tempdir().unwrap();
    let log = seconds(
        dir.path(),
        &LogConfig {
            retention_ms: Some(10_000),
            ..LogConfig::default()
        },
        10,
    );
    assert_eq!(
        log.retain(NOW + 11_000).unwrap(),
        Retained::default(),
        "exactly as old as allowed"
    );
    assert_eq!(log.retain(NOW + 11_001).unwrap().segments, 1);
    assert_eq!((log.start_offset(), log.end_offset()), (2, 10));
    assert_eq!(log.retain(NOW + 15_500).unwrap().segments, 2);
    assert_eq!(log.segment_bases(), [6, 8]);
    assert!(matches!(
        log.read(5, 1000, ReadUpTo::End, true),
        Err(LogError::OffsetOutOfRange { start: 6, .. })
    ));
    assert_eq!(read_all(&log, 6, 1 << 20, ReadUpTo::End).len(), 4);
}

#[test]
fn the_active_segment_is_rolled_when_it_expires_too_and_offsets_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        retention_ms: Some(10_000),
        ..LogConfig::default()
    };
    let log = seconds(dir.path(), &config, 5);
    let retained = log.retain(NOW + 100_000).unwrap();
    assert_eq!(
        (retained.segments, retained.bytes),
        (3, 5 * batch(&[b"x"]).len() as u64)
    );
    assert_eq!(
        (log.start_offset(), log.end_offset(), log.size()),
        (5, 5, 0)
    );
    assert_eq!(
        log.retain(NOW + 200_000).unwrap(),
        Retained::default(),
        "an empty log stays as it is"
    );
    assert_eq!(append(&log, &[b"next"]).first_offset, 5);
    log.close().unwrap();
    drop(log);
    let (log, _) = open_clean(dir.path(), &config);
    assert_eq!((log.start_offset(), log.end_offset()), (5, 6));
}

#[test]
fn where_no_segment_can_be_begun_all_but_the_last_go() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        retention_ms: Some(10_000),
        file_delete_delay_ms: 0,
        ..LogConfig::default()
    };
    let log = seconds(dir.path(), &config, 5);
    // As on a disk that has no room for another file.
    let obstacle = dir.path().join("00000000000000000005.log");
    fs::create_dir(&obstacle).unwrap();
    assert_eq!(log.retain(NOW + 100_000).unwrap().segments, 2);
    assert_eq!((log.segment_bases(), log.start_offset()), (vec![4], 4));
    let held_back = log.retain(NOW + 100_000).unwrap();
    assert_eq!(held_back.segments, 0);
    assert!(held_back.held_back.is_some(), "the caller is told why");
    assert_eq!(files_with(dir.path(), ".deleted"), 0, "there is room now");
    assert_eq!(append(&log, &[b"x"]).first_offset, 5);
    fs::remove_dir(&obstacle).unwrap();
    assert_eq!(log.retain(NOW + 200_000).unwrap().segments, 1);
    assert_eq!((log.start_offset(), log.end_offset()), (6, 6));
}

#[test]
fn segments_go_while_the_rest_is_large_enough() {
    let dir = tempfile::tempdir().unwrap();
    let size = batch(&[b"x"]).len() as u64;
    let config = LogConfig {
        retention_ms: None,
        retention_bytes: Some(5 * size),
        ..LogConfig::default()
    };
    let log = seconds(dir.path(), &config, 10);
    assert_eq!(
        log.retain(NOW).unwrap(),
        Retained {
            segments: 2,
            bytes: 4 * size,
            held_back: None
        }
    );
    assert_eq!(
        log.size(),
        6 * size,
        "one more segment would leave less than retention.bytes"
    );
}

#[test]
fn without_the_delete_policy_only_the_start_offset_removes() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        retention_ms: Some(1),
        retention_bytes: Some(0),
        delete_expired: false,
        ..LogConfig::default()
    };
    let log = seconds(dir.path(), &config, 10);
    assert_eq!(log.retain(i64::MAX).unwrap(), Retained::default());
    assert_eq!(log.delete_records_before(5).unwrap(), 5);
    assert_eq!(log.retain(NOW).unwrap().segments, 2);
    assert_eq!((log.segment_bases()[0], log.start_offset()), (4, 5));
}

#[test]
fn records_before_an_offset_are_unreadable_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), &LogConfig::default());
    append(&log, &[b"0", b"1", b"2", b"3"]);
    assert_eq!(log.delete_records_before(2).unwrap(), 2);
    assert_eq!(
        log.delete_records_before(1).unwrap(),
        2,
        "the start never goes back"
    );
    assert!(matches!(
        log.read(1, 1000, ReadUpTo::End, true),
        Err(LogError::OffsetOutOfRange { .. })
    ));
    assert_eq!(read_all(&log, 2, 1000, ReadUpTo::End).len(), 2);
    for beyond in [5, i64::MAX, -1] {
        assert!(matches!(
            log.delete_records_before(beyond),
            Err(LogError::OffsetOutOfRange { .. })
        ));
    }
    assert_eq!(log.offset_for_timestamp(0).unwrap().unwrap().offset, 2);
    log.delete_records_before(4).unwrap();
    assert_eq!(log.offset_for_timestamp(0).unwrap(), None);
    assert!(log.read(4, 1000, ReadUpTo::End, true).unwrap().is_empty());
}

#[test]
fn nothing_above_the_high_watermark_goes() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        durability: Durability::Synced,
        retention_ms: Some(1),
        ..LogConfig::default()
    };
    let log = seconds(dir.path(), &config, 6);
    assert_eq!(log.retain(i64::MAX).unwrap(), Retained::default());
    assert!(matches!(
        log.delete_records_before(1),
        Err(LogError::OffsetOutOfRange { end: 0, .. })
    ));
    log.flush_to(6).unwrap();
    assert_eq!(log.retain(i64::MAX).unwrap().segments, 3);
}

#[test]
fn files_live_on_for_the_delay_and_slices_for_as_long_as_they_are_held() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        retention_ms: Some(1),
        file_delete_delay_ms: DELAY,
        ..LogConfig::default()
    };
    let log = seconds(dir.path(), &config, 4);
    log.flush_if_due(NOW).unwrap();
    let slice = log.read(0, 1 << 20, ReadUpTo::End, true).unwrap();
    let later = NOW + 1_000_000;
    log.retain(later).unwrap();
    assert_eq!(
        (
            files_with(dir.path(), ".log.deleted"),
            files_with(dir.path(), ".timeindex.deleted")
        ),
        (2, 2)
    );
    log.retain(later + DELAY - 1).unwrap();
    assert_eq!(
        files_with(dir.path(), ".deleted"),
        7,
        "two segments of three files, one snapshot"
    );
    log.retain(later + DELAY).unwrap();
    assert_eq!(files_with(dir.path(), ".deleted"), 0);
    assert_eq!(slice.bytes().unwrap().len(), slice.len());
}

#[test]
fn a_start_offset_behind_the_end_begins_the_log_anew() {
    let dir = tempfile::tempdir().unwrap();
    let log = seconds(dir.path(), &LogConfig::default(), 5);
    drop(log);
    let options = kafkalite_log::OpenOptions {
        log_start_offset: 100,
        now_ms: NOW,
        ..Default::default()
    };
    let (log, recovered) = Log::open(dir.path(), LogConfig::default(), &options).unwrap();
    assert_eq!(
        (
            log.start_offset(),
            log.end_offset(),
            recovered.segments_removed
        ),
        (100, 100, 3)
    );
    assert_eq!(append(&log, &[b"x"]).first_offset, 100);
    assert_eq!(files_with(dir.path(), ".log"), 1);
}
