//! While a flush waits for the disk, what it flushes may be deleted: that is no failure, and nothing of it comes back.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod support;
mod transacting;

use std::fmt;
use std::fs::{self, File};
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::{Arc, Weak};

use kafkalite_log::{Log, LogConfig, LogError, OpenOptions};
use kafkalite_world::disk::{self, Disk};
use parking_lot::Mutex;
use support::{CLIENT, NOW, append, batch, limit_open_files};

type Event = Box<dyn FnOnce() + Send>;

/// A disk on which something happens while it flushes a file.
struct Eventful {
    real: Arc<dyn Disk>,
    event: Mutex<Option<Event>>,
}

impl fmt::Debug for Eventful {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Eventful")
    }
}

impl Disk for Eventful {
    fn write_vectored_at(&self, file: &File, parts: &[IoSlice<'_>], at: u64) -> io::Result<usize> {
        self.real.write_vectored_at(file, parts, at)
    }

    fn sync_data(&self, file: &File) -> io::Result<()> {
        let event = self.event.lock().take();
        if let Some(event) = event {
            event();
        }
        self.real.sync_data(file)
    }
}

fn open(dir: &Path) -> (Arc<Log>, Arc<Eventful>) {
    let disk = Arc::new(Eventful {
        real: disk::os(),
        event: Mutex::default(),
    });
    let options = OpenOptions {
        now_ms: NOW,
        disk: Arc::clone(&disk) as Arc<dyn Disk>,
        ..OpenOptions::default()
    };
    let config = LogConfig {
        segment_bytes: 3 * batch(&[b"x"]).len() as u32,
        retention_ms: Some(1),
        file_delete_delay_ms: 0,
        ..LogConfig::default()
    };
    let (log, _) = Log::open(dir, config, &options).unwrap();
    (Arc::new(log), disk)
}

fn meanwhile(disk: &Eventful, log: &Arc<Log>, event: impl FnOnce(&Log) + Send + 'static) {
    let log: Weak<Log> = Arc::downgrade(log);
    *disk.event.lock() = Some(Box::new(move || event(&log.upgrade().unwrap())));
}

#[test]
fn segments_that_retention_takes_need_no_flush() {
    // So few that the older of the segments are closed again before they are flushed.
    limit_open_files(100);
    let dir = tempfile::tempdir().unwrap();
    let (log, disk) = open(dir.path());
    for _ in 0..100 {
        append(&log, &[b"x"]);
    }
    meanwhile(&disk, &log, |log| {
        assert!(log.retain(NOW + 10).unwrap().segments > 20);
        log.retain(NOW + 10).unwrap(); // unlinks
    });
    assert_eq!(log.flush().unwrap(), 100);
    assert_eq!(append(&log, &[b"y"]).first_offset, 100);
}

#[test]
fn a_deleted_log_writes_nothing_into_its_successors_directory() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("t-0");
    let (log, disk) = open(&dir);
    transacting::in_transaction(&log, 7, 0, b"x");
    transacting::end(&log, 7, false);
    for _ in 0..3 {
        append(&log, &[b"x"]);
    }
    let (old, new) = (dir.clone(), dir.with_file_name("t-0.delete"));
    meanwhile(&disk, &log, move |log| {
        log.abandon();
        fs::rename(&old, new).unwrap();
        fs::create_dir(&old).unwrap();
    });
    let flushed = log.flush();
    assert!(
        matches!(flushed, Err(LogError::Closed { .. })),
        "{flushed:?}"
    );
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
    assert!(log.append(&batch(&[b"x"]), &CLIENT).is_err());
}
