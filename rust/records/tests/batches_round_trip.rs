//! What is built is what is read: every codec, any keys, values, headers and timestamps.

#![allow(clippy::unwrap_used)] // what the tests share is a test

use bytes::Bytes;
use kafkalite_records::{
    BatchBuilder, BatchOrigin, Compression, Compressor, DecodedBatch, Decompressor, Header,
    RecordBatch, Records,
};
use proptest::{collection::vec, option, prelude::*};

#[derive(Debug, Clone)]
struct Input {
    timestamp: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    // Random bytes, and runs that compress.
    prop_oneof![
        vec(any::<u8>(), 0..300),
        (any::<u8>(), 0..70_000_usize).prop_map(|(b, n)| vec![b; n])
    ]
}

fn input() -> impl Strategy<Value = Input> {
    let headers = vec((".{0,8}", option::of(vec(any::<u8>(), 0..20))), 0..4);
    (
        -1_i64..=i64::MAX,
        option::of(bytes()),
        option::of(bytes()),
        headers,
    )
        .prop_map(|(timestamp, key, value, headers)| Input {
            timestamp,
            key,
            value,
            headers,
        })
}

fn append(builder: &mut BatchBuilder, input: &Input) -> bool {
    let headers: Vec<_> = input
        .headers
        .iter()
        .map(|(key, value)| Header {
            key: key.as_bytes(),
            value: value.as_deref(),
        })
        .collect();
    builder.try_append(
        input.timestamp,
        input.key.as_deref(),
        input.value.as_deref(),
        &headers,
    )
}

fn assert_same(records: Records<'_>, inputs: &[Input], base_offset: i64) {
    let records: Vec<_> = records.map(Result::unwrap).collect();
    assert_eq!(records.len(), inputs.len());
    for (index, (record, input)) in records.iter().zip(inputs).enumerate() {
        assert_eq!(record.offset, base_offset + index as i64);
        assert_eq!(record.timestamp, input.timestamp);
        assert_eq!(record.key, input.key.as_deref());
        assert_eq!(record.value, input.value.as_deref());
        let headers: Vec<_> = record
            .headers
            .clone()
            .map(Result::unwrap)
            .map(|header| (header.name().into_owned(), header.value.map(<[u8]>::to_vec)))
            .collect();
        assert_eq!(headers, input.headers);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_codec(inputs in vec(input(), 1..20), base_offset in 0..i64::MAX / 2) {
        let mut builder = BatchBuilder::new(usize::MAX);
        let mut decompressor = Decompressor::new();
        for codec in Compression::ALL {
            let mut compressor = Compressor::new(codec, None).unwrap();
            for input in &inputs {
                prop_assert!(append(&mut builder, input));
            }
            let raw_size = builder.size();
            let origin = BatchOrigin { producer_id: 5, producer_epoch: 1, base_sequence: 7, transactional: true };
            let bytes = builder.build(base_offset, origin, &mut compressor).unwrap();
            prop_assert!(builder.is_empty());
            prop_assert!(bytes.len() <= raw_size);

            let batch = RecordBatch::parse(&bytes).unwrap();
            batch.verify_crc().unwrap();
            let header = batch.header();
            prop_assert_eq!(header.total_len(), bytes.len());
            prop_assert!(header.compression() == codec || bytes.len() == raw_size);
            prop_assert!(header.is_transactional() && header.is_dense());
            prop_assert_eq!((header.producer_id, header.producer_epoch, header.base_sequence), (5, 1, 7));
            prop_assert_eq!(header.max_timestamp, inputs.iter().map(|input| input.timestamp).max().unwrap());

            let payload = batch.decompress(&mut decompressor, raw_size).unwrap();
            assert_same(Records::new(header, &payload), &inputs, base_offset);

            let decoded = DecodedBatch::decode(&bytes, &mut decompressor, raw_size).unwrap();
            assert_same(decoded.records(), &inputs, base_offset);
            let payload = decoded.payload().clone();
            for (layout, record) in decoded.clone().into_layouts().zip(decoded.records()) {
                let (layout, record) = (layout.unwrap(), record.unwrap());
                prop_assert_eq!(layout.key.slice(&payload), record.key.map(Bytes::copy_from_slice));
                prop_assert_eq!(layout.value.slice(&payload), record.value.map(Bytes::copy_from_slice));
                prop_assert_eq!(layout.headers(&payload).count(), layout.header_count());
                prop_assert_eq!((layout.offset, layout.timestamp), (record.offset, record.timestamp));
            }
        }
    }

    #[test]
    fn a_batch_is_never_larger_than_its_limit(inputs in vec(input(), 1..40), limit in 0..20_000_usize) {
        let mut compressor = Compressor::new(Compression::None, None).unwrap();
        let mut builder = BatchBuilder::new(limit);
        let mut batches = Vec::new();
        for input in &inputs {
            if !append(&mut builder, input) {
                batches.extend(builder.build(0, BatchOrigin::ANONYMOUS, &mut compressor));
                prop_assert!(append(&mut builder, input), "the first record of a batch fits");
            }
        }
        batches.extend(builder.build(0, BatchOrigin::ANONYMOUS, &mut compressor));
        let mut rest = &inputs[..];
        for bytes in batches {
            let batch = RecordBatch::parse(&bytes).unwrap();
            let count = batch.header().record_count as usize;
            prop_assert!(bytes.len() <= limit || count == 1);
            assert_same(Records::new(batch.header(), batch.records_payload()), &rest[..count], 0);
            rest = &rest[count..];
        }
        prop_assert!(rest.is_empty());
    }
}

#[test]
fn nothing_builds_nothing() {
    let mut compressor = Compressor::new(Compression::Gzip, Some(9)).unwrap();
    let mut builder = BatchBuilder::new(1_000);
    assert!(
        builder
            .build(0, BatchOrigin::ANONYMOUS, &mut compressor)
            .is_none()
    );
    assert!(builder.try_append(1, None, None, &[]));
    builder.clear();
    assert!(
        builder
            .build(0, BatchOrigin::ANONYMOUS, &mut compressor)
            .is_none()
    );
}

#[test]
fn timestamps_too_far_apart_go_to_different_batches() {
    let mut builder = BatchBuilder::new(1_000);
    assert!(builder.try_append(i64::MIN, None, None, &[]));
    assert!(!builder.try_append(i64::MAX, None, None, &[]));
    assert_eq!(builder.count(), 1);
}

#[test]
fn levels_are_checked() {
    for (codec, level) in [
        (Compression::Gzip, 10),
        (Compression::Zstd, 23),
        (Compression::Lz4, 0),
    ] {
        assert!(Compressor::new(codec, Some(level)).is_err());
    }
    let error = Compressor::new(Compression::Gzip, Some(0)).unwrap_err();
    assert_eq!(error.to_string(), "gzip has levels 1 to 9, not 0");
}
