//! The `.log` file of one segment: bytes that only grow, with a published length.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use super::mapping::Mapping;
use crate::disk::{self, Disk};
use crate::{LogError, Result};

/// Address space is plenty; at most sixteen renewals for a segment of Kafka's default size.
const MAPPED_AHEAD: u64 = 64 << 20;

/// A segment's batches. Everything below [`written`](SegmentFile::written) is complete and never changes.
#[derive(Debug)]
pub struct SegmentFile {
    path: PathBuf,
    file: File,
    disk: Arc<dyn Disk>,
    /// Bytes of complete batches. Raised after the write.
    written: AtomicU64,
    /// Bytes below the high watermark. Raised before the watermark is.
    visible: AtomicU64,
    mapping: Mutex<Option<Arc<Mapping>>>,
}

impl SegmentFile {
    /// Opens an existing segment, all of it visible.
    pub(crate) fn open(path: &Path, disk: Arc<dyn Disk>) -> Result<SegmentFile> {
        SegmentFile::open_with(OpenOptions::new().read(true).write(true), path, disk)
    }

    /// Creates an empty segment.
    pub(crate) fn create(path: &Path, disk: Arc<dyn Disk>) -> Result<SegmentFile> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        SegmentFile::open_with(&options, path, disk)
    }

    /// Creates an empty segment at `path`, which will be called `later` when it is read.
    pub(crate) fn create_as(path: &Path, later: &Path, disk: Arc<dyn Disk>) -> Result<SegmentFile> {
        let mut file = SegmentFile::create(path, disk)?;
        later.clone_into(&mut file.path);
        Ok(file)
    }

    fn open_with(options: &OpenOptions, path: &Path, disk: Arc<dyn Disk>) -> Result<SegmentFile> {
        let file = options.open(path).map_err(LogError::io("open", path))?;
        let len = file
            .metadata()
            .map_err(LogError::io("inspect", path))?
            .len();
        Ok(SegmentFile {
            path: path.to_owned(),
            file,
            disk,
            written: AtomicU64::new(len),
            visible: AtomicU64::new(len),
            mapping: Mutex::new(None),
        })
    }

    /// Bytes of complete batches.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// Bytes of batches below the high watermark.
    pub fn visible(&self) -> u64 {
        self.visible.load(Ordering::Acquire)
    }

    /// Where the file was when it was opened; retention and topic deletion may have renamed it since.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the file lies on.
    pub(crate) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    /// Fills as much of `buffer` as there is from `position` on and returns how many bytes that was.
    pub fn read_at(&self, buffer: &mut [u8], position: u64) -> Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self
                .file
                .read_at(&mut buffer[filled..], position + filled as u64)
            {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(LogError::io("read", &self.path)(error)),
            }
        }
        Ok(filled)
    }

    /// The file's bytes in memory, at least up to `len`, which must not exceed [`written`](SegmentFile::written).
    ///
    /// A mapping is kept for the segment's life: a fresh one for each read costs three times as much. It reaches
    /// beyond the end of the file, so that it is renewed rarely as the file grows.
    pub(crate) fn map(&self, len: u64) -> Result<Arc<Mapping>> {
        let mut mapping = self.mapping.lock();
        if let Some(mapping) = mapping
            .as_ref()
            .filter(|mapping| mapping.len() as u64 >= len)
        {
            return Ok(Arc::clone(mapping));
        }
        let room = len.next_multiple_of(MAPPED_AHEAD) as usize;
        let fresh = Mapping::new(&self.file, room).map_err(LogError::io("map", &self.path))?;
        Ok(Arc::clone(mapping.insert(Arc::new(fresh))))
    }

    /// Appends `parts` in one vectored write (more only if the system takes less than all) and returns the new length,
    /// which the caller publishes.
    ///
    /// When that fails the file is cut back to what was there before, and the error is [`LogError::Io`]; when cutting
    /// fails too, [`LogError::Failed`]: nobody knows what lies behind the end.
    pub(crate) fn append(&self, parts: &mut [IoSlice<'_>]) -> Result<u64> {
        let end = self.written.load(Ordering::Relaxed);
        match disk::write_all_vectored_at(&*self.disk, &self.file, parts, end) {
            Ok(written) => Ok(end + written),
            Err(source) => Err(match self.file.set_len(end) {
                Ok(()) => LogError::io("append to", &self.path)(source),
                Err(cut) => LogError::Failed {
                    path: self.path.clone(),
                    reason: format!(
                        "an append failed ({source}) and its rest could not be cut off ({cut})"
                    ),
                },
            }),
        }
    }

    /// Says how much of the file is complete, and how much of that readers below the high watermark may see.
    pub(crate) fn publish(&self, written: u64, visible: bool) {
        self.written.store(written, Ordering::Release);
        if visible {
            self.reveal(written);
        }
    }

    /// Raises what readers below the high watermark may see; never lowers it.
    pub(crate) fn reveal(&self, visible: u64) {
        self.visible.fetch_max(visible, Ordering::AcqRel);
    }

    /// Cuts the file on the disk. Only recovery does that, before anybody reads.
    pub(crate) fn truncate(&self, len: u64) -> Result<()> {
        self.file
            .set_len(len)
            .map_err(LogError::io("truncate", &self.path))
    }

    /// Publishes less than the file holds. Only recovery does that, before anybody reads.
    pub(crate) fn shorten_to(&self, len: u64) {
        self.written.store(len, Ordering::Release);
        self.visible.store(len, Ordering::Release);
    }

    /// Returns when every byte written before the call survives a power cut.
    pub(crate) fn sync(&self) -> Result<()> {
        self.disk
            .sync_data(&self.file)
            .map_err(LogError::io("fsync", &self.path))
    }

    /// Makes the file look as if it was last written to when `other` was.
    pub(crate) fn take_modified_from(&self, other: &SegmentFile) -> Result<()> {
        let modified = other.file.metadata().and_then(|data| data.modified());
        modified
            .and_then(|modified| self.file.set_modified(modified))
            .map_err(LogError::io("date", &self.path))
    }

    /// When the file was last written to, in milliseconds since 1970; for segments without timestamps.
    pub(crate) fn modified_ms(&self) -> Result<i64> {
        let modified = self
            .file
            .metadata()
            .and_then(|metadata| metadata.modified());
        let modified = modified.map_err(LogError::io("inspect", &self.path))?;
        Ok(modified
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |age| age.as_millis() as i64))
    }
}

impl AsFd for SegmentFile {
    /// For `sendfile`.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
