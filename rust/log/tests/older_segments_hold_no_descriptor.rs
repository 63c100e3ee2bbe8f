//! A process may have few open files, and its log many segments. One test only: the limit is the process's.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod support;

use std::fs;

use kafkalite_log::{LogConfig, ReadUpTo};
use support::{NOW, append, limit_open_files, open, open_clean, read_all};

const SEGMENTS: i64 = 300;

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn more_segments_than_descriptors_are_written_read_and_taken_away() {
    limit_open_files(64);
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        segment_bytes: 100,
        retention_ms: Some(1),
        file_delete_delay_ms: 0,
        ..LogConfig::default()
    };
    let (log, _) = open(dir.path(), &config);
    for number in 0..SEGMENTS {
        // Also where nobody flushes for a while.
        if number % 50 == 0 {
            log.flush_if_due(NOW).unwrap();
        }
        append(&log, &[b"x"]);
    }
    assert_eq!(log.segment_bases().len() as i64, SEGMENTS);
    log.flush().unwrap();
    for _ in 0..2 {
        let read = read_all(&log, 0, 1 << 20, ReadUpTo::End);
        assert_eq!(read.len() as i64, SEGMENTS);
    }
    assert!(open_files() < 40, "{} files are open", open_files());
    log.close().unwrap();
    drop(log);

    let (log, recovered) = open_clean(dir.path(), &config);
    assert_eq!(recovered.segments_rebuilt, 0);
    assert_eq!(log.offset_for_timestamp(NOW).unwrap().unwrap().offset, 0);
    let held = log.read(7, 1 << 20, ReadUpTo::End, true).unwrap();
    let retained = log.retain(NOW + 10).unwrap();
    assert_eq!(retained.segments as i64, SEGMENTS);
    log.retain(NOW + 10).unwrap();
    assert_eq!(
        fs::read_dir(dir.path())
            .unwrap()
            .filter(|entry| {
                let name = entry.as_ref().unwrap().file_name();
                name.to_string_lossy().ends_with(".deleted")
            })
            .count(),
        0
    );
    assert_eq!(
        held.bytes().unwrap().len(),
        held.len(),
        "what is held stays readable"
    );
}
