//! How many records compaction looks at in a second of one processor, its own work and the system's for it; what it waits
//! for the disk is not counted.
#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot do its work should say where"
)]

use std::fs;
use std::path::Path;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use kafkalite_log::producers::Origin;
use kafkalite_log::{AppendOptions, Compactor, CompactorSettings, Log, LogConfig, OpenOptions};
use kafkalite_records::{BatchBuilder, BatchOrigin, Compression, Compressor};

const NOW: i64 = 1_700_000_000_000;
const RECORDS: usize = 500_000;
const IN_A_BATCH: usize = 100;
const OPTIONS: AppendOptions = AppendOptions {
    leader_epoch: 0,
    now_ms: NOW,
    origin: Origin::Client,
};

/// Records of about 100 bytes under so many keys in turn, all but a few of them in segments that are full.
fn filled(dir: &Path, keys: usize, codec: Compression) -> Log {
    let config = LogConfig {
        compacted: true,
        segment_bytes: 16 << 20,
        ..LogConfig::default()
    };
    let (log, _) = Log::open(dir, config.clone(), &OpenOptions::default()).unwrap();
    let mut compressor = Compressor::new(codec, None).unwrap();
    let mut builder = BatchBuilder::new(1 << 20);
    for number in 0..RECORDS {
        let key = format!("customer {:08}", number * 7919 % keys);
        let value = format!(
            "{number:016} {:016} ordered something of some length",
            number * 31
        );
        assert!(builder.try_append(NOW, Some(key.as_bytes()), Some(value.as_bytes()), &[]));
        if builder.count() == IN_A_BATCH {
            let batch = builder.build(0, BatchOrigin::ANONYMOUS, &mut compressor);
            log.append(&batch.unwrap(), &OPTIONS).unwrap();
        }
    }
    // One record more, in a segment of its own, so that all the others may be compacted.
    log.reconfigure(LogConfig {
        segment_ms: -1,
        ..config
    });
    assert!(builder.try_append(NOW, Some(b"end"), Some(b""), &[]));
    let batch = builder.build(0, BatchOrigin::ANONYMOUS, &mut compressor);
    log.append(&batch.unwrap(), &OPTIONS).unwrap();
    log.flush().unwrap();
    log
}

/// What this thread has used of a processor, as the kernel counts it.
fn processor_time() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanoseconds = text.split(' ').next().unwrap().parse().unwrap();
    Duration::from_nanos(nanoseconds)
}

fn compact(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compact");
    group.sample_size(10);
    group.throughput(Throughput::Elements(RECORDS as u64));
    let cases = [
        ("1 of 50 stays", RECORDS / 50, Compression::None),
        ("half stays", RECORDS / 2, Compression::None),
        ("all stays", RECORDS, Compression::None),
        ("1 of 50 stays, lz4", RECORDS / 50, Compression::Lz4),
        ("half stays, lz4", RECORDS / 2, Compression::Lz4),
    ];
    for (name, keys, codec) in cases {
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter_custom(|iterations| {
                let mut spent = Duration::ZERO;
                for _ in 0..iterations {
                    let dir = tempfile::tempdir().unwrap();
                    let log = filled(dir.path(), keys, codec);
                    let mut compactor = Compactor::new(CompactorSettings::default());
                    let start = processor_time();
                    let done = log
                        .compact(
                            &log.cleanable(0, NOW).unwrap(),
                            &mut compactor,
                            NOW,
                            &mut |_| true,
                        )
                        .unwrap();
                    spent += processor_time().saturating_sub(start);
                    assert_eq!(done.records_before, RECORDS as u64);
                }
                spent
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(5));
    targets = compact
}
criterion_main!(benches);
