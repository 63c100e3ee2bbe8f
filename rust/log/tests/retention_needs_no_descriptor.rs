//! Old segments go also where no file can be opened. One test only: the limit is the process's.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod support;

use kafkalite_log::LogConfig;
use support::{NOW, append, limit_open_files, open, take_all_descriptors};

#[test]
fn all_segments_but_the_last_go_without_a_descriptor() {
    limit_open_files(64);
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        segment_bytes: 100,
        retention_ms: Some(1),
        ..LogConfig::default()
    };
    let (log, _) = open(dir.path(), &config);
    for _ in 0..4 {
        append(&log, &[b"x"]);
    }
    let others = take_all_descriptors();
    assert_eq!(log.retain(NOW + 10).unwrap().segments, 3);
    assert_eq!(log.segment_bases(), [3]);
    drop(others);
    append(&log, &[b"x"]);
    assert_eq!(log.retain(NOW + 10).unwrap().segments, 2);
    log.close().unwrap();
}
