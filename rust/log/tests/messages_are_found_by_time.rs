//! Offsets for timestamps, and of the largest.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod support;

use kafkalite_log::{Log, LogConfig, TimestampedOffset};
use kafkalite_records::{BatchBuilder, BatchOrigin, Compression, Compressor, TimestampType};
use support::{CLIENT, NOW, open, open_clean};

/// Appends one batch whose records have these timestamps.
fn append(log: &Log, timestamps: &[i64], codec: Compression) {
    let mut builder = BatchBuilder::new(1 << 20);
    for timestamp in timestamps {
        assert!(builder.try_append(*timestamp, None, Some(&[b'x'; 100]), &[]));
    }
    let mut compressor = Compressor::new(codec, None).unwrap();
    let batch = builder
        .build(0, BatchOrigin::ANONYMOUS, &mut compressor)
        .unwrap();
    log.append(&batch, &CLIENT).unwrap();
}

#[allow(clippy::unnecessary_wraps, reason = "every use wants an Option")]
fn at(offset: i64, timestamp: i64) -> Option<TimestampedOffset> {
    Some(TimestampedOffset {
        offset,
        timestamp,
        leader_epoch: 0,
    })
}

#[test]
fn every_message_is_found_by_its_time_across_segments_and_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        segment_bytes: 3000,
        index_interval_bytes: 300,
        ..LogConfig::default()
    };
    let (log, _) = open(dir.path(), &config);
    let all = [
        Compression::None,
        Compression::Gzip,
        Compression::Snappy,
        Compression::Lz4,
        Compression::Zstd,
    ];
    for batch in 0..60 {
        let first = NOW - 100_000 + batch * 30;
        append(
            &log,
            &[first, first + 10, first + 20],
            all[batch as usize % all.len()],
        );
    }
    assert!(log.segment_bases().len() > 3);
    let check = |log: &Log| {
        for offset in 0..180 {
            let timestamp = NOW - 100_000 + offset * 10;
            assert_eq!(
                log.offset_for_timestamp(timestamp).unwrap(),
                at(offset, timestamp)
            );
            assert_eq!(
                log.offset_for_timestamp(timestamp - 9).unwrap(),
                at(offset, timestamp)
            );
        }
        assert_eq!(log.offset_for_timestamp(NOW).unwrap(), None);
        assert_eq!(log.offset_for_timestamp(0).unwrap(), at(0, NOW - 100_000));
        assert_eq!(
            log.offset_of_max_timestamp().unwrap(),
            at(179, NOW - 100_000 + 1790)
        );
    };
    check(&log);
    log.close().unwrap();
    drop(log);
    check(&open_clean(dir.path(), &config).0);
    check(&open(dir.path(), &config).0);
}

#[test]
fn times_out_of_order_give_the_first_that_is_late_enough() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        segment_bytes: 700,
        index_interval_bytes: 0,
        ..LogConfig::default()
    };
    let (log, _) = open(dir.path(), &config);
    let times = [5, 3, 9, 1, 9, 4, 7, 2, 8, 8];
    for time in times {
        append(&log, &[NOW + time], Compression::None);
    }
    for wanted in 0..11 {
        let first = times.iter().position(|time| *time >= wanted);
        let expected = first.and_then(|first| at(first as i64, NOW + times[first]));
        assert_eq!(
            log.offset_for_timestamp(NOW + wanted).unwrap(),
            expected,
            "{wanted}"
        );
    }
    assert_eq!(
        log.offset_of_max_timestamp().unwrap(),
        at(2, NOW + 9),
        "the first of the largest"
    );
}

#[test]
fn an_empty_log_and_one_without_timestamps_have_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), &LogConfig::default());
    assert_eq!(log.offset_for_timestamp(0).unwrap(), None);
    assert_eq!(log.offset_of_max_timestamp().unwrap(), None);
    append(&log, &[-1, -1], Compression::None);
    assert_eq!(log.offset_for_timestamp(0).unwrap(), None);
    assert_eq!(log.offset_of_max_timestamp().unwrap(), None);
}

#[test]
fn the_logs_own_clock_stamps_every_record() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        timestamp_type: TimestampType::LogAppend,
        ..LogConfig::default()
    };
    let (log, _) = open(dir.path(), &config);
    append(&log, &[1, 2, i64::MAX / 2], Compression::Zstd);
    assert_eq!(log.offset_for_timestamp(5).unwrap(), at(0, NOW));
    assert_eq!(log.offset_of_max_timestamp().unwrap(), at(0, NOW));
    assert_eq!(
        support::read_batches(&log, 0)[0].timestamp_type(),
        TimestampType::LogAppend
    );
}
