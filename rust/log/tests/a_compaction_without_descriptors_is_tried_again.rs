//! What a compaction cannot open when nothing has changed yet is opened the next time; later it needs nothing. One test only:
//! the limit is the process's.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod compacting;
mod support;

use std::fs::{self, File};
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;

use compacting::{CONFIG, compact, put, roll};
use kafkalite_log::{Compactor, CompactorSettings, Log, LogError, OpenOptions, ReadUpTo};
use kafkalite_world::disk::{self, Disk};
use parking_lot::Mutex;
use support::{NOW, limit_open_files, take_all_descriptors};

/// What the disk is asked for when others take all descriptors.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Flush,
    Rename,
}

#[derive(Debug)]
struct Crowded {
    real: Arc<dyn Disk>,
    before: Mutex<Option<Step>>,
    others: Mutex<Vec<File>>,
}

impl Crowded {
    fn pass(&self, step: Step) {
        if self
            .before
            .lock()
            .take_if(|before| *before == step)
            .is_some()
        {
            *self.others.lock() = take_all_descriptors();
        }
    }
}

impl Disk for Crowded {
    fn write_vectored_at(&self, file: &File, parts: &[IoSlice<'_>], at: u64) -> io::Result<usize> {
        self.real.write_vectored_at(file, parts, at)
    }

    fn sync_data(&self, file: &File) -> io::Result<()> {
        self.pass(Step::Flush);
        self.real.sync_data(file)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.pass(Step::Rename);
        self.real.rename(from, to)
    }
}

#[test]
fn a_compacted_log_is_written_on_whenever_others_take_all_descriptors() {
    limit_open_files(64);
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(Crowded {
        real: disk::os(),
        before: Mutex::default(),
        others: Mutex::default(),
    });
    let options = OpenOptions {
        now_ms: NOW,
        disk: Arc::clone(&disk) as Arc<dyn Disk>,
        ..OpenOptions::default()
    };
    let log = Log::open(dir.path(), CONFIG, &options).unwrap().0;
    for value in ["1", "2", "3"] {
        put(&log, "same", value);
    }
    roll(&log);
    log.flush().unwrap();

    // Who reads a segment keeps it from being closed for others.
    let held = log.read(0, 1 << 20, ReadUpTo::End, true).unwrap();
    *disk.before.lock() = Some(Step::Flush);
    let mut compactor = Compactor::new(CompactorSettings::default());
    let cleanable = log.cleanable(0, NOW).unwrap();
    let refused = log.compact(&cleanable, &mut compactor, NOW, &mut |_| true);
    assert!(matches!(refused, Err(LogError::Io { .. })), "{refused:?}");
    drop(held);
    disk.others.lock().clear();
    let left = |ending: &str| {
        let names = fs::read_dir(dir.path()).unwrap().flatten();
        let names = names.map(|entry| entry.file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(ending)).count()
    };
    assert_eq!(left(".cleaned"), 0);
    put(&log, "same", "4");
    roll(&log);
    log.flush().unwrap();

    *disk.before.lock() = Some(Step::Rename);
    assert_eq!(compact(&log, 0).records_after, 2);
    assert!(!disk.others.lock().is_empty());
    disk.others.lock().clear();
    assert_eq!(left(".swap"), 0);
    put(&log, "same", "5");
    log.close().unwrap();
}
