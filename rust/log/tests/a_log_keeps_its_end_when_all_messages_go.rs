//! What says where a log ends must be on the disk before all that it consisted of goes.

#![allow(
    clippy::unwrap_used,
    reason = "a test ends where something is not there"
)]

mod support;

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kafkalite_log::{Log, LogConfig};
use kafkalite_world::disk::Disk;
use rustix::io::Errno;
use support::{NOW, append};

/// A disk on which directories cannot be opened while there is no descriptor; it counts the flushes of directories.
#[derive(Debug, Default)]
struct FewDescriptors {
    out_of_descriptors: AtomicBool,
    flushed: AtomicU64,
}

impl Disk for FewDescriptors {
    fn open(&self, path: &Path, options: &OpenOptions) -> io::Result<File> {
        if path.is_dir() && self.out_of_descriptors.load(Ordering::Relaxed) {
            return Err(Errno::MFILE.into());
        }
        options.open(path)
    }

    fn sync_dir(&self, dir: &File) -> io::Result<()> {
        self.flushed.fetch_add(1, Ordering::Relaxed);
        dir.sync_all()
    }
}

#[test]
fn a_segment_that_is_not_flushed_into_its_directory_replaces_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(FewDescriptors::default());
    let options = kafkalite_log::OpenOptions {
        now_ms: NOW,
        disk: Arc::clone(&disk) as Arc<dyn Disk>,
        ..Default::default()
    };
    let config = LogConfig {
        retention_ms: Some(1),
        ..LogConfig::default()
    };
    let (log, _) = Log::open(dir.path(), config, &options).unwrap();
    append(&log, &[b"x"]);
    log.flush().unwrap();
    disk.out_of_descriptors.store(true, Ordering::Relaxed);
    for look in 0..2 {
        let retained = log.retain(NOW + 10).unwrap();
        assert_eq!(retained.segments, 0, "{look}");
        let reason = retained.held_back.unwrap();
        assert!(reason.contains("Too many open files"), "{reason}");
        assert_eq!(
            log.segment_bases(),
            [0, 1],
            "a power cut may take the second"
        );
    }
    disk.out_of_descriptors.store(false, Ordering::Relaxed);
    let before = disk.flushed.load(Ordering::Relaxed);
    assert_eq!(log.retain(NOW + 10).unwrap().segments, 1);
    assert!(disk.flushed.load(Ordering::Relaxed) > before);
    assert_eq!((log.segment_bases(), log.end_offset()), (vec![1], 1));
}
