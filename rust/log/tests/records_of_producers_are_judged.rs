//! A producer's word is not taken for what is inside its batches: records are looked at one by one, compressed or not.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod support;

use kafkalite_log::{Log, LogConfig, LogError, RecordFault, StoredCompression};
use kafkalite_records::{
    BatchBuilder, BatchHeader, BatchOrigin, Compression, Compressor, Decompressor, RecordBatch,
    Records, TimestampType,
};
use support::{CLIENT, NOW, append, open, read_batches};

const PRODUCER: BatchOrigin = BatchOrigin {
    producer_id: 7,
    producer_epoch: 1,
    base_sequence: 0,
    transactional: false,
};

type Sent<'a> = (i64, Option<&'a [u8]>, &'a [u8]);
type Stored = (i64, i64, Option<Vec<u8>>, Vec<u8>);

/// A batch in `codec`, also where that does not make it smaller, with what `lie` says in its header; the checksum is right.
fn batch_in(
    codec: Compression,
    records: &[Sent<'_>],
    lie: impl FnOnce(&mut BatchHeader),
) -> Vec<u8> {
    let mut builder = BatchBuilder::new(1 << 24);
    for (timestamp, key, value) in records {
        assert!(builder.try_append(*timestamp, *key, Some(value), &[]));
    }
    let mut none = Compressor::new(Compression::None, None).unwrap();
    let plain = builder.build(0, PRODUCER, &mut none).unwrap();
    let plain = RecordBatch::parse(&plain).unwrap();
    let mut compressor = Compressor::new(codec, None).unwrap();
    let payload = compressor.compress(plain.records_payload());
    let mut header = plain.header().over(codec, payload).unwrap();
    lie(&mut header);
    [&header.sealed(payload).to_bytes()[..], payload].concat()
}

fn as_it_is(_: &mut BatchHeader) {}

/// A header over bytes that no codec has written.
fn with_payload(codec: Compression, payload: &[u8]) -> Vec<u8> {
    let bytes = batch_in(Compression::None, &[(NOW, None, b"v")], as_it_is);
    let header = BatchHeader::parse(&bytes).unwrap();
    let header = header.over(codec, payload).unwrap().sealed(payload);
    [&header.to_bytes()[..], payload].concat()
}

fn refused(bytes: &[u8], config: &LogConfig) -> LogError {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), config);
    let error = log.append(bytes, &CLIENT).unwrap_err();
    assert_eq!((log.end_offset(), log.size()), (0, 0), "{error}");
    log.reconfigure(LogConfig::default());
    assert_eq!(append(&log, &[b"good"]).first_offset, 0);
    error
}

fn blamed(mut error: LogError) -> Vec<usize> {
    let faults = error.take_records();
    faults
        .into_iter()
        .map(|RecordFault { index, .. }| index)
        .collect()
}

fn limits() -> LogConfig {
    LogConfig {
        timestamp_before_max_ms: 500,
        timestamp_after_max_ms: 300,
        ..LogConfig::default()
    }
}

/// Offset, timestamp, key and value of all records of a log.
fn contents(log: &Log) -> Vec<Stored> {
    let slice = log
        .read(0, 1 << 24, kafkalite_log::ReadUpTo::End, true)
        .unwrap();
    let bytes = slice.bytes().unwrap();
    let mut found = Vec::new();
    for batch in kafkalite_records::batches(&bytes) {
        let batch = batch.unwrap();
        batch.verify_crc().unwrap();
        let payload = batch.decompress(&mut Decompressor::new(), 1 << 24).unwrap();
        for record in Records::new(batch.header(), &payload) {
            let record = record.unwrap();
            let key = record.key.map(<[u8]>::to_vec);
            found.push((
                record.offset,
                record.timestamp,
                key,
                record.value.unwrap().to_vec(),
            ));
        }
    }
    found
}

#[test]
fn the_limits_of_time_hold_for_each_record_and_all_that_break_them_are_named() {
    let records = [NOW, NOW - 501, NOW + 300, NOW + 301, -1, NOW - 500, -5];
    let records = records.map(|timestamp| (timestamp, Some(&b"k"[..]), &b"v"[..]));
    for codec in Compression::ALL {
        // The header is as modest as can be.
        let bytes = batch_in(codec, &records, |header| header.max_timestamp = NOW);
        let error = refused(&bytes, &limits());
        let first =
            matches!(error, LogError::InvalidTimestamp { timestamp, .. } if timestamp == NOW - 501);
        assert!(first, "{codec}: {error}");
        assert_eq!(blamed(error), [1, 3, 6], "{codec}");
    }
}

#[test]
fn the_header_says_what_its_records_say_whatever_the_producer_said() {
    for codec in Compression::ALL {
        for claimed in [-1, 0, NOW - 1000, NOW, NOW + 100, i64::MAX] {
            let dir = tempfile::tempdir().unwrap();
            let (log, _) = open(dir.path(), &limits());
            let records = [NOW - 400, NOW + 20, NOW - 200].map(|t| (t, None, &b"v"[..]));
            let bytes = batch_in(codec, &records, |header| header.max_timestamp = claimed);
            log.append(&bytes, &CLIENT).unwrap();
            assert_eq!(
                read_batches(&log, 0)[0].max_timestamp,
                NOW + 20,
                "{codec} {claimed}"
            );
            let times: Vec<_> = contents(&log).iter().map(|record| record.1).collect();
            assert_eq!(times, [NOW - 400, NOW + 20, NOW - 200]);
            for (searched, offset) in [(NOW - 300, Some(1)), (NOW + 20, Some(1)), (NOW + 21, None)]
            {
                let found = log.offset_for_timestamp(searched).unwrap();
                assert_eq!(found.map(|found| found.offset), offset, "{codec} {claimed}");
            }
            assert_eq!(log.offset_of_max_timestamp().unwrap().unwrap().offset, 1);
        }
    }
}

#[test]
fn a_batch_without_any_time_is_stored_without_one() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), &limits());
    let bytes = batch_in(Compression::None, &[(-1, None, b"v")], |header| {
        header.max_timestamp = NOW;
    });
    log.append(&bytes, &CLIENT).unwrap();
    assert_eq!(read_batches(&log, 0)[0].max_timestamp, -1);
}

#[test]
fn a_compressed_batch_holds_what_its_header_says() {
    let records = [
        (NOW, None, &b"one"[..]),
        (NOW, None, b"two"),
        (NOW, None, b"three"),
    ];
    for codec in Compression::ALL {
        for count in [2, 5] {
            let lie = |header: &mut BatchHeader| {
                header.record_count = count;
                header.last_offset_delta = count - 1;
            };
            let error = refused(&batch_in(codec, &records, lie), &LogConfig::default());
            let named = format!("record {}", count.min(3));
            let invalid =
                matches!(&error, LogError::InvalidRecord { reason, .. } if reason.contains(&named));
            assert!(invalid, "{codec} {count}: {error}");
        }
    }
}

#[test]
fn what_no_codec_has_written_is_refused_and_taken_where_producers_are_trusted() {
    let trusting = LogConfig {
        check_compressed: false,
        ..LogConfig::default()
    };
    for codec in Compression::ALL.into_iter().skip(1) {
        let bytes = with_payload(
            codec,
            b"what is this? neither a frame nor a stream of any codec",
        );
        let error = refused(&bytes, &LogConfig::default());
        assert!(
            matches!(error, LogError::Undecodable { .. }),
            "{codec}: {error}"
        );
        let dir = tempfile::tempdir().unwrap();
        open(dir.path(), &trusting)
            .0
            .append(&bytes, &CLIENT)
            .unwrap();
        // Who needs the keys, or other bytes, looks all the same.
        let compacted = LogConfig {
            compacted: true,
            ..trusting.clone()
        };
        let recompressing = LogConfig {
            compression: Some(StoredCompression {
                codec: Compression::None,
                level: None,
            }),
            ..trusting.clone()
        };
        for config in [compacted, recompressing] {
            assert!(matches!(
                refused(&bytes, &config),
                LogError::Undecodable { .. }
            ));
        }
    }
}

#[test]
fn a_trusted_header_is_still_judged_by_its_times() {
    let config = LogConfig {
        check_compressed: false,
        ..limits()
    };
    let records = [(NOW, None, &b"v"[..])];
    for claimed in [NOW + 301, NOW - 501] {
        let bytes = batch_in(Compression::Lz4, &records, |header| {
            header.max_timestamp = claimed;
        });
        let error = refused(&bytes, &config);
        assert!(
            matches!(error, LogError::InvalidTimestamp { timestamp, .. } if timestamp == claimed)
        );
    }
}

#[test]
fn every_record_of_a_compacted_log_needs_its_key() {
    let config = LogConfig {
        compacted: true,
        timestamp_after_max_ms: 300,
        ..LogConfig::default()
    };
    let (keyless, keyed) = ((NOW, None, &b"v"[..]), (NOW, Some(&b"k"[..]), &b"v"[..]));
    for codec in Compression::ALL {
        let bytes = batch_in(codec, &[keyless, keyed, keyless, keyless], as_it_is);
        let error = refused(&bytes, &config);
        assert!(matches!(error, LogError::InvalidRecord { .. }), "{error}");
        assert_eq!(blamed(error), [0, 2, 3], "{codec}");
        // A wrong time gives the error its name; all that is wrong is named.
        let late = (NOW + 301, Some(&b"k"[..]), &b"v"[..]);
        let error = refused(&batch_in(codec, &[keyless, late], as_it_is), &config);
        assert!(
            matches!(error, LogError::InvalidTimestamp { .. }),
            "{error}"
        );
        assert_eq!(blamed(error), [0, 1], "{codec}");
    }
}

#[test]
fn a_record_is_limited_once_it_is_decompressed() {
    let config = LogConfig {
        max_decompressed_message_bytes: 100,
        ..LogConfig::default()
    };
    // Attributes, two deltas, the key, the value's length of two bytes, no headers: eight bytes more than the value.
    let (fits, does_not) = ([b'x'; 92], [b'x'; 93]);
    for codec in Compression::ALL {
        let dir = tempfile::tempdir().unwrap();
        let (log, _) = open(dir.path(), &config);
        let key = Some(&b"k"[..]);
        log.append(&batch_in(codec, &[(NOW, key, &fits)], as_it_is), &CLIENT)
            .unwrap();
        let larger = batch_in(codec, &[(NOW, key, &fits), (NOW, key, &does_not)], as_it_is);
        if codec == Compression::None {
            let dir = tempfile::tempdir().unwrap();
            open(dir.path(), &config)
                .0
                .append(&larger, &CLIENT)
                .unwrap();
        } else {
            assert_eq!(blamed(refused(&larger, &config)), [1], "{codec}");
        }
    }
}

#[test]
fn who_has_little_time_hears_that_a_batch_is_large_and_has_written_nothing() {
    let large = vec![0; 100_000];
    for codec in Compression::ALL.into_iter().skip(1) {
        let dir = tempfile::tempdir().unwrap();
        let (log, _) = open(dir.path(), &LogConfig::default());
        let bytes = batch_in(codec, &[(NOW, None, &large)], as_it_is);
        let batch = RecordBatch::parse(&bytes).unwrap();
        let error = log.append_batch(&batch, &CLIENT, 99_999).unwrap_err();
        assert!(
            matches!(error, LogError::DecompressedTooLarge { limit: 99_999 }),
            "{error}"
        );
        assert_eq!(log.end_offset(), 0);
        log.append_batch(&batch, &CLIENT, 101_000).unwrap();
        assert_eq!(log.end_offset(), 1);
    }
}

#[test]
fn a_log_compresses_what_it_takes_as_it_was_told_and_loses_nothing() {
    let values = ["a".repeat(300), "b".repeat(5000), String::new()];
    let records = [
        (NOW + 3, Some(&b"k"[..]), values[0].as_bytes()),
        (NOW + 5, None, values[1].as_bytes()),
        (NOW + 1, Some(&b""[..]), values[2].as_bytes()),
    ];
    for (sent, stored) in Compression::ALL
        .into_iter()
        .flat_map(|sent| Compression::ALL.map(|stored| (sent, stored)))
    {
        for timestamp_type in [TimestampType::Create, TimestampType::LogAppend] {
            let dir = tempfile::tempdir().unwrap();
            let config = LogConfig {
                compression: Some(StoredCompression {
                    codec: stored,
                    level: None,
                }),
                timestamp_type,
                ..LogConfig::default()
            };
            let (log, _) = open(dir.path(), &config);
            let bytes = batch_in(sent, &records, |header| header.max_timestamp = -1);
            let appended = log.append(&bytes, &CLIENT).unwrap();
            assert_eq!((appended.last_offset, appended.size), (2, log.size()));
            let header = read_batches(&log, 0)[0];
            assert_eq!(header.compression(), stored, "{sent} to {stored}");
            assert_eq!((header.producer_id, header.producer_epoch), (7, 1));
            assert_eq!((header.base_sequence, header.last_sequence()), (0, 2));
            if stored == sent {
                assert_eq!(appended.size, bytes.len() as u64);
            }
            let create = timestamp_type == TimestampType::Create;
            let expected: Vec<_> = (0..)
                .zip(records)
                .map(|(offset, (timestamp, key, value))| {
                    let timestamp = if create { timestamp } else { NOW };
                    (offset, timestamp, key.map(<[u8]>::to_vec), value.to_vec())
                })
                .collect();
            assert_eq!(contents(&log), expected, "{sent} to {stored}");
        }
    }
}

#[test]
fn what_compression_makes_too_large_is_too_large() {
    let config = LogConfig {
        max_message_bytes: 200,
        compression: Some(StoredCompression {
            codec: Compression::None,
            level: None,
        }),
        ..LogConfig::default()
    };
    let bytes = batch_in(Compression::Zstd, &[(NOW, None, &[b'x'; 300])], as_it_is);
    assert!(bytes.len() < 200);
    let error = refused(&bytes, &config);
    assert!(
        matches!(error, LogError::BatchTooLarge { size, limit: 200 } if size > 300),
        "{error}"
    );
}
