//! Batches written down to the older formats: as Apache Kafka writes these, with all offsets kept.

#![allow(clippy::unwrap_used)] // what the tests share is a test

use std::path::Path;

use bytes::Bytes;
use kafkalite_records::{
    Attributes, BatchBuilder, BatchFilter, BatchHeader, BatchOrigin, Compression, Compressor,
    Decompressor, DownBounds, DownConverter, Entry, Filtered, Record, RecordBatch, RecordsError,
    TimestampType,
    legacy::{self, MessageFormat, MessageSet},
};
use proptest::{
    collection::vec,
    prelude::{Just, any, prop_assert, prop_assert_eq, prop_oneof, proptest},
    test_runner::Config,
};

const FORMATS: [MessageFormat; 2] = [MessageFormat::V0, MessageFormat::V1];
const OF_OLD: [Compression; 4] = [
    Compression::None,
    Compression::Gzip,
    Compression::Snappy,
    Compression::Lz4,
];
const ALL: DownBounds = DownBounds {
    from: 0,
    enough: usize::MAX,
    decompressed: 1 << 20,
};

/// Offset, timestamp, key, value.
type Owned = (i64, i64, Option<Vec<u8>>, Option<Vec<u8>>);

fn golden(name: &str) -> Bytes {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    Bytes::from(std::fs::read(path).unwrap())
}

fn written(entry: &[u8], format: MessageFormat, bounds: &DownBounds) -> Bytes {
    let mut out = Vec::new();
    DownConverter::new(format)
        .write(&Entry::parse(entry).unwrap(), bounds, &mut out)
        .unwrap();
    out.into()
}

/// The messages of a set with what is inside of each, as it is for wrapped ones after decompression.
fn opened(set: &Bytes) -> Vec<(i64, i64, Compression, Vec<u8>)> {
    let mut walk = legacy::messages(set);
    let mut found = Vec::new();
    for message in walk.by_ref() {
        let message = message.unwrap();
        message.verify_crc().unwrap();
        let inside = match message.compression {
            Compression::None => message.bytes().to_vec(),
            codec => {
                assert_eq!(message.key(), None);
                let wrapped = message.value().unwrap();
                let decompressed = Decompressor::new().decompress(codec, wrapped, 1 << 24);
                decompressed.unwrap()
            }
        };
        found.push((
            message.offset,
            message.timestamp,
            message.compression,
            inside,
        ));
    }
    assert!(walk.rest().is_empty());
    found
}

/// The records of a set as a consumer reads them.
fn records(set: &Bytes) -> Vec<Owned> {
    let mut found = Vec::new();
    let mut start = 0;
    for message in legacy::messages(set) {
        let message = message.unwrap();
        let rest = set.slice(start..);
        let inner = MessageSet::decode(&rest, &mut Decompressor::new(), 1 << 28).unwrap();
        found.extend(inner.layouts().iter().map(|layout| {
            let record = layout.of(inner.payload());
            (
                record.offset,
                record.timestamp,
                record.key.map(<[u8]>::to_vec),
                record.value.map(<[u8]>::to_vec),
            )
        }));
        start += message.bytes().len();
    }
    found
}

/// A batch of records at offset 100 that is worth compressing, each a millisecond older than the one before.
fn batch(codec: Compression, count: i64) -> Bytes {
    let mut builder = BatchBuilder::new(usize::MAX);
    for number in 0..count {
        let (key, value) = (format!("k{number}"), format!("v{number} ").repeat(30));
        assert!(builder.try_append(
            2000 - number,
            Some(key.as_bytes()),
            Some(value.as_bytes()),
            &[]
        ));
    }
    let mut compressor = Compressor::new(codec, None).unwrap();
    let bytes = builder
        .build(100, BatchOrigin::ANONYMOUS, &mut compressor)
        .unwrap();
    let header = *RecordBatch::parse(&bytes).unwrap().header();
    assert_eq!(header.compression(), codec);
    bytes
}

#[test]
fn the_bytes_are_those_that_apache_kafka_writes() {
    for codec in OF_OLD {
        let batch = golden(&format!("kafka-1.1.1/v2-{codec}.bin"));
        for format in FORMATS {
            let magic = format.magic();
            let kafkas = golden(&format!("kafka-1.1.1/v{magic}-{codec}.bin"));
            let ours = written(&batch, format, &ALL);
            if codec == Compression::None {
                assert_eq!(ours, kafkas);
            }
            assert_eq!(opened(&ours), opened(&kafkas), "{codec} {magic}");
        }
    }
}

#[test]
fn lz4_in_format_0_has_the_header_that_clients_of_that_time_insist_on() {
    let header = |set: &Bytes| {
        let wrapper = legacy::messages(set).next().unwrap().unwrap();
        wrapper.value().unwrap()[..7].to_vec()
    };
    let batch = golden("kafka-1.1.1/v2-lz4.bin");
    for (format, name) in FORMATS.iter().zip(["v0-lz4", "v1-lz4"]) {
        let kafkas = golden(&format!("kafka-1.1.1/{name}.bin"));
        assert_eq!(header(&written(&batch, *format, &ALL)), header(&kafkas));
    }
}

#[test]
fn format_1_of_an_old_log_stays_or_becomes_format_0() {
    for codec in OF_OLD {
        let of_log = golden(&format!("kafka-1.1.1/v1-{codec}.bin"));
        let first = legacy::messages(&of_log).next().unwrap().unwrap();
        let same = written(&of_log, MessageFormat::V1, &ALL);
        assert_eq!(same, first.bytes());

        let mut older = Vec::new();
        let mut converter = DownConverter::new(MessageFormat::V0);
        for message in legacy::messages(&of_log) {
            let entry = Entry::Message(message.unwrap());
            converter.write(&entry, &ALL, &mut older).unwrap();
        }
        let kafkas = golden(&format!("kafka-1.1.1/v0-{codec}.bin"));
        assert_eq!(opened(&older.into()), opened(&kafkas), "{codec}");
    }
}

#[test]
fn holes_that_compaction_left_stay_and_what_is_before_the_bounds_is_left_out() {
    for codec in OF_OLD {
        let whole = batch(codec, 10);
        let mut filter = BatchFilter::new();
        let parsed = RecordBatch::parse(&whole).unwrap();
        let kept = filter.filter(&parsed, 1 << 20, None, |record| {
            [102, 103, 107].contains(&record.offset)
        });
        let Ok(Filtered::Changed { batch, .. }) = kept else {
            panic!("{kept:?}");
        };
        for format in FORMATS {
            let offsets = |from| -> Vec<i64> {
                let set = written(batch, format, &DownBounds { from, ..ALL });
                records(&set).iter().map(|record| record.0).collect()
            };
            assert_eq!(offsets(0), [102, 103, 107]);
            assert_eq!(offsets(103), [103, 107]);
            assert_eq!(offsets(104), [107]);
            // The batch goes to 109: a consumer that asks for 108 must not get the same again.
            assert_eq!(offsets(108), [0; 0]);
        }
    }
}

#[test]
fn times_are_kept_in_format_1_and_lost_in_format_0() {
    for codec in OF_OLD {
        let created = batch(codec, 3);
        let header = *RecordBatch::parse(&created).unwrap().header();
        let payload = &created[BatchHeader::LEN..];
        let appended = header.stamped(7777).sealed(payload).to_bytes();
        let appended = [&appended[..], payload].concat();
        let times = |bytes: &[u8], format| -> Vec<i64> {
            let set = written(bytes, format, &ALL);
            records(&set).iter().map(|record| record.1).collect()
        };
        assert_eq!(times(&created, MessageFormat::V1), [2000, 1999, 1998]);
        assert_eq!(times(&appended, MessageFormat::V1), [7777; 3]);
        assert_eq!(times(&created, MessageFormat::V0), [-1; 3]);

        let set = written(&created, MessageFormat::V1, &ALL);
        let first = legacy::messages(&set).next().unwrap().unwrap();
        assert_eq!(
            (first.timestamp, first.timestamp_type),
            (2000, TimestampType::Create)
        );
        let set = written(&appended, MessageFormat::V1, &ALL);
        let first = legacy::messages(&set).next().unwrap().unwrap();
        assert_eq!(
            (first.timestamp, first.timestamp_type),
            (7777, TimestampType::LogAppend)
        );
    }
}

#[test]
fn what_is_for_brokers_is_left_out_and_zstd_is_an_error() {
    let mut out = b"before".to_vec();
    let mut converter = DownConverter::new(MessageFormat::V1);
    let mut write = |bytes: &[u8], out: &mut Vec<u8>| {
        let entry = Entry::parse(bytes).unwrap();
        converter.write(&entry, &ALL, out)
    };
    let marker = golden("kafka-4.3.0/marker-commit.bin");
    assert_eq!(write(&marker, &mut out), Ok(()));
    let empty = RecordBatch::parse(&batch(Compression::Gzip, 3))
        .unwrap()
        .header()
        .emptied()
        .to_bytes();
    assert_eq!(write(&empty, &mut out), Ok(()));
    let refused = RecordsError::CompressionNotInFormat {
        codec: Compression::Zstd,
        magic: 1,
    };
    assert_eq!(
        write(&batch(Compression::Zstd, 3), &mut out),
        Err(refused.clone())
    );
    assert_eq!(
        refused.to_string(),
        "record format 1 has no zstd; it has gzip, snappy and lz4"
    );
    assert_eq!(out, b"before");
}

#[test]
fn nothing_is_begun_when_there_is_enough_but_the_first_message_comes() {
    let uncompressed = batch(Compression::None, 10);
    let one = DownBounds { enough: 0, ..ALL };
    let first = written(&uncompressed, MessageFormat::V1, &one);
    assert_eq!(records(&first).len(), 1);
    let bounds = DownBounds {
        from: 103,
        enough: first.len() * 2,
        ..ALL
    };
    let two = written(&uncompressed, MessageFormat::V1, &bounds);
    let offsets: Vec<i64> = records(&two).iter().map(|record| record.0).collect();
    assert_eq!(offsets, [103, 104]);
    // A wrapper is one message.
    let wrapper = written(&batch(Compression::Gzip, 10), MessageFormat::V1, &one);
    assert_eq!(records(&wrapper).len(), 10);
}

#[test]
fn a_batch_that_is_far_larger_inside_becomes_several_wrappers() {
    let mut builder = BatchBuilder::new(usize::MAX);
    let value = vec![0; 1 << 20];
    for _ in 0..18 {
        assert!(builder.try_append(1, None, Some(&value), &[]));
    }
    let mut compressor = Compressor::new(Compression::Snappy, None).unwrap();
    let bomb = builder
        .build(0, BatchOrigin::ANONYMOUS, &mut compressor)
        .unwrap();
    assert!(bomb.len() < 1 << 20);

    let entry = Entry::parse(&bomb).unwrap();
    let mut converter = DownConverter::new(MessageFormat::V1);
    let small = converter.write(&entry, &ALL, &mut Vec::new());
    assert_eq!(small, Err(RecordsError::TooLarge { limit: 1 << 20 }));

    let mut next = 0;
    let mut sets = Vec::new();
    while next < 18 {
        let mut set = Vec::new();
        let bounds = DownBounds {
            from: next,
            enough: 1,
            decompressed: 64 << 20,
        };
        converter.write(&entry, &bounds, &mut set).unwrap();
        let found = records(&set.into());
        assert!(
            found
                .iter()
                .map(|record| record.0)
                .eq(next..next + found.len() as i64)
        );
        sets.push(found.len());
        next += found.len() as i64;
    }
    assert_eq!(sets, [16, 2]);
}

proptest! {
    #![proptest_config(Config { cases: 64, failure_persistence: None, ..Config::default() })]

    /// A consumer that asks again behind what it got, in a log that compaction has gone over.
    #[test]
    fn whatever_fits_into_an_answer_every_record_comes_once_and_in_order(
        batches in vec((0..4_usize, vec((any::<bool>(), 0..300_usize), 1..20)), 1..6),
        enough in 0..3000_usize,
        format in prop_oneof![Just(MessageFormat::V0), Just(MessageFormat::V1)],
    ) {
        let (mut log, mut expected, mut offset) = (Vec::new(), Vec::new(), 0);
        for (codec, records) in batches {
            let mut builder = BatchBuilder::new(usize::MAX);
            let base = offset;
            for (stays, length) in &records {
                let value = vec![b'v'; *length];
                prop_assert!(builder.try_append(offset, None, Some(&value), &[]));
                if *stays {
                    expected.push((offset, *length));
                }
                offset += 1;
            }
            let mut compressor = Compressor::new(OF_OLD[codec], None).unwrap();
            let batch = builder.build(base, BatchOrigin::ANONYMOUS, &mut compressor).unwrap();
            let parsed = RecordBatch::parse(&batch).unwrap();
            let stays = |record: &Record<'_>| records[(record.offset - base) as usize].0;
            match BatchFilter::new().filter(&parsed, 1 << 20, None, stays).unwrap() {
                Filtered::Unchanged => log.push(batch),
                Filtered::Changed { batch, .. } => log.push(Bytes::copy_from_slice(batch)),
                Filtered::Empty => log.push(parsed.header().emptied().to_bytes().to_vec().into()),
            }
        }
        let mut converter = DownConverter::new(format);
        let (mut found, mut next) = (Vec::new(), 0);
        while next < offset {
            let mut set = Vec::new();
            for batch in &log {
                let entry = Entry::parse(batch).unwrap();
                if entry.last_offset() < next || (!set.is_empty() && set.len() >= enough) {
                    continue;
                }
                let bounds = DownBounds { from: next, enough, ..ALL };
                converter.write(&entry, &bounds, &mut set).unwrap();
            }
            let set = records(&set.into());
            let Some(last) = set.last() else { break };
            next = last.0 + 1;
            found.extend(set.iter().map(|record| (record.0, record.3.as_ref().unwrap().len())));
        }
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn a_record_that_lies_is_an_error_and_leaves_nothing_behind() {
    for codec in [Compression::None, Compression::Snappy] {
        let sound = batch(codec, 5);
        let mut header = *RecordBatch::parse(&sound).unwrap().header();
        header.record_count = 4;
        header.attributes = Attributes::new(codec);
        let payload = &sound[BatchHeader::LEN..];
        let lying = [&header.sealed(payload).to_bytes()[..], payload].concat();
        let mut out = b"before".to_vec();
        let refused = DownConverter::new(MessageFormat::V1).write(
            &Entry::parse(&lying).unwrap(),
            &ALL,
            &mut out,
        );
        assert!(matches!(refused, Err(RecordsError::Corrupt(_))));
        assert_eq!(out, b"before");
    }
}

#[test]
fn what_the_disk_has_changed_is_not_given_a_checksum_that_fits() {
    let mut batch = batch(Compression::None, 5).to_vec();
    let of_old = golden("kafka-1.1.1/v1-none.bin");
    let first = legacy::messages(&of_old).next().unwrap().unwrap();
    let mut message = first.bytes().to_vec();
    for bytes in [&mut batch, &mut message] {
        *bytes.last_mut().unwrap() ^= 1;
        let entry = Entry::parse(bytes).unwrap();
        let refused = DownConverter::new(MessageFormat::V0).write(&entry, &ALL, &mut Vec::new());
        assert!(matches!(refused, Err(RecordsError::Checksum { .. })));
    }
}
