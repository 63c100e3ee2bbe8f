//! The system may refuse to map a file. One test only: the limit that makes it do so is the process's.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod support;

use std::fs;

use kafkalite_log::{LogConfig, ReadUpTo};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use support::{append, open, read_all};

/// Bytes of address space that this process has.
fn address_space() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let size = status.lines().find(|line| line.starts_with("VmSize:"));
    let kib: u64 = size
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    kib * 1024
}

#[test]
fn messages_are_read_where_no_mapping_is_to_be_had() {
    let dir = tempfile::tempdir().unwrap();
    let config = LogConfig {
        segment_bytes: 1000,
        ..LogConfig::default()
    };
    let (log, _) = open(dir.path(), &config);
    for _ in 0..100 {
        append(&log, &[b"x"]);
    }
    // Less than what is mapped of a segment, and more than anything else takes.
    let limit = Rlimit {
        current: Some(address_space() + (32 << 20)),
        maximum: getrlimit(Resource::As).maximum,
    };
    setrlimit(Resource::As, limit).unwrap();
    assert_eq!(read_all(&log, 0, 1 << 20, ReadUpTo::End).len(), 100);
}
