//! The `.log` file of one segment: bytes that only grow, with a published length.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use parking_lot::Mutex;

use super::Place;
use super::descriptor::{self, Descriptor};
use super::mapping::Mapping;
use crate::{LogError, Result};
use kafkalite_world::disk::{self, Disk};

/// Address space is plenty; at most sixteen renewals for a segment of Kafka's default size.
const MAPPED_AHEAD: u64 = 64 << 20;

/// A segment's batches. Everything below [`written`](SegmentFile::written) is complete and never changes.
///
/// It is open while it is appended to; later it is opened when it is read, under the name that it has by then.
#[derive(Debug)]
pub struct SegmentFile {
    path: PathBuf,
    place: Place,
    /// The name that the file has. Held by whoever opens or renames it.
    location: Mutex<PathBuf>,
    descriptor: Arc<Descriptor>,
    /// Bytes of complete batches. Raised after the write.
    written: AtomicU64,
    /// Bytes below the high watermark. Raised before the watermark is.
    visible: AtomicU64,
}

impl SegmentFile {
    /// An existing segment, all of it visible; opened when it is read.
    pub(crate) fn open(path: &Path, place: &Place) -> Result<SegmentFile> {
        let metadata = place
            .disk
            .metadata(path)
            .map_err(LogError::io("open", path))?;
        Ok(SegmentFile::new(path, path, place, metadata.len()))
    }

    /// Creates an empty segment.
    pub(crate) fn create(path: &Path, place: &Place) -> Result<SegmentFile> {
        SegmentFile::create_as(path, path, place)
    }

    /// Creates an empty segment at `path`, which will be called `later` when it is read.
    pub(crate) fn create_as(path: &Path, later: &Path, place: &Place) -> Result<SegmentFile> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true);
        let opened =
            descriptor::open(&*place.disk, &options, path).map_err(LogError::io("open", path))?;
        let file = SegmentFile::new(path, later, place, 0);
        file.descriptor.keep(Arc::new(opened));
        Ok(file)
    }

    fn new(path: &Path, later: &Path, place: &Place, len: u64) -> SegmentFile {
        SegmentFile {
            path: later.to_owned(),
            place: place.clone(),
            location: Mutex::new(path.to_owned()),
            descriptor: Arc::default(),
            written: AtomicU64::new(len),
            visible: AtomicU64::new(len),
        }
    }

    /// The file, opened if it is not. Who has it can read it, whatever is renamed or unlinked meanwhile.
    pub(crate) fn file(&self) -> Result<Arc<File>> {
        if let Some(file) = self.descriptor.get() {
            return Ok(file);
        }
        let location = self.location.lock();
        if let Some(file) = self.descriptor.get() {
            return Ok(file);
        }
        let _ours = self.place.enter()?;
        let mut options = OpenOptions::new();
        let opened = descriptor::open(self.disk(), options.read(true).write(true), &location);
        let file = Arc::new(opened.map_err(LogError::io("open", &location))?);
        self.descriptor.lend(&file);
        Ok(file)
    }

    /// Keeps the file open from now on: it is appended to.
    pub(crate) fn keep_open(&self) -> Result<()> {
        let file = self.file()?;
        self.descriptor.keep(file);
        Ok(())
    }

    /// Lets the file be closed and opened again as it is read: it is flushed, and nobody appends to it.
    pub(crate) fn release(&self) {
        self.descriptor.release();
    }

    /// Gives the file another name.
    pub(crate) fn rename(&self, to: &Path) -> io::Result<()> {
        let mut location = self.location.lock();
        self.place.disk.rename(&location, to)?;
        to.clone_into(&mut location);
        Ok(())
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
        &*self.place.disk
    }

    /// Where the segment is.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// Fills as much of `buffer` as there is from `position` on and returns how many bytes that was.
    pub fn read_at(&self, buffer: &mut [u8], position: u64) -> Result<usize> {
        let file = self.file()?;
        let mut filled = 0;
        while filled < buffer.len() {
            match file.read_at(&mut buffer[filled..], position + filled as u64) {
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
    /// A mapping is kept for as long as the file is open: a fresh one for each read costs three times as much. It reaches
    /// beyond the end of the file, so that it is renewed rarely as the file grows. The system may refuse one.
    pub(crate) fn map(&self, file: &File, len: u64) -> io::Result<Arc<Mapping>> {
        let mut mapping = self.descriptor.mapping.lock();
        if let Some(mapping) = mapping
            .as_ref()
            .filter(|mapping| mapping.len() as u64 >= len)
        {
            return Ok(Arc::clone(mapping));
        }
        let room = len.next_multiple_of(MAPPED_AHEAD) as usize;
        let fresh = Mapping::new(file, room)?;
        Ok(Arc::clone(mapping.insert(Arc::new(fresh))))
    }

    /// Appends `parts` in one vectored write (more only if the system takes less than all) and returns the new length,
    /// which the caller publishes.
    ///
    /// When that fails the file is cut back to what was there before, and the error is [`LogError::Io`]; when cutting
    /// fails too, [`LogError::Failed`]: nobody knows what lies behind the end.
    pub(crate) fn append(&self, parts: &mut [IoSlice<'_>]) -> Result<u64> {
        let end = self.written.load(Ordering::Relaxed);
        let file = self.file()?;
        match disk::write_all_vectored_at(self.disk(), &file, parts, end) {
            Ok(written) => Ok(end + written),
            Err(source) => Err(match file.set_len(end) {
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
        self.file()?
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
        let file = self.file()?;
        self.disk()
            .sync_data(&file)
            .map_err(LogError::fsync(&self.path))
    }

    /// Makes the file look as if it was last written to when `other` was.
    pub(crate) fn take_modified_from(&self, other: &SegmentFile) -> Result<()> {
        let file = self.file()?;
        other
            .modified()
            .and_then(|modified| file.set_modified(modified))
            .map_err(LogError::io("date", &self.path))
    }

    fn modified(&self) -> io::Result<SystemTime> {
        self.disk().metadata(&self.location.lock())?.modified()
    }

    /// When the file was last written to, in milliseconds since 1970; for segments without timestamps.
    pub(crate) fn modified_ms(&self) -> Result<i64> {
        let modified = self
            .modified()
            .map_err(LogError::io("inspect", &self.path))?;
        Ok(modified
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |age| age.as_millis() as i64))
    }
}
