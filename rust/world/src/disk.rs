//! The door through which a log and a broker reach their files, so that tests can put a broken disk behind it.
//!
//! A virtual call costs a nanosecond beside a system call of a microsecond or more, so production pays nothing that can be
//! measured. What is read of a file that is open does not pass here: it is mapped, or sent from the file itself.

use std::fmt::Debug;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use crate::durable;

/// What is asked of the device. Everything is done by the operating system unless an implementation says otherwise; [`os`] is
/// the real one, `faults` has one that fails on demand.
pub trait Disk: Debug + Send + Sync {
    /// Writes the beginning of `parts` at byte `position` of `file`; answers how many bytes were taken, which may be fewer
    /// than offered (a nearly full disk does that before it says ENOSPC).
    fn write_vectored_at(
        &self,
        file: &File,
        parts: &[IoSlice<'_>],
        position: u64,
    ) -> io::Result<usize> {
        Ok(rustix::io::pwritev(file, parts, position)?)
    }

    /// Returns when the bytes of `file`, and the length needed to read them back, survive a power cut. After an error
    /// nothing is known about any byte written since the last success: the caller must not try again and believe it.
    fn sync_data(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    /// Opens a file, or creates it.
    fn open(&self, path: &Path, options: &OpenOptions) -> io::Result<File> {
        options.open(path)
    }

    /// What a file holds.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    /// Writes a file that need not survive a power cut.
    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        fs::write(path, bytes)
    }

    /// Puts bytes in the place of whatever a file held: who reads it, also after a power cut, finds the old content or the new
    /// one, and after this has returned the new one. They go to `<name>.tmp`, are flushed, and take the place of the old file by a
    /// rename. One writer at a time for each path.
    fn replace_file(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        durable::replace_file(path, bytes)
    }

    /// Gets blocks for these bytes of a file; [`io::ErrorKind::Unsupported`] where the file system cannot.
    fn allocate(&self, file: &File, from: u64, len: u64) -> io::Result<()> {
        match fallocate(file, FallocateFlags::empty(), from, len) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => Err(io::ErrorKind::Unsupported.into()),
            done => Ok(done?),
        }
    }

    /// What the file system knows of a file or directory.
    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        fs::metadata(path)
    }

    /// What lies in a directory.
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect()
    }

    /// Creates one directory.
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir(dir)
    }

    /// Creates a directory and those of its parents that are missing, each flushed into its parent.
    fn create_dir_all(&self, dir: &Path) -> io::Result<()> {
        durable::create_dir_all(dir)
    }

    /// Gives a file or directory another name, in the place of whatever file had that.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    /// Removes a directory and what is in it.
    fn remove_dir_all(&self, dir: &Path) -> io::Result<()> {
        fs::remove_dir_all(dir)
    }

    /// Returns when creations, renames and removals in a directory survive a power cut.
    fn sync_dir(&self, dir: &File) -> io::Result<()> {
        dir.sync_all()
    }
}

impl dyn Disk + '_ {
    /// What a text file holds.
    pub fn read_text(&self, path: &Path) -> io::Result<String> {
        String::from_utf8(self.read(path)?)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    /// Whether there is something of this name. What cannot be looked at is not there.
    pub fn exists(&self, path: &Path) -> bool {
        self.metadata(path).is_ok()
    }

    /// Removes a file if it is there, and says whether it was.
    pub fn remove_if_present(&self, path: &Path) -> io::Result<bool> {
        match self.remove(path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// As [`sync_dir`](Disk::sync_dir), of one that is not open.
    pub fn sync_dir_at(&self, dir: &Path) -> io::Result<()> {
        self.sync_dir(&self.open(dir, OpenOptions::new().read(true))?)
    }
}

/// The operating system's own files.
pub fn os() -> Arc<dyn Disk> {
    Arc::new(OperatingSystem)
}

/// Removes a file that nobody reads any more. One that stays is removed when its log is opened again.
pub fn unlink(disk: &dyn Disk, path: &Path) {
    if let Err(error) = disk.remove(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(%error, "cannot remove {}", path.display());
    }
}

/// Writes all of `parts` at `position`, however many calls that takes, and answers the number of bytes.
///
/// On an error some of the bytes may be in the file: the caller cuts the file back to `position`.
pub fn write_all_vectored_at(
    disk: &dyn Disk,
    file: &File,
    mut parts: &mut [IoSlice<'_>],
    position: u64,
) -> io::Result<u64> {
    let mut written = 0u64;
    IoSlice::advance_slices(&mut parts, 0); // drops leading empty parts: writing them would look like a full disk
    while !parts.is_empty() {
        match disk.write_vectored_at(file, parts, position + written) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(taken) => {
                written += taken as u64;
                IoSlice::advance_slices(&mut parts, taken);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}

#[derive(Debug)]
struct OperatingSystem;

impl Disk for OperatingSystem {}
