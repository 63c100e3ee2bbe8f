//! A compaction that is cut short after any step on the disk, and a start that is cut short while it mends that: every
//! key has its latest value, and what is left is where it was.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod compacting;
mod support;

use std::fs::{self, File};
use std::io::{self, IoSlice};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use compacting::{CONFIG, Entry, batch, delete, entries, latest, put, roll};
use kafkalite_log::{Compactor, CompactorSettings, Log, LogConfig, LogError, OpenOptions};
use kafkalite_records::{BatchOrigin, Compression};
use kafkalite_world::disk::Disk;
use kafkalite_world::faults::{Fault, FaultyDisk};
use parking_lot::Mutex;
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

fn open(dir: &Path, disk: &Arc<FaultyDisk>) -> Result<Log, LogError> {
    open_on(dir, Arc::clone(disk) as _, 0)
}

fn open_on(dir: &Path, disk: Arc<dyn Disk>, recovery_point: i64) -> Result<Log, LogError> {
    let options = OpenOptions {
        now_ms: NOW,
        recovery_point,
        disk,
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
    log.compact(
        &log.cleanable(0, NOW).unwrap(),
        &mut compactor,
        NOW,
        &mut |_| true,
    )
    .is_ok()
}

fn check(dir: &Path, before: &[Entry]) -> Vec<Entry> {
    check_from(dir, before, 0)
}

fn check_from(dir: &Path, before: &[Entry], recovery_point: i64) -> Vec<Entry> {
    let log = open_on(dir, FaultyDisk::new(), recovery_point).unwrap();
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

/// A disk that dies after some steps, and knows which changes of the directory a power cut may take back, in any order.
#[derive(Debug)]
struct Forgetful {
    disk: Arc<FaultyDisk>,
    renamed: Mutex<Vec<(PathBuf, PathBuf)>>,
    unflushed: Mutex<Vec<(u64, u64)>>,
}

impl Disk for Forgetful {
    fn write_vectored_at(&self, file: &File, parts: &[IoSlice<'_>], at: u64) -> io::Result<usize> {
        let mut unflushed = self.unflushed.lock();
        let written = self.disk.write_vectored_at(file, parts, at)?;
        unflushed.push((file.metadata()?.ino(), at));
        Ok(written)
    }

    fn sync_data(&self, file: &File) -> io::Result<()> {
        self.disk.sync_data(file)?;
        let inode = file.metadata()?.ino();
        self.unflushed
            .lock()
            .retain(|(written, _)| *written != inode);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)?;
        self.renamed.lock().push((from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn sync_dir(&self, dir: &File) -> io::Result<()> {
        self.disk.sync_dir(dir)?;
        self.renamed.lock().clear();
        Ok(())
    }
}

/// What is left in `to` after a power cut: bytes that were not flushed are not there, and of the renames that were not,
/// those that `taken_back` accepts.
fn cut_power(from: &Path, to: &Path, disk: &Forgetful, taken_back: impl Fn(usize) -> bool) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let copy = to.join(entry.file_name());
        fs::copy(entry.path(), &copy).unwrap();
        let inode = entry.metadata().unwrap().ino();
        for (_, at) in disk
            .unflushed
            .lock()
            .iter()
            .filter(|(file, _)| *file == inode)
        {
            let len = copy.metadata().unwrap().len();
            File::options()
                .write(true)
                .open(&copy)
                .unwrap()
                .set_len(len.min(*at))
                .unwrap();
        }
    }
    let moved = |path: &Path| to.join(path.file_name().unwrap());
    let renamed = disk.renamed.lock();
    for (_, (old, new)) in renamed
        .iter()
        .enumerate()
        .rev()
        .filter(|(at, _)| taken_back(*at))
    {
        fs::rename(moved(new), moved(old)).unwrap();
    }
}

#[test]
fn a_power_cut_after_any_step_whatever_the_directory_remembers() {
    let root = tempfile::tempdir().unwrap();
    let full = root.path().join("full");
    let before = fill(&full);
    let mut cuts = 0;
    for steps in 0.. {
        let crashed = root.path().join(format!("crashed {steps}"));
        copy(&full, &crashed);
        let disk = Arc::new(Forgetful {
            disk: FaultyDisk::new(),
            renamed: Mutex::default(),
            unflushed: Mutex::default(),
        });
        let log = open_on(&crashed, Arc::clone(&disk) as _, 0).unwrap();
        log.flush().unwrap();
        let flushed = log.recovery_point();
        disk.disk.inject(Fault::DeadAfter(steps));
        let mut compactor = Compactor::new(CompactorSettings::default());
        let ended = log
            .compact(
                &log.cleanable(0, NOW).unwrap(),
                &mut compactor,
                NOW,
                &mut |_| true,
            )
            .is_ok();
        let count = disk.renamed.lock().len();
        // All, none, each alone, all but each, and what came last.
        let mut choices: Vec<Box<dyn Fn(usize) -> bool>> = vec![Box::new(|_| false)];
        for chosen in 0..count {
            choices.push(Box::new(move |at| at == chosen));
            choices.push(Box::new(move |at| at != chosen));
            choices.push(Box::new(move |at| at >= chosen));
        }
        for choice in choices {
            let cut = root.path().join("cut");
            cut_power(&crashed, &cut, &disk, choice);
            check_from(&cut, &before, flushed);
            fs::remove_dir_all(&cut).unwrap();
            cuts += 1;
        }
        drop(log);
        fs::remove_dir_all(&crashed).unwrap();
        if ended {
            break;
        }
    }
    assert!(cuts > 100, "{cuts}");
}

#[test]
fn what_was_replaced_is_not_removed_before_its_replacement_is_known_to_be_whole() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("full");
    let before = fill(&dir);
    let first = |suffix: &str| dir.join(format!("{:020}.{suffix}", 0));
    fs::rename(first("log"), first("log.deleted")).unwrap();
    fs::write(first("log.swap"), [7; 100]).unwrap();
    let error = open(&dir, &FaultyDisk::new()).unwrap_err();
    assert!(matches!(error, LogError::MalformedFile { .. }), "{error}");
    // As the message says.
    fs::remove_file(first("log.swap")).unwrap();
    fs::rename(first("log.deleted"), first("log")).unwrap();
    assert_eq!(check(&dir, &before), before);
}
