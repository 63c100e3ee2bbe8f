//! Whatever the bytes: an error or an early end, never a panic, never more memory than the limit.

#![allow(clippy::unwrap_used)] // what the tests share is a test

use bytes::Bytes;
use kafkalite_records::{
    BatchBuilder, BatchHeader, BatchOrigin, Compression, Compressor, DecodedBatch, Decompressor,
    Entry, Header, RecordBatch, Records, RecordsError, batches,
    legacy::{self, MessageSet},
};
use proptest::{collection::vec, prelude::*};

const LIMIT: usize = 1 << 20;

fn built(codec: Compression) -> Bytes {
    let mut builder = BatchBuilder::new(1 << 20);
    for number in 0..20_i64 {
        let headers = [
            Header::new("name", b"value"),
            Header {
                key: b"null",
                value: None,
            },
        ];
        let value = format!("a value that repeats and repeats and repeats {number}");
        assert!(builder.try_append(number, Some(b"key"), Some(value.as_bytes()), &headers));
    }
    let mut compressor = Compressor::new(codec, None).unwrap();
    let batch = builder
        .build(7, BatchOrigin::ANONYMOUS, &mut compressor)
        .unwrap();
    assert_eq!(
        RecordBatch::parse(&batch).unwrap().header().compression(),
        codec
    );
    batch
}

/// Reads everything that can be read; counts the records.
fn devour(bytes: &[u8]) -> usize {
    let mut decompressor = Decompressor::new();
    let mut seen = 0;
    for batch in batches(bytes).map_while(Result::ok) {
        let owned = Bytes::copy_from_slice(batch.bytes());
        if let Ok(decoded) = DecodedBatch::decode(&owned, &mut decompressor, LIMIT) {
            assert!(decoded.payload().len() <= LIMIT.max(owned.len()));
            for record in decoded.records().map_while(Result::ok) {
                seen += 1;
                assert!(record.headers.map_while(Result::ok).count() <= owned.len().max(LIMIT));
            }
            assert!(
                decoded.clone().into_layouts().map_while(Result::ok).count()
                    <= owned.len().max(LIMIT)
            );
        }
    }
    for message in legacy::messages(bytes).map_while(Result::ok) {
        let owned = Bytes::copy_from_slice(message.bytes());
        if let Ok(set) = MessageSet::decode(&owned, &mut decompressor, LIMIT) {
            for layout in set.layouts() {
                seen += 1;
                assert!(layout.value.is_null() || layout.of(set.payload()).value.is_some());
            }
        }
    }
    seen
}

#[test]
fn every_flipped_bit_and_every_cut_of_a_batch() {
    for codec in Compression::ALL {
        let batch = built(codec);
        assert_eq!(devour(&batch), 20);
        for cut in 0..batch.len() {
            assert_eq!(devour(&batch[..cut]), 0, "a cut batch gives nothing");
        }
        for at in 0..batch.len() {
            for bit in 0..8 {
                let mut flipped = batch.to_vec();
                flipped[at] ^= 1 << bit;
                devour(&flipped);
                let noticed = match RecordBatch::parse(&flipped) {
                    Ok(batch) => batch.verify_crc().is_err(),
                    Err(_) => true,
                };
                // The base offset and the leader epoch are what the checksum leaves out.
                assert_eq!(
                    noticed,
                    !matches!(at, 0..8 | 12..16) || (at == 0 && bit == 7),
                    "byte {at}, bit {bit}"
                );
            }
        }
    }
}

#[test]
fn every_flipped_bit_and_every_cut_of_old_messages() {
    for name in [
        "v0-none",
        "v0-gzip",
        "v0-lz4",
        "v1-none",
        "v1-gzip",
        "v1-lz4",
        "v1-snappy",
    ] {
        let path = format!(
            "{}/tests/golden/kafka-1.1.1/{name}.bin",
            env!("CARGO_MANIFEST_DIR")
        );
        let golden = std::fs::read(path).unwrap();
        assert!(devour(&golden) >= 5);
        for at in 0..golden.len() {
            devour(&golden[..at]);
            let mut flipped = golden.clone();
            flipped[at] ^= 1 << (at % 8);
            devour(&flipped);
            let in_a_message = |bytes: &[u8]| {
                let mut walk = legacy::messages(bytes);
                walk.all(|message| message.is_ok_and(|message| message.verify_crc().is_ok()))
                    && walk.rest().is_empty()
            };
            let first = legacy::Message::parse(&golden).unwrap().bytes().len();
            // Offsets are what the checksum leaves out.
            assert_eq!(
                in_a_message(&flipped[..first]),
                (1..8).contains(&at) || at >= first || (at == 0 && at % 8 != 7)
            );
        }
    }
}

#[test]
fn bombs_stop_at_the_limit() {
    let zeros = vec![0; 3 * LIMIT];
    for codec in Compression::ALL {
        let bomb = Compressor::new(codec, None)
            .unwrap()
            .compress(&zeros)
            .to_vec();
        let result = Decompressor::new().decompress(codec, &bomb, LIMIT);
        assert_eq!(
            result,
            Err(RecordsError::TooLarge { limit: LIMIT }),
            "{codec}"
        );
    }
}

#[test]
fn claims_allocate_nothing() {
    // Small inputs that claim to be huge: 4 GiB of snappy, an 8 GiB zstd frame, an endless lz4 block.
    let mut decompressor = Decompressor::new();
    let snappy = decompressor.decompress(
        Compression::Snappy,
        &[0xff, 0xff, 0xff, 0xff, 0x0f, 0],
        usize::MAX,
    );
    assert!(matches!(
        snappy,
        Err(RecordsError::Decompress {
            codec: Compression::Snappy,
            ..
        })
    ));
    let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xe0];
    frame.extend_from_slice(&(1_u64 << 30).to_le_bytes());
    let zstd = decompressor.decompress(Compression::Zstd, &frame, usize::MAX);
    assert!(
        matches!(
            zstd,
            Err(RecordsError::Decompress {
                codec: Compression::Zstd,
                ..
            })
        ),
        "{zstd:?}"
    );
    let lz4 = [
        0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0, 0xff, 0xff, 0xff, 0x7f, 0,
    ];
    let lz4 = decompressor.decompress(Compression::Lz4, &lz4, usize::MAX);
    assert!(matches!(
        lz4,
        Err(RecordsError::Decompress {
            codec: Compression::Lz4,
            ..
        })
    ));
    for codec in &Compression::ALL[1..] {
        for bytes in [&[][..], b"neither", &[0; 100]] {
            let result = decompressor.decompress(*codec, bytes, LIMIT);
            assert!(
                result.is_err() || result == Ok(Vec::new()),
                "{codec} {bytes:?}: {result:?}"
            );
        }
    }
    // The context is still good.
    let good = Compressor::new(Compression::Zstd, None)
        .unwrap()
        .compress(b"good")
        .to_vec();
    assert_eq!(
        decompressor.decompress(Compression::Zstd, &good, LIMIT),
        Ok(b"good".to_vec())
    );
}

/// A header for records that are written by hand.
fn header(count: i32) -> BatchHeader {
    let mut header = *RecordBatch::parse(&built(Compression::None))
        .unwrap()
        .header();
    (header.record_count, header.last_offset_delta) = (count, count - 1);
    header
}

#[test]
fn lying_records_are_corrupt() {
    // length, attributes, timestamp delta, offset delta, key −1, value −1, no headers
    let good = [12, 0, 0, 0, 1, 1, 0];
    assert_eq!(
        Records::new(&header(1), &good).map(Result::unwrap).count(),
        1
    );
    let lies: [(&str, i32, &[u8]); 12] = [
        ("fewer than promised", 2, &good),
        (
            "more than promised",
            1,
            &[12, 0, 0, 0, 1, 1, 0, 12, 0, 0, 2, 1, 1, 0],
        ),
        ("negative length", 1, &[1, 0, 0, 0, 1, 1, 0]),
        ("length beyond the batch", 1, &[14, 0, 0, 0, 1, 1, 0]),
        (
            "length of four gibibytes",
            1,
            &[0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0],
        ),
        ("key beyond the record", 1, &[12, 0, 0, 0, 100, 1, 0]),
        ("key length −2", 1, &[12, 0, 0, 0, 3, 1, 0]),
        ("more headers than bytes", 1, &[12, 0, 0, 0, 1, 1, 100]),
        ("negative headers", 1, &[12, 0, 0, 0, 1, 1, 1]),
        ("bytes after no headers", 1, &[14, 0, 0, 0, 1, 1, 0, 0]),
        ("offset beyond the last", 1, &[12, 0, 0, 2, 1, 1, 0]),
        (
            "offset twice",
            2,
            &[12, 0, 0, 0, 1, 1, 0, 12, 0, 0, 0, 1, 1, 0],
        ),
    ];
    for (name, count, payload) in lies {
        let mut records = Records::new(&header(count), payload);
        let last = records.by_ref().last().unwrap();
        assert!(
            matches!(last, Err(RecordsError::Corrupt(_))),
            "{name}: {last:?}"
        );
        assert!(records.next().is_none(), "{name}: ends after the error");
    }
    // One header, whose value is longer than the record.
    let payload = [18, 0, 0, 0, 1, 1, 2, 2, b'k', 100];
    let record = Records::new(&header(1), &payload).next().unwrap().unwrap();
    let headers: Vec<_> = record.headers.collect();
    assert!(matches!(headers[..], [Err(RecordsError::Corrupt(_))]));
}

#[test]
fn records_of_an_appended_time_all_have_it() {
    let batch = built(Compression::None);
    let view = RecordBatch::parse(&batch).unwrap();
    let stamped = view.header().stamped(99);
    let times: Vec<_> = Records::new(&stamped, view.records_payload())
        .map(|r| r.unwrap().timestamp)
        .collect();
    assert_eq!(times, [99; 20]);
}

#[test]
fn a_compacted_batch_keeps_its_offsets() {
    let mut header = header(2);
    header.last_offset_delta = 9;
    let payload = [12, 0, 0, 4, 1, 1, 0, 12, 0, 0, 16, 1, 1, 0];
    let offsets: Vec<_> = Records::new(&header, &payload)
        .map(|r| r.unwrap().offset)
        .collect();
    assert_eq!(offsets, [9, 15]);
    assert!(!header.is_dense());
    header.record_count = 0;
    assert_eq!(Records::new(&header, &[]).count(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..400)) {
        devour(&bytes);
        let _ = Entry::parse(&bytes);
        let mut decompressor = Decompressor::new();
        for codec in Compression::ALL {
            if let Ok(out) = decompressor.decompress(codec, &bytes, LIMIT) {
                prop_assert!(out.len() <= LIMIT);
            }
        }
    }

    #[test]
    fn any_payload_behind_a_good_header(payload in vec(any::<u8>(), 0..200), count in 1..50_i32, codec in 0..5_u8) {
        let mut raw = header(count).to_bytes();
        raw[22] = codec;
        raw[8..12].copy_from_slice(&(49 + payload.len() as i32).to_be_bytes());
        devour(&[&raw[..], &payload].concat());
    }
}
