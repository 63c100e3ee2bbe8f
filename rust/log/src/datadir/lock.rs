//! `.lock`: one broker a data directory, be it kafkalite or Apache Kafka.
//!
//! Kafka takes a POSIX record lock on that file, so that is what we take: `flock` would not see it. POSIX locks belong to
//! the process, which has two consequences. They do not stop a second broker in the *same* process, so a list of what this
//! process holds does. And closing any other descriptor of the file would drop the lock, so that list is asked before the
//! file is opened. In exchange, a forked child does not keep the lock when its parent dies.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use kafkalite_world::Disk;
use parking_lot::Mutex;
use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::process::{Flock, FlockType, fcntl_getlk};

use crate::{LogError, Result};

/// Device and inode of each data directory that this process has locked.
static HELD: Mutex<BTreeSet<(u64, u64)>> = Mutex::new(BTreeSet::new());

/// Held until dropped.
#[derive(Debug)]
pub(super) struct DirLock {
    directory: (u64, u64),
    file: File,
}

impl DirLock {
    /// Takes the lock of a directory that exists, or says at once who has it.
    pub(super) fn acquire(dir: &Path, disk: &dyn Disk) -> Result<Self> {
        let in_use = |holder: String| LogError::DirectoryInUse {
            path: dir.to_owned(),
            holder,
        };
        let unusable = |source| LogError::UnusableDirectory {
            path: dir.to_owned(),
            source,
        };
        let metadata = disk.metadata(dir).map_err(unusable)?;
        let directory = (metadata.dev(), metadata.ino());
        let mut held = HELD.lock();
        if held.contains(&directory) {
            return Err(in_use("another broker in this process".to_owned()));
        }
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).read(true);
        let opened = disk.open(&dir.join(".lock"), &options);
        let file = opened.map_err(unusable)?;
        if let Err(error) = fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
            return match error {
                rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS => Err(in_use(holder(&file))),
                other => Err(unusable(other.into())),
            };
        }
        held.insert(directory);
        Ok(Self { directory, file })
    }
}

impl Drop for DirLock {
    fn drop(&mut self) {
        let mut held = HELD.lock();
        // Before the entry goes, or a second broker of this process could lock in between and lose it to our close.
        let _ = fcntl_lock(&self.file, FlockOperation::NonBlockingUnlock);
        held.remove(&self.directory);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "/proc is the system's own, not a file of the broker"
)]
fn holder(file: &File) -> String {
    let pid = fcntl_getlk(file, &Flock::from(FlockType::WriteLock))
        .ok()
        .flatten()
        .and_then(|lock| lock.pid)
        .map(rustix::process::Pid::as_raw_nonzero);
    let Some(pid) = pid else {
        return "another process".to_owned();
    };
    match fs::read_to_string(format!("/proc/{pid}/comm")) {
        Ok(name) => format!("process {pid} ({})", name.trim_end()),
        Err(_) => format!("process {pid}"),
    }
}
