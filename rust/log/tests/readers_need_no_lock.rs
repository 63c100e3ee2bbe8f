//! Appenders, readers, flushers and retention at once: no reader sees a hole, a torn batch or a value twice.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod support;

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use kafkalite_log::{Durability, Log, LogConfig, LogError, ReadUpTo};
use kafkalite_records::{Records, batches};
use support::{CLIENT, NOW, batch, open};

const APPENDS: i64 = 1500;
const APPENDERS: i64 = 2;

/// Follows the log to its end and checks that offsets are dense and payloads are those that were appended.
fn follow(log: &Log, up_to: ReadUpTo, mapped: bool, done: &AtomicBool) -> i64 {
    let mut offset = log.start_offset();
    let mut seen = 0;
    loop {
        let was_done = done.load(Ordering::Acquire);
        let slice = match log.read(offset, 10_000, up_to, true) {
            Ok(slice) => slice,
            Err(LogError::OffsetOutOfRange { start, .. }) => {
                assert!(start > offset, "only retention moves a reader");
                offset = start;
                continue;
            }
            Err(error) => panic!("{error}"),
        };
        if slice.is_empty() {
            if was_done {
                return seen;
            }
            std::thread::yield_now();
            continue;
        }
        let bytes = if mapped {
            slice.bytes().unwrap()
        } else {
            let mut copied = Vec::new();
            slice.read_into(&mut copied).unwrap();
            copied.into()
        };
        for batch in batches(&bytes) {
            let batch = batch.unwrap();
            batch.verify_crc().unwrap();
            assert!(batch.header().base_offset <= offset && offset < batch.header().next_offset());
            for record in Records::new(batch.header(), batch.records_payload()) {
                assert!(record.unwrap().value.unwrap().starts_with(b"appender "));
                seen += 1;
            }
            offset = batch.header().next_offset();
        }
        // The bytes are published first; the offsets follow without another append.
        while up_to == ReadUpTo::HighWatermark && log.high_watermark() < offset {
            std::thread::yield_now();
        }
        // Whoever has read a message may ask for the next, also in that moment.
        assert!(log.read(offset, 1, up_to, false).is_ok() || log.start_offset() > offset);
    }
}

fn run(config: &LogConfig, retention: bool) {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), config);
    let done = AtomicBool::new(false);
    let left = AtomicI64::new(APPENDERS);
    std::thread::scope(|scope| {
        for appender in 0..APPENDERS {
            let (log, done, left) = (&log, &done, &left);
            scope.spawn(move || {
                for number in 0..APPENDS {
                    let value = format!(
                        "appender {appender} {number} {}",
                        "x".repeat(number as usize % 300)
                    );
                    let appended = log
                        .append(&batch(&[value.as_bytes(), value.as_bytes()]), &CLIENT)
                        .unwrap();
                    if config.durability == Durability::Synced && number % 50 == 0 {
                        log.flush_to(appended.last_offset + 1).unwrap();
                    }
                }
                log.flush().unwrap();
                if left.fetch_sub(1, Ordering::AcqRel) == 1 {
                    done.store(true, Ordering::Release);
                }
            });
        }
        let readers = [
            (ReadUpTo::HighWatermark, true),
            (ReadUpTo::HighWatermark, false),
            (ReadUpTo::End, true),
        ]
        .map(|(up_to, mapped)| {
            scope.spawn({
                let (log, done) = (&log, &done);
                move || follow(log, up_to, mapped, done)
            })
        });
        while !done.load(Ordering::Acquire) {
            if retention {
                log.retain(NOW).unwrap();
            }
            log.offset_of_max_timestamp().unwrap();
            log.offset_for_timestamp(NOW).unwrap();
            std::thread::yield_now();
        }
        for reader in readers {
            let seen = reader.join().unwrap();
            assert!(retention || seen == 2 * APPENDERS * APPENDS, "{seen}");
        }
    });
    assert_eq!(log.end_offset(), 2 * APPENDERS * APPENDS);
}

#[test]
fn readers_see_every_message_once_while_segments_roll() {
    run(
        &LogConfig {
            segment_bytes: 20_000,
            index_interval_bytes: 500,
            ..LogConfig::default()
        },
        false,
    );
}

#[test]
fn readers_of_a_synced_log_stay_below_the_watermark() {
    let durability = Durability::Synced;
    run(
        &LogConfig {
            segment_bytes: 50_000,
            durability,
            ..LogConfig::default()
        },
        false,
    );
}

#[test]
fn retention_moves_readers_forward_and_breaks_none() {
    let config = LogConfig {
        segment_bytes: 20_000,
        retention_bytes: Some(40_000),
        file_delete_delay_ms: 0,
        ..LogConfig::default()
    };
    run(&config, true);
}
