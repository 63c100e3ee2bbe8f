//! A full disk keeps what goes with a flush from being written. That is no reason to distrust what is written.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod support;
mod transacting;

use std::sync::Arc;

use kafkalite_log::{Log, LogConfig, LogError, OpenOptions};
use kafkalite_world::disk::Disk;
use kafkalite_world::faults::{Fault, FaultyDisk};
use support::{NOW, append};

#[test]
fn a_log_with_an_aborted_transaction_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::new();
    let options = OpenOptions {
        now_ms: NOW,
        disk: Arc::clone(&disk) as Arc<dyn Disk>,
        ..OpenOptions::default()
    };
    let config = LogConfig {
        segment_bytes: 200,
        ..LogConfig::default()
    };
    let (log, _) = Log::open(dir.path(), config, &options).unwrap();
    append(&log, &[b"x"]);
    // Leader epochs are written with the first flush.
    log.flush().unwrap();
    transacting::in_transaction(&log, 7, 0, b"aborted");
    transacting::end(&log, 7, false);
    append(&log, &[&[b'x'; 100]]);
    disk.inject(Fault::FullAfter(10));
    let refused = log.flush();
    assert!(matches!(refused, Err(LogError::Io { .. })), "{refused:?}");
    assert_eq!(log.flushed_offset(), 1);
    disk.heal();
    assert_eq!(log.flush().unwrap(), 4);
    assert_eq!(log.recovery_point(), 4);
    append(&log, &[b"y"]);
    log.close().unwrap();
    drop(log);

    let (log, recovered) = support::open_clean(dir.path(), &LogConfig::default());
    assert_eq!(recovered.segments_rebuilt, 0);
    let committed = transacting::committed(&log, 0, 1 << 20);
    let offsets: Vec<i64> = committed.iter().map(|(offset, _)| *offset).collect();
    assert_eq!(offsets, [0, 3, 4]);
}
