//! How fast a log appends, finds, reads and recovers. Files are in the temporary directory: set `TMPDIR` to measure a disk.
#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot do its work should say where"
)]

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kafkalite_log::producers::{Origin, ProducerBatch, Producers, Staged, snapshot};
use kafkalite_log::{AppendOptions, Log, LogConfig, LogSlice, OpenOptions, ReadUpTo};
use kafkalite_records::{BatchBuilder, BatchOrigin, Compression, Compressor, batches};

const NOW: i64 = 1_700_000_000_000;
const RECORD: usize = 200;
const OPTIONS: AppendOptions = AppendOptions {
    leader_epoch: 0,
    now_ms: NOW,
    origin: Origin::Client,
};

/// A batch of about `size` bytes, of records of 200 bytes, stamped as of `timestamp`.
fn batch(size: usize, timestamp: i64) -> Vec<u8> {
    batch_of(size, timestamp, Compression::None, |_| {
        vec![b'x'; RECORD - 8]
    })
}

/// As [`batch`], with these values, and that large before it is compressed.
fn batch_of(
    size: usize,
    timestamp: i64,
    codec: Compression,
    value: impl Fn(usize) -> Vec<u8>,
) -> Vec<u8> {
    let mut builder = BatchBuilder::new(usize::MAX);
    for number in 0..(size / RECORD).max(1) {
        assert!(builder.try_append(timestamp, None, Some(&value(number)), &[]));
    }
    let mut compressor = Compressor::new(codec, None).unwrap();
    builder
        .build(0, BatchOrigin::ANONYMOUS, &mut compressor)
        .unwrap()
        .to_vec()
}

fn open(dir: &Path, options: &OpenOptions) -> Log {
    open_with(dir, options, &LogConfig::default())
}

fn open_with(dir: &Path, options: &OpenOptions, config: &LogConfig) -> Log {
    let config = LogConfig {
        max_message_bytes: 2 << 20,
        ..config.clone()
    };
    Log::open(dir, config, options).unwrap().0
}

/// A log of `total` bytes in batches of `size`, whose timestamps are a second apart.
fn filled(dir: &Path, size: usize, total: usize) -> Log {
    let log = open(dir, &OpenOptions::default());
    for number in 0..total / size {
        log.append(
            &batch(size, NOW + number as i64 * 1000 - 100_000_000),
            &OPTIONS,
        )
        .unwrap();
    }
    log
}

fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    for size in [1 << 10, 16 << 10, 1 << 20] {
        let batch = batch(size, NOW);
        group.throughput(Throughput::Bytes(batch.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
            bencher.iter_custom(|times| timed_appends(times, &batch, &LogConfig::default()));
        });
    }
    group.finish();
}

/// What it costs to look into compressed batches of events; throughput is of what they are decompressed.
fn append_compressed(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append compressed");
    let event = |number: usize| {
        let mut event = format!(
            r#"{{"carrier":"UA","flight":{},"tailnum":"N{}","origin":"EWR","dest":"IAH","dep_delay":{},"distance":{}"#,
            number % 4_000,
            number.wrapping_mul(2_654_435_761) % 90_000,
            number % 97,
            number.wrapping_mul(40_503) % 3_000,
        )
        .into_bytes();
        event.resize(RECORD - 8, b' ');
        event
    };
    for size in [16 << 10, 1 << 20] {
        group.throughput(Throughput::Bytes(size as u64));
        for codec in Compression::ALL {
            let batch = batch_of(size, NOW, codec, event);
            for check_compressed in [true, false] {
                let config = LogConfig {
                    check_compressed,
                    ..LogConfig::default()
                };
                let how = if check_compressed {
                    "checked"
                } else {
                    "trusted"
                };
                group.bench_function(format!("{size} {codec} {how}"), |bencher| {
                    bencher.iter_custom(|times| timed_appends(times, &batch, &config));
                });
            }
        }
    }
    group.finish();
}

/// Into a fresh file each 64 MiB, so that pages are new as in life; only the appends are timed.
fn timed_appends(times: u64, batch: &[u8], config: &LogConfig) -> Duration {
    let mut spent = Duration::ZERO;
    let mut left = times;
    while left > 0 {
        let count = left.min((64 << 20) / batch.len() as u64);
        let dir = tempfile::tempdir().unwrap();
        let log = open_with(dir.path(), &OpenOptions::default(), config);
        let start = Instant::now();
        for _ in 0..count {
            black_box(log.append(batch, &OPTIONS).unwrap());
        }
        spent += start.elapsed();
        left -= count;
    }
    spent
}

/// At offsets all over a log of 128 MiB, so that index pages and heads of batches are not in the processor's caches.
fn find(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(dir.path(), 4 << 10, 128 << 20);
    let end = log.end_offset();
    let mut offset = 0;
    let mut next = move || {
        offset = (offset + 7_919 * 31) % end;
        offset
    };
    let mut group = criterion.benchmark_group("find");
    group.bench_function("offset", |bencher| {
        bencher.iter(|| {
            log.read(next(), 1 << 20, ReadUpTo::HighWatermark, true)
                .unwrap()
        });
    });
    group.bench_function("timestamp", |bencher| {
        bencher.iter(|| {
            let timestamp = NOW - 100_000_000 + next() % (32 << 10) * 1000;
            log.offset_for_timestamp(timestamp).unwrap()
        });
    });
    group.finish();
}

/// The whole log in slices of 1 MiB, every byte checksummed: through the mapping, and copied.
fn read(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(dir.path(), 16 << 10, 128 << 20);
    let mut group = criterion.benchmark_group("read");
    group
        .sample_size(20)
        .throughput(Throughput::Bytes(log.size()));
    group.bench_function("mapped", |bencher| {
        bencher.iter(|| walk(&log, |slice| checksum(&slice.bytes().unwrap())));
    });
    group.bench_function("copied", |bencher| {
        let mut buffer = Vec::new();
        bencher.iter(|| {
            walk(&log, |slice| {
                buffer.clear();
                slice.read_into(&mut buffer).unwrap();
                checksum(&buffer)
            });
        });
    });
    group.finish();
}

/// Reads on from where `visit` says that the slice's last whole batch ends.
fn walk(log: &Log, mut visit: impl FnMut(LogSlice) -> i64) {
    let mut offset = 0;
    while offset < log.end_offset() {
        offset = visit(
            log.read(offset, 1 << 20, ReadUpTo::HighWatermark, true)
                .unwrap(),
        );
    }
}

fn checksum(bytes: &[u8]) -> i64 {
    let mut next_offset = 0;
    for batch in batches(bytes) {
        let batch = batch.unwrap();
        batch.verify_crc().unwrap();
        next_offset = batch.header().next_offset();
    }
    next_offset
}

/// Opening 256 MiB: after a crash (every checksum, both indexes built anew), and after a clean stop.
fn reopen(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(dir.path(), 16 << 10, 256 << 20);
    let size = log.size();
    drop(log);
    let mut group = criterion.benchmark_group("open");
    group.sample_size(10).throughput(Throughput::Bytes(size));
    group.bench_function("after a crash", |bencher| {
        bencher.iter(|| open(dir.path(), &OpenOptions::default()));
    });
    open(dir.path(), &OpenOptions::default()).close().unwrap();
    let clean = OpenOptions {
        clean_shutdown: true,
        ..OpenOptions::default()
    };
    group.throughput(Throughput::Elements(1));
    group.bench_function("after a clean stop", |bencher| {
        bencher.iter_custom(|iterations| {
            let mut spent = Duration::ZERO;
            for _ in 0..iterations {
                let start = Instant::now();
                let log = open(dir.path(), &clean);
                spent += start.elapsed();
                log.close().unwrap(); // or the next would not be after a clean stop
            }
            spent
        });
    });
    group.finish();
}

/// One of 1,000 idempotent producers writes; a snapshot of all.
fn producers(criterion: &mut Criterion) {
    let mut producers = Producers::default();
    let mut staged = Staged::default();
    let mut sequences = vec![0; 1000];
    let mut number = 0;
    let mut write = |producers: &mut Producers| {
        number += 1;
        let id = number * 7 % 1000;
        let sequence = &mut sequences[id];
        let batch = ProducerBatch {
            producer_id: id as i64,
            producer_epoch: 0,
            base_sequence: *sequence,
            base_offset: number as i64,
            last_offset_delta: 0,
            max_timestamp: NOW,
            transactional: false,
        };
        *sequence += 1;
        producers
            .admit(&mut staged, Origin::Client, &batch)
            .unwrap();
        producers.commit(&mut staged);
    };
    for _ in 0..5000 {
        write(&mut producers);
    }
    criterion.bench_function("producers/admit", |bencher| {
        bencher.iter(|| write(&mut producers));
    });
    criterion.bench_function("producers/snapshot", |bencher| {
        bencher.iter(|| snapshot::encode(&producers));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = append, append_compressed, find, read, reopen, producers
}
criterion_main!(benches);
