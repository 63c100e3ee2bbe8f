//! The door through which every byte of a segment reaches the disk, and every change of a segment's name, so that tests
//! can put a broken disk behind it.
//!
//! A virtual call costs a nanosecond beside a system call of a microsecond or more, so production pays nothing that can be
//! measured; reads do not pass here.

use std::fmt::Debug;
use std::fs::{self, File};
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;

use crate::durable;

/// What a log asks of the device for its segments. [`os`] is the real one; `faults` has one that fails on demand.
pub trait Disk: Debug + Send + Sync {
    /// Writes the beginning of `parts` at byte `position` of `file`; answers how many bytes were taken, which may be fewer
    /// than offered (a nearly full disk does that before it says ENOSPC).
    fn write_vectored_at(
        &self,
        file: &File,
        parts: &[IoSlice<'_>],
        position: u64,
    ) -> io::Result<usize>;

    /// Returns when the bytes of `file`, and the length needed to read them back, survive a power cut. After an error
    /// nothing is known about any byte written since the last success: the caller must not try again and believe it.
    fn sync_data(&self, file: &File) -> io::Result<()>;

    /// Gives a file another name, in the place of whatever had that.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    /// Puts bytes in the place of whatever a file held, see [`durable::replace_file`].
    fn replace_file(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        durable::replace_file(path, bytes)
    }

    /// Returns when creations, renames and removals in a directory survive a power cut.
    fn sync_dir(&self, dir: &File) -> io::Result<()> {
        dir.sync_all()
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

impl Disk for OperatingSystem {
    fn write_vectored_at(
        &self,
        file: &File,
        parts: &[IoSlice<'_>],
        position: u64,
    ) -> io::Result<usize> {
        Ok(rustix::io::pwritev(file, parts, position)?)
    }

    fn sync_data(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }
}
