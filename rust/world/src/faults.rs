//! A disk that breaks when a test says so. Only in tests: behind the feature `faults`.

use std::fs::File;
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::disk::{self, Disk};

/// The operating system's disk, until told otherwise; see [`Fault`]. Clones of the `Arc` share what was told.
#[derive(Debug)]
pub struct FaultyDisk {
    real: Arc<dyn Disk>,
    state: Mutex<State>,
    /// There is another fault, or none.
    changed: Condvar,
}

/// What goes wrong from now on, until [`FaultyDisk::heal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The disk takes this many more bytes, the last of them as a short write, then says ENOSPC.
    FullAfter(u64),
    /// Every write takes at most this many bytes (at least one): legal, and often forgotten.
    ShortWrites(usize),
    /// Every write fails with EIO and leaves no byte.
    FailingWrites,
    /// Every flush fails with EIO.
    FailingSyncs,
    /// Every flush, also of what replaces a file and of a directory, takes so long, or until there is another fault or none.
    SlowSyncs(Duration),
    /// So many more steps (writes, flushes, renames, removals) are done, then none: what is left on the disk is what a
    /// process leaves that is killed there.
    DeadAfter(u64),
}

#[derive(Debug, Default)]
struct State {
    fault: Option<Fault>,
    syncs: u64,
    writes: u64,
}

impl FaultyDisk {
    /// A disk without a fault.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            real: disk::os(),
            state: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// From now on this goes wrong, and only this.
    pub fn inject(&self, fault: Fault) {
        self.set(Some(fault));
    }

    /// From now on nothing goes wrong.
    pub fn heal(&self) {
        self.set(None);
    }

    fn set(&self, fault: Option<Fault>) {
        self.state.lock().fault = fault;
        self.changed.notify_all();
    }

    /// How many flushes have reached the device, for tests of those that share one.
    pub fn syncs(&self) -> u64 {
        self.state.lock().syncs
    }

    /// How many writes have reached the device, for tests that an append is one of them.
    pub fn writes(&self) -> u64 {
        self.state.lock().writes
    }

    /// Waits as long as a flush takes here.
    fn flushes(&self) {
        let mut state = self.state.lock();
        if let Some(slow @ Fault::SlowSyncs(long)) = state.fault {
            let is_slow = |state: &mut State| state.fault == Some(slow);
            let _ = self.changed.wait_while_for(&mut state, is_slow, long);
        }
    }

    /// Whether one more step may be done.
    fn step(&self) -> io::Result<()> {
        match &mut self.state.lock().fault {
            Some(Fault::DeadAfter(0)) => Err(rustix::io::Errno::IO.into()),
            Some(Fault::DeadAfter(left)) => {
                *left -= 1;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whether so many bytes still fit; they are not counted, as what replaces a file gives its room back.
    fn room_for(&self, bytes: u64) -> io::Result<()> {
        match self.state.lock().fault {
            Some(Fault::FullAfter(left)) if left < bytes => Err(rustix::io::Errno::NOSPC.into()),
            Some(Fault::FailingWrites) => Err(rustix::io::Errno::IO.into()),
            _ => Ok(()),
        }
    }

    fn write_at_most(
        &self,
        limit: usize,
        file: &File,
        parts: &[IoSlice<'_>],
        position: u64,
    ) -> io::Result<usize> {
        let part = parts.iter().find(|part| !part.is_empty());
        let Some(part) = part else { return Ok(0) };
        let taken = &part[..part.len().min(limit)];
        self.real
            .write_vectored_at(file, &[IoSlice::new(taken)], position)
    }
}

impl Disk for FaultyDisk {
    fn write_vectored_at(
        &self,
        file: &File,
        parts: &[IoSlice<'_>],
        position: u64,
    ) -> io::Result<usize> {
        self.step()?;
        let fault = {
            let mut state = self.state.lock();
            state.writes += 1;
            state.fault
        };
        match fault {
            Some(Fault::FailingWrites) => Err(rustix::io::Errno::IO.into()),
            Some(Fault::FullAfter(0)) => Err(rustix::io::Errno::NOSPC.into()),
            Some(Fault::FullAfter(left)) => {
                let limit = usize::try_from(left).unwrap_or(usize::MAX);
                let taken = self.write_at_most(limit, file, parts, position)?;
                self.inject(Fault::FullAfter(left - taken as u64));
                Ok(taken)
            }
            Some(Fault::ShortWrites(limit)) => {
                self.write_at_most(limit.max(1), file, parts, position)
            }
            Some(Fault::FailingSyncs | Fault::SlowSyncs(_) | Fault::DeadAfter(_)) | None => {
                self.real.write_vectored_at(file, parts, position)
            }
        }
    }

    fn sync_data(&self, file: &File) -> io::Result<()> {
        self.step()?;
        self.flushes();
        {
            let mut state = self.state.lock();
            if state.fault == Some(Fault::FailingSyncs) {
                return Err(rustix::io::Errno::IO.into());
            }
            state.syncs += 1;
        }
        self.real.sync_data(file)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.step()?;
        self.room_for(bytes.len() as u64)?;
        self.real.write(path, bytes)
    }

    fn allocate(&self, file: &File, from: u64, len: u64) -> io::Result<()> {
        self.step()?;
        self.room_for(len)?;
        self.real.allocate(file, from, len)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.step()?;
        self.room_for(1)?;
        self.real.create_dir(dir)
    }

    fn remove_dir_all(&self, dir: &Path) -> io::Result<()> {
        self.step()?;
        self.real.remove_dir_all(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        self.real.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        self.real.remove(path)
    }

    fn replace_file(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.step()?;
        self.room_for(bytes.len() as u64)?;
        self.flushes();
        self.real.replace_file(path, bytes)
    }

    fn sync_dir(&self, dir: &File) -> io::Result<()> {
        self.step()?;
        self.flushes();
        self.real.sync_dir(dir)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::write_all_vectored_at;

    fn write(disk: &FaultyDisk, file: &File) -> io::Result<u64> {
        let parts = [&b""[..], b"head", b"", b"rest of the batch"];
        write_all_vectored_at(disk, file, &mut parts.map(IoSlice::new), 3)
    }

    #[test]
    fn short_writes_are_continued_where_they_ended() {
        let disk = FaultyDisk::new();
        for limit in 1..25 {
            let file = tempfile::NamedTempFile::new().unwrap();
            disk.inject(Fault::ShortWrites(limit));
            assert_eq!(write(&disk, file.as_file()).unwrap(), 21);
            assert_eq!(
                std::fs::read(file.path()).unwrap(),
                b"\0\0\0headrest of the batch"
            );
        }
    }

    #[test]
    fn a_full_disk_takes_what_fits_and_then_says_so() {
        let disk = FaultyDisk::new();
        disk.inject(Fault::FullAfter(6));
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = write(&disk, file.as_file()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(std::fs::read(file.path()).unwrap(), b"\0\0\0headre");
        disk.heal();
        assert_eq!(write(&disk, file.as_file()).unwrap(), 21);
    }

    #[test]
    fn a_slow_flush_is_over_when_the_disk_gets_well() {
        let disk = FaultyDisk::new();
        let file = tempfile::tempfile().unwrap();
        disk.inject(Fault::SlowSyncs(Duration::from_mins(1)));
        write(&disk, &file).unwrap();
        std::thread::scope(|scope| {
            let flush = scope.spawn(|| disk.sync_data(&file));
            assert!(!flush.is_finished() && disk.syncs() == 0);
            disk.heal();
            flush.join().unwrap().unwrap();
        });
        assert_eq!(disk.syncs(), 1);
    }

    #[test]
    fn failing_syncs_do_not_reach_the_device() {
        let disk = FaultyDisk::new();
        let file = tempfile::tempfile().unwrap();
        disk.sync_data(&file).unwrap();
        disk.inject(Fault::FailingSyncs);
        assert!(disk.sync_data(&file).is_err());
        assert_eq!(disk.syncs(), 1);
    }
}
