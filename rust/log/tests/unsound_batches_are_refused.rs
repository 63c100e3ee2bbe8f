//! What an append must not let in. In each case nothing is written and the next append goes on as if nothing had been.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod support;

use kafkalite_log::producers::Origin;
use kafkalite_log::{AppendOptions, LogConfig, LogError};
use kafkalite_records::{Attributes, BatchHeader, Compression};
use support::{CLIENT, NOW, batch, batch_at, open};

fn refusal(bytes: &[u8], config: &LogConfig, options: &AppendOptions) -> LogError {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), config);
    let error = log.append(bytes, options).unwrap_err();
    assert_eq!((log.end_offset(), log.size()), (0, 0), "{error}");
    log.reconfigure(LogConfig::default());
    assert_eq!(support::append(&log, &[b"good"]).first_offset, 0);
    error
}

fn refused(bytes: &[u8]) -> LogError {
    refusal(bytes, &LogConfig::default(), &CLIENT)
}

/// A sound batch but for what `change` does to its header; the checksum is right.
fn with_header(change: impl FnOnce(&mut BatchHeader)) -> Vec<u8> {
    let bytes = batch(&[b"0", b"1"]);
    let mut header = BatchHeader::parse(&bytes).unwrap();
    change(&mut header);
    let payload = &bytes[BatchHeader::LEN..];
    [&header.sealed(payload).to_bytes(), payload].concat()
}

#[test]
fn every_flipped_byte_under_the_checksum_is_corrupt() {
    let sound = batch(&[b"value"]);
    for at in (8..12).chain(16..sound.len()) {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x10;
        let error = refused(&bytes);
        let known = matches!(
            error,
            LogError::CorruptBatch { .. } | LogError::BatchTooLarge { .. }
        );
        assert!(known, "byte {at}: {error}");
    }
}

#[test]
fn batches_that_end_too_early_or_have_something_behind_them_are_corrupt() {
    let sound = batch(&[b"value"]);
    for len in 0..sound.len() {
        assert!(
            matches!(refused(&sound[..len]), LogError::CorruptBatch { .. }),
            "{len} bytes"
        );
    }
    assert!(matches!(
        refused(&[&sound[..], b"x"].concat()),
        LogError::CorruptBatch { .. }
    ));
    assert!(matches!(
        refused(&[&sound[..], &sound[..70]].concat()),
        LogError::CorruptBatch { .. }
    ));
}

#[test]
fn old_formats_are_named() {
    for magic in [0, 1] {
        let mut bytes = batch(&[b"value"]);
        bytes[16] = magic;
        assert!(
            matches!(refused(&bytes), LogError::UnsupportedFormat { magic: found } if found == magic as i8)
        );
    }
    let mut bytes = batch(&[b"value"]);
    bytes[16] = 3;
    assert!(matches!(refused(&bytes), LogError::CorruptBatch { .. }));
}

#[test]
fn what_only_brokers_may_write_is_invalid_from_a_client() {
    let control = with_header(|header| {
        header.attributes = Attributes::new(Compression::None).with_control(true);
    });
    let sparse = with_header(|header| header.last_offset_delta = 5);
    let empty = with_header(|header| header.record_count = 0);
    let placed = with_header(|header| header.base_offset = 7);
    for bytes in [control, sparse, empty, placed] {
        assert!(matches!(refused(&bytes), LogError::InvalidRecord { .. }));
    }
}

#[test]
fn counts_that_lie_are_corrupt() {
    for bytes in [
        with_header(|header| header.record_count = -1),
        with_header(|header| header.record_count = 3),
        with_header(|header| header.last_offset_delta = -1),
    ] {
        assert!(matches!(refused(&bytes), LogError::CorruptBatch { .. }));
    }
}

#[test]
fn a_batch_over_the_limit_is_too_large_and_one_over_the_segment_too() {
    let bytes = batch(&[&[b'x'; 1000]]);
    let size = bytes.len();
    let limit = |max_message_bytes| LogConfig {
        max_message_bytes,
        ..LogConfig::default()
    };
    let error = refusal(&bytes, &limit(size as u32 - 1), &CLIENT);
    assert!(
        matches!(error, LogError::BatchTooLarge { size: found, limit } if (found, limit) == (size, size - 1))
    );
    let dir = tempfile::tempdir().unwrap();
    open(dir.path(), &limit(size as u32))
        .0
        .append(&bytes, &CLIENT)
        .unwrap();

    let config = LogConfig {
        segment_bytes: size as u32,
        ..LogConfig::default()
    };
    let error = refusal(&[&bytes[..], &bytes].concat(), &config, &CLIENT);
    assert!(matches!(error, LogError::AppendTooLarge { .. }));
}

#[test]
fn timestamps_outside_of_the_limits_are_named() {
    let config = LogConfig {
        timestamp_before_max_ms: 500,
        timestamp_after_max_ms: 300,
        ..LogConfig::default()
    };
    for timestamp in [NOW - 501, NOW + 301, 0, i64::MAX] {
        let error = refusal(&batch_at(timestamp, &[b"x"]), &config, &CLIENT);
        assert!(
            matches!(error, LogError::InvalidTimestamp { timestamp: found, .. } if found == timestamp)
        );
    }
    for timestamp in [NOW - 500, NOW + 300, -1] {
        let dir = tempfile::tempdir().unwrap();
        open(dir.path(), &config)
            .0
            .append(&batch_at(timestamp, &[b"x"]), &CLIENT)
            .unwrap();
    }
}

#[test]
fn a_replica_keeps_its_offsets_and_may_not_go_back() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), &LogConfig::default());
    let replica = AppendOptions {
        origin: Origin::Replica,
        ..CLIENT
    };
    log.append(&with_header(|header| header.base_offset = 7), &replica)
        .unwrap();
    assert_eq!(
        (
            log.end_offset(),
            support::read_batches(&log, 7)[0].base_offset
        ),
        (9, 7)
    );
    let error = log
        .append(&with_header(|header| header.base_offset = 8), &replica)
        .unwrap_err();
    assert!(matches!(error, LogError::InvalidRecord { .. }));
    log.append(
        &with_header(|header| header.base_offset = 1 << 40),
        &replica,
    )
    .unwrap();
    assert_eq!(
        log.segment_bases(),
        [0, 1 << 40],
        "too far for a 32-bit offset in the indexes"
    );
}

#[test]
fn one_bad_batch_of_several_refuses_all() {
    let mut bad = batch(&[b"bad"]);
    *bad.last_mut().unwrap() ^= 1;
    assert!(matches!(
        refused(&[batch(&[b"good"]), bad].concat()),
        LogError::CorruptBatch { .. }
    ));
}
