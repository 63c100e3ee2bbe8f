//! Durability: the high watermark, group commit, and disks that fail.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod support;

use std::fs::File;
use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::Duration;

use kafkalite_log::{Durability, Log, LogConfig, LogError, OpenOptions, ReadUpTo};
use kafkalite_world::disk::{self, Disk};
use kafkalite_world::faults::{Fault, FaultyDisk};
use support::{CLIENT, NOW, append, batch, open, read_all, sequenced};

fn synced() -> LogConfig {
    LogConfig {
        durability: Durability::Synced,
        ..LogConfig::default()
    }
}

fn open_on(disk: &Arc<FaultyDisk>, dir: &std::path::Path, config: LogConfig) -> Log {
    let disk: Arc<dyn Disk> = Arc::clone(disk) as Arc<dyn Disk>;
    Log::open(
        dir,
        config,
        &OpenOptions {
            now_ms: NOW,
            disk,
            ..OpenOptions::default()
        },
    )
    .unwrap()
    .0
}

#[test]
fn a_message_is_visible_after_its_flush_and_not_before() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), &synced());
    append(&log, &[b"0"]);
    assert_eq!((log.end_offset(), log.high_watermark()), (1, 0));
    assert!(
        log.read(0, 1000, ReadUpTo::HighWatermark, true)
            .unwrap()
            .is_empty()
    );
    assert_eq!(read_all(&log, 0, 1000, ReadUpTo::End).len(), 1);
    assert_eq!(log.flush_to(1).unwrap(), 1);
    append(&log, &[b"1"]);
    // Both lie in the file now; only the flushed one is in the slice.
    let visible = log.read(0, 1 << 20, ReadUpTo::HighWatermark, true).unwrap();
    assert_eq!(visible.len(), batch(&[b"0"]).len());
    assert_eq!(
        read_all(&log, 0, 1 << 20, ReadUpTo::HighWatermark),
        [(0, b"0".to_vec())]
    );
    assert_eq!(log.offset_for_timestamp(NOW).unwrap().unwrap().offset, 0);
}

#[test]
fn the_watermark_crosses_rolled_segments() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(
        dir.path(),
        &LogConfig {
            segment_bytes: 300,
            ..synced()
        },
    );
    for _ in 0..20 {
        append(&log, &[b"x"]);
    }
    assert!(log.segment_bases().len() > 3);
    assert!(read_all(&log, 0, 1 << 20, ReadUpTo::HighWatermark).is_empty());
    log.flush().unwrap();
    assert_eq!(
        read_all(&log, 0, 1 << 20, ReadUpTo::HighWatermark).len(),
        20
    );
}

#[test]
fn turning_durability_down_shows_what_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(
        dir.path(),
        &LogConfig {
            segment_bytes: 300,
            ..synced()
        },
    );
    for _ in 0..20 {
        append(&log, &[b"x"]);
    }
    log.reconfigure(LogConfig {
        segment_bytes: 300,
        ..LogConfig::default()
    });
    append(&log, &[b"x"]);
    assert_eq!(
        read_all(&log, 0, 1 << 20, ReadUpTo::HighWatermark).len(),
        21
    );
    // And up again: what is visible stays so.
    log.reconfigure(LogConfig {
        segment_bytes: 300,
        ..synced()
    });
    append(&log, &[b"x"]);
    assert_eq!((log.high_watermark(), log.end_offset()), (21, 22));
}

#[test]
fn what_recovery_finds_is_flushed_before_it_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    append(&open(dir.path(), &synced()).0, &[b"0"]);
    let disk = FaultyDisk::new();
    let log = open_on(&disk, dir.path(), synced());
    assert_eq!((log.high_watermark(), log.flushed_offset()), (1, 1));
    assert!(disk.syncs() > 0);
}

#[test]
fn callers_who_wait_share_a_flush() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::new();
    let log = open_on(&disk, dir.path(), synced());
    let (threads, each) = (8, 50);
    let together = Barrier::new(threads);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                together.wait();
                for _ in 0..each {
                    let appended = append(&log, &[b"x"]);
                    let flushed = log.flush_to(appended.last_offset + 1).unwrap();
                    assert!(flushed > appended.last_offset && log.high_watermark() >= flushed);
                }
            });
        }
    });
    assert_eq!(log.high_watermark(), (threads * each) as i64);
    assert!(disk.syncs() <= (threads * each) as u64);
    let before = disk.syncs();
    log.flush().unwrap();
    assert_eq!(disk.syncs(), before, "nothing is left to flush");
}

#[test]
fn after_a_failed_flush_nothing_is_written_or_believed_until_the_log_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::new();
    let log = open_on(&disk, dir.path(), synced());
    append(&log, &[b"0"]);
    log.flush().unwrap();
    append(&log, &[b"1"]);
    disk.inject(Fault::FailingSyncs);
    assert!(matches!(log.flush(), Err(LogError::Failed { .. })));
    disk.heal();
    assert!(
        matches!(log.flush(), Err(LogError::Failed { .. })),
        "a second fsync must not be believed"
    );
    assert!(matches!(
        log.append(&batch(&[b"2"]), &CLIENT),
        Err(LogError::Failed { .. })
    ));
    assert!(
        matches!(log.close(), Err(LogError::Failed { .. })),
        "no clean stop either"
    );
    assert_eq!(log.high_watermark(), 1);

    let log = open_on(&disk, dir.path(), synced());
    assert_eq!(append(&log, &[b"2"]).first_offset, 2);
}

#[test]
fn a_full_disk_refuses_the_append_and_takes_it_again_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::new();
    let log = open_on(&disk, dir.path(), LogConfig::default());
    append(&log, &[b"0"]);
    let size = log.size();
    for room in 0..batch(&[b"1"]).len() as u64 {
        disk.inject(Fault::FullAfter(room));
        let error = log.append(&sequenced(7, 0, b"1"), &CLIENT).unwrap_err();
        assert!(
            matches!(
                error,
                LogError::Io {
                    action: "append to",
                    ..
                }
            ),
            "{error}"
        );
        assert_eq!(
            std::fs::metadata(dir.path().join("00000000000000000000.log"))
                .unwrap()
                .len(),
            size
        );
        assert_eq!((log.end_offset(), log.size()), (1, size));
    }
    disk.heal();
    let appended = log.append(&sequenced(7, 0, b"1"), &CLIENT).unwrap();
    assert_eq!(
        (appended.first_offset, appended.duplicate),
        (1, false),
        "the refused ones left no trace"
    );
    assert_eq!(read_all(&log, 0, 1 << 20, ReadUpTo::End).len(), 2);
}

#[test]
fn short_writes_are_completed() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::new();
    let log = open_on(&disk, dir.path(), LogConfig::default());
    for limit in [1, 7, 16, 17, 61] {
        disk.inject(Fault::ShortWrites(limit));
        append(&log, &[&[b'x'; 100], &[b'y'; 100]]);
    }
    assert_eq!(read_all(&log, 0, 1 << 20, ReadUpTo::End).len(), 10);
}

#[test]
fn an_append_is_one_write() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::new();
    let log = open_on(&disk, dir.path(), LogConfig::default());
    append(&log, &[b"first"]);
    let before = disk.writes();
    log.append(
        &[batch(&[b"0"]), batch(&[b"1"]), batch(&[b"2"])].concat(),
        &CLIENT,
    )
    .unwrap();
    assert_eq!(disk.writes(), before + 1);
}

#[test]
fn flushes_happen_by_count_and_by_time() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        flush_messages: Some(3),
        ..LogConfig::default()
    };
    let (log, _) = open(dir.path(), &config);
    append(&log, &[b"0", b"1"]);
    assert_eq!(log.flushed_offset(), 0);
    append(&log, &[b"2"]);
    assert_eq!(log.flushed_offset(), 3);

    log.reconfigure(LogConfig {
        flush_ms: Some(1000),
        ..LogConfig::default()
    });
    append(&log, &[b"3"]);
    log.flush_if_due(NOW + 999).unwrap();
    assert_eq!(log.flushed_offset(), 3);
    log.flush_if_due(NOW + 1000).unwrap();
    assert_eq!(log.flushed_offset(), 4);
    append(&log, &[b"4"]);
    log.flush_if_due(NOW - 3_600_000).unwrap();
    assert_eq!(log.flushed_offset(), 5, "also when the clock goes back");
}

#[test]
fn rolled_segments_are_flushed_whatever_the_settings() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(
        dir.path(),
        &LogConfig {
            segment_bytes: 300,
            ..LogConfig::default()
        },
    );
    for _ in 0..20 {
        append(&log, &[b"x"]);
    }
    log.flush_if_due(NOW).unwrap();
    assert_eq!(log.flushed_offset(), *log.segment_bases().last().unwrap());
    assert!(log.unflushed_messages() > 0);
}

/// A disk of which the first flush panics.
#[derive(Debug)]
struct Panicking {
    real: Arc<dyn Disk>,
    panicked: AtomicBool,
}

impl Disk for Panicking {
    fn write_vectored_at(
        &self,
        file: &File,
        parts: &[IoSlice<'_>],
        position: u64,
    ) -> io::Result<usize> {
        self.real.write_vectored_at(file, parts, position)
    }

    fn sync_data(&self, file: &File) -> io::Result<()> {
        assert!(
            self.panicked.swap(true, Ordering::AcqRel),
            "what a test's disk does"
        );
        self.real.sync_data(file)
    }
}

#[test]
fn a_flush_that_panics_leaves_the_next_one_its_turn() {
    let dir = tempfile::tempdir().unwrap();
    let options = OpenOptions {
        disk: Arc::new(Panicking {
            real: disk::os(),
            panicked: AtomicBool::new(false),
        }),
        ..OpenOptions::default()
    };
    let log = Arc::new(
        Log::open(dir.path(), LogConfig::default(), &options)
            .unwrap()
            .0,
    );
    append(&log, &[b"x"]);
    let flush = |log: &Arc<Log>| {
        let log = Arc::clone(log);
        thread::spawn(move || log.flush().unwrap())
    };
    flush(&log).join().unwrap_err();
    let (flushed, is_flushed) = mpsc::channel();
    let second = flush(&log);
    thread::spawn(move || flushed.send(second.join().unwrap()).unwrap());
    assert_eq!(is_flushed.recv_timeout(Duration::from_mins(1)), Ok(1));
}

#[test]
fn a_close_that_failed_does_not_succeed_the_second_time() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = open(dir.path(), &LogConfig::default());
    append(&log, &[b"x"]);
    // A directory where the snapshot is to be.
    std::fs::create_dir(dir.path().join(format!("{:020}.snapshot", 1))).unwrap();
    assert!(matches!(log.close(), Err(LogError::Failed { .. })));
    assert!(matches!(log.close(), Err(LogError::Failed { .. })));
}
