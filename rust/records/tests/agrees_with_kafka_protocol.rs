//! The published codec as the oracle: what it writes we read, what we write it reads.

#![allow(clippy::unwrap_used)] // what the tests share is a test

use bytes::{Bytes, BytesMut};
use kafka_protocol::{
    indexmap::IndexMap,
    protocol::StrBytes,
    records::{
        Compression as TheirCompression, Record as TheirRecord, RecordBatchDecoder,
        RecordBatchEncoder, RecordEncodeOptions, TimestampType as TheirTimestampType,
    },
};
use kafkalite_records::{
    BatchBuilder, BatchOrigin, Compression, Compressor, DecodedBatch, Decompressor, Header,
    RecordBatch,
};
use proptest::{collection::vec, option, prelude::*};

fn their_record() -> impl Strategy<Value = TheirRecord> {
    let bytes = || option::of(vec(any::<u8>(), 0..200).prop_map(Bytes::from));
    let headers = vec(
        (
            "[a-z]{0,6}",
            option::of(vec(any::<u8>(), 0..9).prop_map(Bytes::from)),
        ),
        0..3,
    );
    (0..1_i64 << 40, bytes(), bytes(), headers).prop_map(|(timestamp, key, value, headers)| {
        TheirRecord {
            transactional: false,
            control: false,
            delete_horizon: false,
            partition_leader_epoch: 4,
            producer_id: 11,
            producer_epoch: 2,
            timestamp_type: TheirTimestampType::Creation,
            offset: 0,
            sequence: 0,
            timestamp,
            key,
            value,
            headers: headers
                .into_iter()
                .map(|(name, value)| (StrBytes::from(name), value))
                .collect::<IndexMap<_, _>>(),
        }
    })
}

fn number(records: &mut [TheirRecord], base_offset: i64) {
    for (index, record) in records.iter_mut().enumerate() {
        record.offset = base_offset + index as i64;
        record.sequence = index as i32;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_it_writes_we_read(mut records in vec(their_record(), 1..30), base_offset in 0..1_i64 << 30) {
        number(&mut records, base_offset);
        let mut bytes = BytesMut::new();
        let options = RecordEncodeOptions { version: 2, compression: TheirCompression::None };
        RecordBatchEncoder::encode(&mut bytes, &records, &options).unwrap();
        let bytes = bytes.freeze();

        let batch = RecordBatch::parse(&bytes).unwrap();
        batch.verify_crc().unwrap();
        prop_assert_eq!(batch.bytes().len(), bytes.len());
        prop_assert_eq!(batch.header().partition_leader_epoch, 4);
        prop_assert_eq!((batch.header().producer_id, batch.header().producer_epoch), (11, 2));
        let decoded = DecodedBatch::decode(&bytes, &mut Decompressor::new(), 1 << 20).unwrap();
        let ours: Vec<_> = decoded.records().map(Result::unwrap).collect();
        prop_assert_eq!(ours.len(), records.len());
        for (our, their) in ours.iter().zip(&records) {
            prop_assert_eq!((our.offset, our.timestamp), (their.offset, their.timestamp));
            prop_assert_eq!((our.key, our.value), (their.key.as_deref(), their.value.as_deref()));
            let headers: IndexMap<_, _> = our
                .headers
                .clone()
                .map(Result::unwrap)
                .map(|h| (StrBytes::from(h.name().into_owned()), h.value.map(Bytes::copy_from_slice)))
                .collect();
            prop_assert_eq!(&headers, &their.headers);
        }
    }

    #[test]
    fn what_we_write_it_reads(mut records in vec(their_record(), 1..30), codec in 0..5_usize) {
        number(&mut records, 0);
        let mut builder = BatchBuilder::new(1 << 20);
        for record in &records {
            let headers: Vec<_> = record
                .headers
                .iter()
                .map(|(key, value)| Header { key: key.as_bytes(), value: value.as_deref() })
                .collect();
            prop_assert!(builder.try_append(
                record.timestamp, record.key.as_deref(), record.value.as_deref(), &headers));
        }
        let origin = BatchOrigin { producer_id: 11, producer_epoch: 2, base_sequence: 0, transactional: false };
        let mut compressor = Compressor::new(Compression::ALL[codec], None).unwrap();
        let built = builder.build(0, origin, &mut compressor).unwrap();
        let header = *RecordBatch::parse(&built).unwrap().header();

        let unpack = |bytes: &mut Bytes, their: TheirCompression| {
            assert_eq!(their as u8, header.compression().code());
            Ok(Bytes::from(Decompressor::new().decompress(header.compression(), bytes, 1 << 20)?))
        };
        let mut read = built.clone();
        let set = RecordBatchDecoder::decode_with_custom_compression(&mut read, Some(unpack)).unwrap();
        prop_assert!(read.is_empty());
        for (theirs, original) in set.records.iter().zip(&records) {
            prop_assert_eq!(theirs, &TheirRecord { partition_leader_epoch: -1, ..original.clone() });
        }
        prop_assert_eq!(set.records.len(), records.len());
    }
}
