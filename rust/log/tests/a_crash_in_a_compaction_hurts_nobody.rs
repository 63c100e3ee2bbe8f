//! A compaction that is cut short after any step on the disk, and a start that is cut short while it mends that: every
//! key has its latest value, and what is left is where it was.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod compacting;
mod support;

use std::fs;
use std::path::Path;

use compacting::{CONFIG, Entry, batch, delete, entries, latest, put, roll};
use kafkalite_log::faults::{Fault, FaultyDisk};
use kafkalite_log::{Compactor, CompactorSettings, Log, LogConfig, LogError, OpenOptions};
use kafkalite_records::{BatchOrigin, Compression};
use support::NOW;

/// Three small segments that become one, and three that do not fit together.
fn config() -> LogConfig {
    LogConfig {
        segment_bytes: 4000,
        index_interval_bytes: 200,
        delete_retention_ms: 0,
        ..CONFIG
    }
}

fn open(dir: &Path, disk: &std::sync::Arc<FaultyDisk>) -> Result<Log, LogError> {
    let options = OpenOptions {
        now_ms: NOW,
        disk: std::sync::Arc::clone(disk) as _,
        ..OpenOptions::default()
    };
    Log::open(dir, config(), &options).map(|(log, _)| log)
}

fn fill(dir: &Path) -> Vec<Entry> {
    let log = open(dir, &FaultyDisk::new()).unwrap();
    let large = "x".repeat(700);
    for segment in 0..6 {
        for number in 0..4 {
            put(
                &log,
                &format!("key {number}"),
                &format!("{segment} {number}"),
            );
        }
        delete(&log, &format!("key {}", segment % 5));
        put(&log, &format!("only {segment}"), "once");
        if segment > 2 {
            for number in 0..4 {
                let key = format!("large {segment} {number}");
                let pairs = [(key.as_str(), Some(large.as_str()))];
                let batch = batch(NOW, &pairs, Compression::None, BatchOrigin::ANONYMOUS);
                log.append(&batch, &support::CLIENT).unwrap();
            }
        }
        roll(&log);
    }
    let filled = entries(&log);
    // Closed, so that no later step belongs to anything but a compaction.
    log.close().unwrap();
    filled
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Compacts until the disk dies; whether it came to the end.
fn compact_until(dir: &Path, steps: u64) -> bool {
    let disk = FaultyDisk::new();
    let log = open(dir, &disk).unwrap();
    log.flush().unwrap();
    disk.inject(Fault::DeadAfter(steps));
    let mut compactor = Compactor::new(CompactorSettings::default());
    log.compact(0, &mut compactor, NOW, &mut |_| true).is_ok()
}

fn check(dir: &Path, before: &[Entry]) -> Vec<Entry> {
    let log = open(dir, &FaultyDisk::new()).unwrap();
    let after = entries(&log);
    assert_eq!(latest(&after), latest(before));
    assert!(after.iter().all(|entry| before.contains(entry)));
    let mut names = fs::read_dir(dir)
        .unwrap()
        .flatten()
        .map(|entry| entry.path());
    let half_done = |path: &Path| {
        let state = path.extension();
        state.is_some_and(|state| state == "cleaned" || state == "swap")
    };
    assert!(!names.any(|path| half_done(&path)));
    put(&log, "it", "goes on");
    assert_eq!(entries(&log).len(), after.len() + 1);
    after
}

#[test]
fn after_every_step_of_a_compaction_and_after_every_step_of_mending_it() {
    let root = tempfile::tempdir().unwrap();
    let full = root.path().join("full");
    let before = fill(&full);
    let (mut lengths, mut mended) = (Vec::new(), 0);
    for steps in 0.. {
        let crashed = root.path().join(format!("crashed {steps}"));
        copy(&full, &crashed);
        let ended = compact_until(&crashed, steps);
        for mending in 0.. {
            let again = root.path().join(format!("again {steps} {mending}"));
            copy(&crashed, &again);
            let disk = FaultyDisk::new();
            disk.inject(Fault::DeadAfter(mending));
            let opened = open(&again, &disk);
            let failed = opened.is_err();
            drop(opened);
            check(&again, &before);
            fs::remove_dir_all(&again).unwrap();
            if !failed {
                break;
            }
            mended += 1;
        }
        lengths.push(check(&crashed, &before).len());
        fs::remove_dir_all(&crashed).unwrap();
        if ended {
            break;
        }
    }
    assert!(lengths.is_sorted_by(|one, next| one >= next), "{lengths:?}");
    assert!(lengths[0] == before.len() && lengths.last().unwrap() * 2 < before.len());
    // Segments were replaced one after the other, and mending had work to do.
    let mut different = lengths.clone();
    different.dedup();
    assert!(
        different.len() >= 4 && mended > 20,
        "{different:?} {mended}"
    );
}

#[test]
fn what_apache_kafka_had_half_done_is_finished_or_undone() {
    let root = tempfile::tempdir().unwrap();
    let full = root.path().join("full");
    let before = fill(&full);
    let compacted = root.path().join("compacted");
    copy(&full, &compacted);
    assert!(compact_until(&compacted, u64::MAX));
    let after = check(&compacted, &before);
    let file = |dir: &Path, base: i64, suffix: &str| dir.join(format!("{base:020}.{suffix}"));

    // Undone unless every file had come so far.
    let bases = |dir: &Path| open(dir, &FaultyDisk::new()).unwrap().segment_bases();
    assert!(bases(&full).len() > bases(&compacted).len());
    for (states, expected) in [
        (["swap", "cleaned", "cleaned"], &before),
        (["swap", "swap", "cleaned"], &before),
        (["cleaned", "cleaned", "cleaned"], &before),
        (["swap", "swap", "swap"], &after),
    ] {
        let dir = root.path().join(states.join(" "));
        copy(&full, &dir);
        let replaced = bases(&compacted);
        for &base in &replaced[..replaced.len() - 1] {
            for (suffix, state) in ["log", "index", "timeindex"].into_iter().zip(states) {
                let to = file(&dir, base, &format!("{suffix}.{state}"));
                fs::copy(file(&compacted, base, suffix), to).unwrap();
            }
        }
        let found = check(&dir, &before);
        let once = |found: &[Entry]| found.iter().filter(|e| e.offset < 15).count();
        assert_eq!(once(&found), once(expected), "{states:?}");
    }
}
