//! How fast batches are parsed, encoded, checked and compressed.
//!
//! `cargo bench -p kafkalite-records`; a name as the argument picks some (`encode`, `parse`, `crc`, `codec`).

#![allow(clippy::unwrap_used, clippy::cast_precision_loss)] // a bench that cannot set up stops

use std::{hint::black_box, time::Duration};

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use kafkalite_records::{
    BatchBuilder, BatchOrigin, Compression, Compressor, DecodedBatch, Decompressor, RecordBatch,
    Records, Survey, batches,
};

const BATCH: usize = 1 << 20;

/// Values like events: the same words, other numbers.
fn event(number: u64, len: usize) -> Vec<u8> {
    let mut event = format!(
        r#"{{"carrier":"UA","flight":{},"tailnum":"N{}","origin":"EWR","dest":"IAH","dep_delay":{},"distance":{}"#,
        number % 4_000,
        number.wrapping_mul(2_654_435_761) % 90_000,
        number % 97,
        number.wrapping_mul(40_503) % 3_000,
    )
    .into_bytes();
    event.resize(len, b' ');
    event
}

fn fill(builder: &mut BatchBuilder, value_len: usize) {
    let mut number = 0;
    while builder.try_append(
        1_700_000_000_000 + number as i64,
        None,
        Some(&event(number, value_len)),
        &[],
    ) {
        number += 1;
    }
}

fn batch(value_len: usize, codec: Compression) -> Bytes {
    let mut builder = BatchBuilder::new(BATCH);
    fill(&mut builder, value_len);
    let mut compressor = Compressor::new(codec, None).unwrap();
    builder
        .build(0, BatchOrigin::ANONYMOUS, &mut compressor)
        .unwrap()
}

fn encode(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode");
    let mut none = Compressor::new(Compression::None, None).unwrap();
    for value_len in [10, 100, 200, 1_000] {
        let value = event(1, value_len);
        let records = RecordBatch::parse(&batch(value_len, Compression::None))
            .unwrap()
            .header()
            .record_count;
        group.throughput(Throughput::Elements(records as u64));
        group.bench_function(format!("{value_len} B values, 1 MiB batch"), |b| {
            let mut builder = BatchBuilder::new(BATCH);
            b.iter(|| {
                for number in 0..records {
                    let appended = builder.try_append(
                        1_700_000_000_000 + i64::from(number),
                        None,
                        Some(black_box(&value)),
                        &[],
                    );
                    assert!(appended);
                }
                builder.build(0, BatchOrigin::ANONYMOUS, &mut none)
            });
        });
    }
    group.finish();
}

fn parse(c: &mut Criterion) {
    let mut group = c.benchmark_group("parse");
    for value_len in [10, 200, 1_000] {
        let bytes = batch(value_len, Compression::None);
        let view = RecordBatch::parse(&bytes).unwrap();
        group.throughput(Throughput::Elements(view.header().record_count as u64));
        group.bench_function(format!("{value_len} B values, in the cache"), |b| {
            b.iter(|| {
                Records::new(view.header(), view.records_payload())
                    .map(|record| record.unwrap().value.unwrap().len())
                    .sum::<usize>()
            });
        });
        group.bench_function(format!("{value_len} B values, surveyed"), |b| {
            b.iter(|| Survey::of(black_box(view.header()), view.records_payload()).unwrap());
        });
        let decoded = DecodedBatch::decode(&bytes, &mut Decompressor::new(), BATCH).unwrap();
        group.bench_function(format!("{value_len} B values, as positions"), |b| {
            b.iter(|| {
                decoded
                    .clone()
                    .into_layouts()
                    .map(|layout| layout.unwrap().value.len())
                    .sum::<usize>()
            });
        });
        // More than any cache holds, as a consumer that reads a mapped log sees it.
        let log = bytes.repeat(256);
        let records = batches(&log)
            .map(|batch| batch.unwrap().header().record_count as u64)
            .sum();
        group.throughput(Throughput::Elements(records));
        group.bench_function(format!("{value_len} B values, 256 MiB"), |b| {
            b.iter(|| {
                batches(&log)
                    .flat_map(|batch| {
                        let batch = batch.unwrap();
                        Records::new(batch.header(), batch.records_payload())
                    })
                    .map(|record| record.unwrap().value.unwrap().len())
                    .sum::<usize>()
            });
        });
    }
    group.finish();
}

fn crc(c: &mut Criterion) {
    let mut group = c.benchmark_group("crc");
    for len in [100, 1_000, 16 << 10, 1 << 20] {
        let mut builder = BatchBuilder::new(usize::MAX);
        assert!(builder.try_append(0, None, Some(&vec![7; len]), &[]));
        let mut none = Compressor::new(Compression::None, None).unwrap();
        let bytes = builder.build(0, BatchOrigin::ANONYMOUS, &mut none).unwrap();
        let view = RecordBatch::parse(&bytes).unwrap();
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function(format!("{len} B"), |b| {
            b.iter(|| black_box(&view).verify_crc().unwrap());
        });
    }
    group.finish();
}

fn codec(c: &mut Criterion) {
    let mut group = c.benchmark_group("codec");
    let raw = batch(200, Compression::None);
    let raw = RecordBatch::parse(&raw).unwrap();
    group.throughput(Throughput::Bytes(raw.records_payload().len() as u64));
    for codec in Compression::ALL.into_iter().skip(1) {
        let mut compressor = Compressor::new(codec, None).unwrap();
        let mut decompressor = Decompressor::new();
        let compressed = batch(200, codec);
        let compressed = RecordBatch::parse(&compressed).unwrap();
        let ratio = raw.records_payload().len() as f64 / compressed.records_payload().len() as f64;
        group.bench_function(format!("{codec} compress (1 MiB, {ratio:.1}:1)"), |b| {
            b.iter(|| compressor.compress(raw.records_payload()).len());
        });
        group.bench_function(format!("{codec} decompress"), |b| {
            b.iter_batched(
                || (),
                |()| {
                    compressed
                        .decompress(&mut decompressor, BATCH)
                        .unwrap()
                        .len()
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group! {
    name = all;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = encode, parse, crc, codec
}
criterion_main!(all);
