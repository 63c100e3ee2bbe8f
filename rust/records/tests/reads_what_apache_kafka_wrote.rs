//! Golden files of the Java client: every format and codec gives the records that `golden/README.md` describes.

#![allow(clippy::unwrap_used)] // what the tests share is a test

use std::path::Path;

use bytes::Bytes;
use kafkalite_records::{
    Compression, ControlKind, DecodedBatch, Decompressor, EndTransaction, Entry, Headers, Record,
    RecordBatch, RecordsError, batches,
    legacy::{self, MessageSet},
};

const LIMIT: usize = 1 << 20;

fn golden(name: &str) -> Bytes {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    Bytes::from(std::fs::read(path).unwrap())
}

fn assert_record(record: &Record<'_>, i: i64, magic: i8) {
    assert_eq!(record.offset, 100 + i);
    assert_eq!(
        record.timestamp,
        if magic == 0 {
            -1
        } else {
            1_700_000_000_000 + i
        }
    );
    let key = (i == 1 || i == 3).then(|| format!("key-{i}"));
    assert_eq!(record.key, key.as_ref().map(String::as_bytes));
    let value = match i {
        4 => None,
        5 => Some("abcdefgh".repeat(12_500)),
        _ => Some(format!("value-{i} ").repeat(50)),
    };
    assert_eq!(record.value, value.as_ref().map(String::as_bytes));
    let headers: Vec<_> = record
        .headers
        .clone()
        .map(Result::unwrap)
        .map(|h| (h.name(), h.value))
        .collect();
    if magic == 2 && i == 3 {
        assert_eq!(
            headers,
            [("h".into(), Some(&[1, 2][..])), ("empty".into(), None)]
        );
    } else {
        assert_eq!(headers, []);
    }
}

#[test]
fn batches_of_every_codec() {
    let all = [
        "1.1.1/v2-none",
        "1.1.1/v2-gzip",
        "1.1.1/v2-snappy",
        "1.1.1/v2-lz4",
        "4.3.0/v2-gzip",
        "4.3.0/v2-snappy",
        "4.3.0/v2-lz4",
        "4.3.0/v2-zstd",
    ];
    let mut decompressor = Decompressor::new();
    for name in all {
        let bytes = golden(&format!("kafka-{name}.bin"));
        let batch = RecordBatch::parse(&bytes).unwrap();
        batch.verify_crc().unwrap();
        assert_eq!(batch.bytes().len(), bytes.len());
        assert!(name.ends_with(batch.header().compression().name()));
        let decoded = DecodedBatch::decode(&bytes, &mut decompressor, LIMIT).unwrap();
        let mut count = 0;
        for (i, record) in decoded.records().enumerate() {
            assert_record(&record.unwrap(), i as i64, 2);
            count += 1;
        }
        assert_eq!(count, batch.header().record_count, "{name}");
        assert_eq!(count, if name.ends_with("none") { 5 } else { 6 });
    }
}

#[test]
fn old_messages_of_every_codec() {
    let mut decompressor = Decompressor::new();
    for magic in [0, 1] {
        for codec in &Compression::ALL[..4] {
            let bytes = golden(&format!("kafka-1.1.1/v{magic}-{codec}.bin"));
            let mut walk = legacy::messages(&bytes);
            let mut records = Vec::new();
            let mut start = 0;
            for message in walk.by_ref() {
                let message = message.unwrap();
                message.verify_crc().unwrap();
                assert_eq!((message.magic, message.compression), (magic, *codec));
                let set =
                    MessageSet::decode(&bytes.slice(start..), &mut decompressor, LIMIT).unwrap();
                assert_eq!(set.layouts().last().unwrap().offset, message.offset);
                records.extend(
                    set.layouts()
                        .iter()
                        .map(|layout| (set.payload().clone(), *layout)),
                );
                start += message.bytes().len();
            }
            assert!(walk.rest().is_empty());
            for (i, (payload, layout)) in records.iter().enumerate() {
                assert_record(&layout.of(payload), i as i64, magic);
            }
            assert_eq!(
                records.len(),
                if *codec == Compression::None { 5 } else { 6 }
            );
        }
    }
}

#[test]
fn a_log_of_all_ages() {
    let files = [
        "1.1.1/v0-none",
        "1.1.1/v1-lz4",
        "4.3.0/v2-zstd",
        "1.1.1/v1-none",
    ];
    let log: Vec<u8> = files
        .iter()
        .flat_map(|name| golden(&format!("kafka-{name}.bin")))
        .collect();
    let mut rest = &log[..];
    let mut formats = Vec::new();
    while !rest.is_empty() {
        let entry = Entry::parse(rest).unwrap();
        entry.verify_crc().unwrap();
        assert!(entry.last_offset() >= 100);
        formats.push(match entry {
            Entry::Batch(_) => 2,
            Entry::Message(message) => message.magic,
        });
        rest = &rest[entry.bytes().len()..];
    }
    assert_eq!(formats, [0, 0, 0, 0, 0, 1, 2, 1, 1, 1, 1, 1]);
    assert!(matches!(
        batches(&log).next(),
        Some(Err(RecordsError::UnsupportedMagic { magic: 0 }))
    ));
}

#[test]
fn transaction_markers() {
    for (name, kind) in [
        ("commit", ControlKind::Commit),
        ("abort", ControlKind::Abort),
    ] {
        let bytes = golden(&format!("kafka-4.3.0/marker-{name}.bin"));
        let batch = RecordBatch::parse(&bytes).unwrap();
        batch.verify_crc().unwrap();
        let header = batch.header();
        assert!(header.is_control() && header.is_transactional());
        assert_eq!(
            (
                header.producer_id,
                header.producer_epoch,
                header.base_sequence
            ),
            (42, 5, -1)
        );
        assert_eq!(header.last_sequence(), -1);
        let decoded = DecodedBatch::decode(&bytes, &mut Decompressor::new(), LIMIT).unwrap();
        let record = decoded.records().next().unwrap().unwrap();
        assert_eq!(ControlKind::of(&record), Ok(kind));
        assert_eq!(
            EndTransaction::of(&record),
            Ok(EndTransaction {
                coordinator_epoch: 9
            })
        );
    }
    let other = |key| Record {
        offset: 0,
        timestamp: 0,
        key,
        value: None,
        headers: Headers::EMPTY,
    };
    assert_eq!(
        ControlKind::of(&other(Some(&[0, 0, 0, 2]))),
        Ok(ControlKind::Other(2))
    );
    assert!(ControlKind::of(&other(Some(&[0, 0, 0]))).is_err());
    assert!(ControlKind::of(&other(None)).is_err());
    assert!(EndTransaction::of(&other(None)).is_err());
}
