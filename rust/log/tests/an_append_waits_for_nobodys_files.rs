//! Whatever the disk keeps retention, flushes and compaction waiting for: appends, reads and questions go on.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod support;

use std::fs::File;
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use kafkalite_log::{
    AppendOptions, Compactor, CompactorSettings, Log, LogConfig, OpenOptions, ReadUpTo,
};
use kafkalite_world::disk::{self, Disk};
use parking_lot::Mutex;
use support::{CLIENT, NOW, batch};

/// Longer than any machine is busy; only a test that fails waits for it.
const STUCK: Duration = Duration::from_mins(1);

/// A disk that, when told to, stops at everything but the writes of appends until it may go on.
#[derive(Debug)]
struct Gate {
    real: Arc<dyn Disk>,
    closed: AtomicBool,
    stopped: Mutex<mpsc::Sender<Option<&'static str>>>,
    go_on: Mutex<mpsc::Receiver<()>>,
}

impl Gate {
    fn pass(&self, what: &'static str) {
        if self.closed.load(Ordering::Acquire) {
            self.stopped.lock().send(Some(what)).unwrap();
            self.go_on.lock().recv().unwrap();
        }
    }
}

impl Disk for Gate {
    fn write_vectored_at(&self, file: &File, parts: &[IoSlice<'_>], at: u64) -> io::Result<usize> {
        self.real.write_vectored_at(file, parts, at)
    }

    fn sync_data(&self, file: &File) -> io::Result<()> {
        self.pass("flush a file");
        self.real.sync_data(file)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.pass("rename");
        self.real.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.pass("unlink");
        self.real.remove(path)
    }

    fn replace_file(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.pass("replace a file");
        self.real.replace_file(path, bytes)
    }

    fn sync_dir(&self, dir: &File) -> io::Result<()> {
        self.pass("flush the directory");
        self.real.sync_dir(dir)
    }
}

/// A log of some segments on such a disk, and the two ends that the test holds of it.
struct Bench {
    log: Arc<Log>,
    gate: Arc<Gate>,
    stops: mpsc::Receiver<Option<&'static str>>,
    go_on: mpsc::Sender<()>,
    _dir: tempfile::TempDir,
}

impl Bench {
    fn new(config: &LogConfig) -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let (stopped, stops) = mpsc::channel();
        let (go_on, going) = mpsc::channel();
        let gate = Arc::new(Gate {
            real: disk::os(),
            closed: AtomicBool::new(false),
            stopped: Mutex::new(stopped),
            go_on: Mutex::new(going),
        });
        let options = OpenOptions {
            now_ms: NOW,
            disk: Arc::clone(&gate) as Arc<dyn Disk>,
            ..OpenOptions::default()
        };
        let config = LogConfig {
            segment_bytes: 3 * batch(&[b"x"]).len() as u32,
            file_delete_delay_ms: 0,
            ..config.clone()
        };
        let (log, _) = Log::open(dir.path().join("t-0"), config, &options).unwrap();
        // Two leaders, so that there is an epoch to be forgotten.
        for epoch in [0, 0, 0, 0, 1, 1, 1] {
            let options = AppendOptions {
                leader_epoch: epoch,
                ..CLIENT
            };
            log.append(&batch(&[b"x"]), &options).unwrap();
        }
        Bench {
            log: Arc::new(log),
            gate,
            stops,
            go_on,
            _dir: dir,
        }
    }

    /// Does `work`; wherever the disk stops it, the log is used. Returns where that was.
    fn stop_everywhere(&self, work: impl FnOnce(&Log) + Send + 'static) -> Vec<&'static str> {
        self.gate.closed.store(true, Ordering::Release);
        let (log, gate) = (Arc::clone(&self.log), Arc::clone(&self.gate));
        let worker = thread::spawn(move || {
            work(&log);
            gate.closed.store(false, Ordering::Release);
            gate.stopped.lock().send(None).unwrap();
        });
        let mut stops = Vec::new();
        while let Some(stop) = self.stops.recv_timeout(STUCK).unwrap() {
            self.use_log_during(stop);
            stops.push(stop);
            self.go_on.send(()).unwrap();
        }
        worker.join().unwrap();
        stops
    }

    fn use_log_during(&self, stop: &str) {
        let (log, (done, is_done)) = (Arc::clone(&self.log), mpsc::channel());
        thread::spawn(move || {
            let appended = log.append(&batch(&[b"y"]), &CLIENT).unwrap();
            let offset = appended.first_offset;
            let read = log.read(offset, 1 << 20, ReadUpTo::HighWatermark, true);
            assert!(!read.unwrap().is_empty());
            log.epoch_of(offset).unwrap();
            log.end_offset_for_epoch(0).unwrap();
            log.largest_producer_id();
            log.recovery_point();
            done.send(()).unwrap();
        });
        let used = is_done.recv_timeout(STUCK);
        assert!(used.is_ok(), "the log cannot be used during: {stop}");
    }
}

#[test]
fn while_retention_takes_all_segments_away() {
    let bench = Bench::new(&LogConfig {
        retention_ms: Some(1),
        ..LogConfig::default()
    });
    let stops = bench.stop_everywhere(|log| {
        assert_eq!(log.retain(NOW + 10).unwrap().segments, 3);
    });
    for stop in ["flush the directory", "replace a file", "rename"] {
        assert!(stops.contains(&stop), "{stop}: {stops:?}");
    }
    let stops = bench.stop_everywhere(|log| {
        log.retain(NOW + 10).unwrap();
    });
    assert!(stops.contains(&"unlink"), "{stops:?}");
}

#[test]
fn while_records_are_deleted() {
    let bench = Bench::new(&LogConfig::default());
    let stops = bench.stop_everywhere(|log| {
        log.delete_records_before(5).unwrap();
    });
    assert_eq!(stops, ["replace a file"]);
}

#[test]
fn while_rolled_segments_are_flushed() {
    let bench = Bench::new(&LogConfig::default());
    let stops = bench.stop_everywhere(|log| {
        log.flush_if_due(NOW).unwrap();
        log.flush().unwrap();
    });
    assert!(stops.contains(&"flush a file"), "{stops:?}");
}

#[test]
fn while_segments_are_compacted() {
    let bench = Bench::new(&LogConfig {
        delete_expired: false,
        ..LogConfig::default()
    });
    let stops = bench.stop_everywhere(|log| {
        let mut compactor = Compactor::new(CompactorSettings::default());
        let cleanable = log.cleanable(0, NOW).unwrap();
        log.compact(&cleanable, &mut compactor, NOW, &mut |_| true)
            .unwrap();
    });
    assert!(stops.contains(&"rename"), "{stops:?}");
}
