//! What cannot be opened to be flushed is flushed later. One test only: the limit is the process's.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod support;

use kafkalite_log::{LogConfig, LogError};
use support::{append, limit_open_files, open, take_all_descriptors};

#[test]
fn a_log_goes_on_after_others_had_all_descriptors() {
    limit_open_files(64);
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        segment_bytes: 100,
        ..LogConfig::default()
    };
    let (log, _) = open(dir.path(), &config);
    append(&log, &[b"x"]);
    log.flush().unwrap();
    append(&log, &[b"x"]);
    append(&log, &[b"x"]);
    let others = take_all_descriptors();
    let refused = log.flush();
    assert!(matches!(refused, Err(LogError::Io { .. })), "{refused:?}");
    assert_eq!((log.flushed_offset(), log.recovery_point()), (1, 0));
    drop(others);
    assert_eq!(log.flush().unwrap(), 3);
    assert_eq!(log.recovery_point(), 3);
    append(&log, &[b"y"]);
    log.close().unwrap();
}
