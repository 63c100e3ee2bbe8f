//! What both sparse indexes of a segment are: a mapped file of fixed-size entries that only grows. What the entries say is in
//! `offset_index` and `time_index`.
//!
//! Kafka's life cycle: as large as `segment.index.bytes` while it is written (rounded down to whole entries, zeros behind
//! the last one), trimmed to the entries when the segment is rolled or closed, and then never written again. Until there is
//! a first entry the file is empty and not mapped: most partitions of a broker with many are small.
//!
//! No file stays open: it is opened again, by name, for the few times that its size changes. The name may have gone to
//! another file by then (the topic was deleted and created anew), so only the very file that is mapped is touched.
//!
//! The file grows without blocks. A store into a mapped page that finds no block on a full disk kills the process,
//! so blocks are reserved, a page at a time, before an entry may go there; where that fails there is no entry, which a
//! sparse index can bear. Who appends does not wait for that: an entry is a store into memory or it is not made.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use kafkalite_world::Disk;
use parking_lot::Mutex;

use super::{descriptor, mapping::Words};
use crate::{LogError, Result};

/// Bytes reserved at a time.
const PAGE: usize = 4096;

/// What stays of an index that is appended to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kept {
    /// It is a new one, or made anew.
    Nothing,
    /// All of its entries: the segment was closed cleanly and goes on.
    Everything,
}

/// A file of entries of `N` 32-bit cells each. One writer, any number of lock-free readers.
#[derive(Debug)]
pub(crate) struct IndexFile<const N: usize> {
    /// The segment's; entries are relative to it.
    pub(super) base_offset: i64,
    disk: Arc<dyn Disk>,
    path: PathBuf,
    /// Device and inode of the file.
    identity: (u64, u64),
    /// Entries that there may be.
    capacity: usize,
    /// The first entries of a small index that goes on, in place of a mapping until there is a new one.
    kept: Box<[u32]>,
    /// Mapped as soon as there is an entry to write.
    words: OnceLock<Words>,
    /// Raised after an entry's cells are written, so whoever reads the count sees the cells.
    entries: AtomicUsize,
    /// Bytes from the front that have blocks on the disk. Raised when they are mapped.
    reserved: AtomicUsize,
    /// Held by whoever changes the size of the file; `true` when it has its last one.
    ended: Mutex<bool>,
    /// Whether it was told that there is no room.
    told: AtomicBool,
    /// Whether it was written to and not flushed as a whole since.
    unfinished: AtomicBool,
}

impl<const N: usize> IndexFile<N> {
    /// Bytes an entry takes.
    pub(crate) const ENTRY_BYTES: usize = N * size_of::<u32>();

    /// An index to append to, which is created if need be, with room for `max_bytes`.
    pub(crate) fn open_active(
        disk: &Arc<dyn Disk>,
        path: &Path,
        base_offset: i64,
        max_bytes: u32,
        kept: Kept,
    ) -> Result<Self> {
        let entries = match kept {
            Kept::Nothing => 0,
            Kept::Everything => {
                let metadata = disk.metadata(path).map_err(LogError::io("inspect", path))?;
                metadata.len() as usize / Self::ENTRY_BYTES
            }
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = descriptor::open(&**disk, &options, path).map_err(LogError::io("open", path))?;
        let metadata = file.metadata().map_err(LogError::io("inspect", path))?;
        let kept = entries * Self::ENTRY_BYTES;
        if metadata.len() != kept as u64 {
            // What lies behind the kept entries must read as zeros, as in a file that Kafka preallocated.
            file.set_len(kept as u64)
                .map_err(LogError::io("resize", path))?;
        }
        let capacity = (max_bytes as usize / Self::ENTRY_BYTES).max(entries);
        let mut index = Self::new(disk, path, base_offset, &metadata, capacity, entries);
        if kept > PAGE {
            index.grow(&file).map_err(LogError::io("map", path))?;
        } else {
            index.kept = cells(&file, kept).map_err(LogError::io("read", path))?;
        }
        Ok(index)
    }

    /// The index of a rolled segment; every whole entry of the file counts.
    pub(crate) fn open_sealed(disk: &Arc<dyn Disk>, path: &Path, base_offset: i64) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        let file = descriptor::open(&**disk, &options, path).map_err(LogError::io("open", path))?;
        let metadata = file.metadata().map_err(LogError::io("inspect", path))?;
        let entries = metadata.len() as usize / Self::ENTRY_BYTES;
        let mut index = Self::new(disk, path, base_offset, &metadata, entries, entries);
        // The system gives a process so many mappings and no more.
        if entries > 0 && index.map(&file).is_err() {
            let len = entries * Self::ENTRY_BYTES;
            index.kept = cells(&file, len).map_err(LogError::io("read", path))?;
        }
        Ok(index)
    }

    fn new(
        disk: &Arc<dyn Disk>,
        path: &Path,
        base_offset: i64,
        metadata: &Metadata,
        capacity: usize,
        entries: usize,
    ) -> Self {
        Self {
            base_offset,
            disk: Arc::clone(disk),
            path: path.to_owned(),
            identity: identity(metadata),
            capacity,
            kept: Box::default(),
            words: OnceLock::new(),
            entries: AtomicUsize::new(entries),
            reserved: AtomicUsize::new(entries * Self::ENTRY_BYTES),
            ended: Mutex::new(false),
            told: AtomicBool::new(false),
            unfinished: AtomicBool::new(false),
        }
    }

    /// How many entries readers may look at.
    pub(super) fn len(&self) -> usize {
        self.entries.load(Ordering::Acquire)
    }

    /// How many more entries fit.
    pub(super) fn room(&self) -> usize {
        self.capacity - self.len()
    }

    /// Bytes that the entries take.
    pub(crate) fn bytes(&self) -> u64 {
        (self.len() * Self::ENTRY_BYTES) as u64
    }

    /// The cells of the last entry.
    pub(super) fn last_entry(&self) -> Option<[u32; N]> {
        Some(self.entry(self.len().checked_sub(1)?))
    }

    /// The cells of entry `index`, which is below [`len`](IndexFile::len).
    pub(super) fn entry(&self, index: usize) -> [u32; N] {
        match self.words.get() {
            Some(words) => std::array::from_fn(|cell| words.load(index * N + cell)),
            None => std::array::from_fn(|cell| self.kept[index * N + cell]),
        }
    }

    /// Adds an entry, if there is [room](IndexFile::make_room). The caller is the one writer.
    pub(super) fn push(&self, entry: [u32; N]) -> bool {
        let index = self.entries.load(Ordering::Relaxed);
        if index == self.capacity || !self.is_reserved(index + 1) {
            return false;
        }
        // Without, or without room, if it was small and has got its last entry.
        let Some(words) = self
            .words
            .get()
            .filter(|words| words.len() >= (index + 1) * N)
        else {
            return false;
        };
        for (cell, value) in entry.into_iter().enumerate() {
            words.store(index * N + cell, value);
        }
        self.entries.store(index + 1, Ordering::Release);
        true
    }

    /// Gets room on the disk for so many more entries, and one: the last one of a segment must not fail. What cannot be had
    /// is told once.
    pub(crate) fn make_room(&self, entries: usize) {
        let wanted = (self.len() + entries + 1).min(self.capacity);
        if self.is_reserved(wanted) {
            return;
        }
        let ended = self.ended.lock();
        if *ended || self.is_reserved(wanted) {
            return;
        }
        if let Err(error) = self.reserve(wanted * Self::ENTRY_BYTES)
            && !self.told.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(%error, "no room for another entry in {}", self.path.display());
        }
    }

    /// Adds the last entry that there will be. Where the file has not grown yet, it does not have to for one entry.
    pub(super) fn push_last(&self, entry: [u32; N]) -> bool {
        let index = self.len();
        if self.words.get().is_some() || index == self.capacity {
            self.make_room(0);
            return self.push(entry);
        }
        let bytes: Vec<u8> = entry.into_iter().flat_map(u32::to_be_bytes).collect();
        let write = || {
            let file = self.open_again()?.ok_or(io::ErrorKind::NotFound)?;
            self.unfinished.store(true, Ordering::Release);
            file.write_all_at(&bytes, (index * Self::ENTRY_BYTES) as u64)?;
            self.map(&file)
        };
        match write() {
            Ok(()) => self.entries.store(index + 1, Ordering::Release),
            Err(error) => {
                tracing::warn!(%error, "no last entry in {}", self.path.display());
            }
        }
        self.len() > index
    }

    fn is_reserved(&self, entries: usize) -> bool {
        entries * Self::ENTRY_BYTES <= self.reserved.load(Ordering::Acquire)
    }

    /// Gets blocks for the first `end` bytes.
    fn reserve(&self, end: usize) -> io::Result<()> {
        let from = self.reserved.load(Ordering::Relaxed);
        let to = end
            .next_multiple_of(PAGE)
            .min(self.capacity * Self::ENTRY_BYTES);
        let file = self.open_again()?.ok_or(io::ErrorKind::NotFound)?;
        self.grow(&file)?;
        reserve(&*self.disk, &file, from, to)?;
        self.reserved.store(to, Ordering::Release);
        Ok(())
    }

    /// Makes the file as long as it may become, and maps it, unless that is done.
    fn grow(&self, file: &File) -> io::Result<()> {
        self.unfinished.store(true, Ordering::Release);
        if self.words.get().is_none() {
            file.set_len((self.capacity * Self::ENTRY_BYTES) as u64)?;
            self.map(file)?;
        }
        Ok(())
    }

    fn map(&self, file: &File) -> io::Result<()> {
        let words = Words::new(file)?;
        let _ = self.words.set(words);
        Ok(())
    }

    /// The file, opened for a change of its size; `None` if it is not there under its name any more: it was deleted.
    fn open_again(&self) -> io::Result<Option<File>> {
        let mut options = OpenOptions::new();
        match descriptor::open(&*self.disk, options.read(true).write(true), &self.path) {
            Ok(file) if identity(&file.metadata()?) == self.identity => Ok(Some(file)),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The number of leading entries for which `before` holds; the entries are sorted by what `before` compares.
    pub(super) fn partition_point(&self, before: impl Fn([u32; N]) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if before(self.entry(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Cuts the file to its entries: the segment was rolled or is being closed. It does not grow again.
    pub(crate) fn trim(&self) -> Result<()> {
        self.trimmed().map(drop)
    }

    fn trimmed(&self) -> Result<Option<File>> {
        let mut ended = self.ended.lock();
        *ended = true;
        if !self.unfinished.load(Ordering::Acquire) {
            return Ok(None);
        }
        let trim = || {
            let file = self.open_again()?;
            if let Some(file) = &file {
                file.set_len((self.len() * Self::ENTRY_BYTES) as u64)?;
            }
            Ok(file)
        };
        trim().map_err(LogError::io("trim", &self.path))
    }

    /// Makes the entries of a rolled or closed segment survive a power cut. Cuts the file first, should that have failed
    /// when the segment ended: zeros behind the last entry would be entries to the next who opens it.
    pub(crate) fn sync(&self) -> Result<()> {
        let file = self.trimmed()?;
        file.map_or(Ok(()), |file| file.sync_all())
            .map_err(LogError::fsync(&self.path))?;
        self.unfinished.store(false, Ordering::Release);
        Ok(())
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// The first `len` bytes of a file as cells.
fn cells(file: &File, len: usize) -> io::Result<Box<[u32]>> {
    let mut bytes = vec![0; len];
    file.read_exact_at(&mut bytes, 0)?;
    let (cells, _) = bytes.as_chunks();
    Ok(cells.iter().copied().map(u32::from_be_bytes).collect())
}

/// Gets blocks for these bytes of a file, which are zeros.
fn reserve(disk: &dyn Disk, file: &File, from: usize, to: usize) -> io::Result<()> {
    match disk.allocate(file, from as u64, (to - from) as u64) {
        Err(error) if error.kind() == io::ErrorKind::Unsupported => write_zeros(file, from, to),
        done => done,
    }
}

/// The same where the file system cannot: an entry that crosses the end of a page makes it more than one.
fn write_zeros(file: &File, from: usize, to: usize) -> io::Result<()> {
    (from..to).step_by(PAGE).try_for_each(|at| {
        let len = PAGE.min(to - at);
        file.write_all_at(&[0; PAGE][..len], at as u64)
    })
}

#[cfg(test)]
mod tests {
    use kafkalite_world::disk::os;

    use super::*;

    fn active(path: &Path, max_bytes: u32, kept: Kept) -> IndexFile<2> {
        IndexFile::open_active(&os(), path, 0, max_bytes, kept).unwrap()
    }

    #[test]
    fn a_flushed_index_holds_its_entries_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("index");
        let index = active(&path, 4096, Kept::Nothing);
        index.make_room(2);
        assert!(index.push([1, 2]) && index.push([3, 4]));
        index.sync().unwrap();
        let sealed = IndexFile::<2>::open_sealed(&os(), &path, 0).unwrap();
        assert_eq!((sealed.len(), sealed.entry(1)), (2, [3, 4]));
    }

    #[test]
    fn an_index_without_entries_takes_no_room() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("index");
        let index = active(&path, 4096, Kept::Nothing);
        assert_eq!((index.room(), path.metadata().unwrap().len()), (512, 0));
        assert!(!index.push([1, 2]), "there is no room");
        index.make_room(1);
        assert!(index.push([1, 2]));
        assert_eq!((index.room(), path.metadata().unwrap().len()), (511, 4096));
    }

    #[test]
    fn a_small_index_that_goes_on_is_mapped_when_it_grows() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("index");
        let index = active(&path, 4096, Kept::Nothing);
        index.make_room(1);
        assert!(index.push([1, 2]));
        index.sync().unwrap();
        let again = active(&path, 4096, Kept::Everything);
        assert_eq!(
            (again.entry(0), path.metadata().unwrap().len()),
            ([1, 2], 8)
        );
        again.make_room(1);
        assert!(again.push([3, 4]));
        assert_eq!((again.entry(0), again.entry(1)), ([1, 2], [3, 4]));
    }

    #[test]
    fn an_index_that_has_ended_does_not_grow_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("index");
        let index = active(&path, 8192, Kept::Nothing);
        index.make_room(1);
        assert!(index.push([1, 2]));
        index.trim().unwrap();
        index.make_room(600);
        assert_eq!(path.metadata().unwrap().len(), 8);
    }

    #[test]
    fn a_last_entry_needs_no_room_for_others() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("index");
        let index = active(&path, 4096, Kept::Nothing);
        assert!(index.push_last([1, 2]) && !index.push([3, 4]));
        assert_eq!(
            (index.entry(0), path.metadata().unwrap().len()),
            ([1, 2], 8)
        );
    }

    #[test]
    fn room_is_made_where_the_file_system_cannot_reserve_it() {
        let file = tempfile::tempfile().unwrap();
        // The 342nd entry of a time index that went on after 341.
        write_zeros(&file, 341 * 12, 2 * PAGE).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 2 * PAGE as u64);
    }

    #[test]
    fn an_index_leaves_another_file_under_its_name_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("index");
        let index = active(&path, 8192, Kept::Nothing);
        index.make_room(1);
        assert!(index.push([1, 2]));
        std::fs::rename(&path, dir.path().join("index.deleted")).unwrap();
        let other = active(&path, 4096, Kept::Nothing);
        other.make_room(1);
        assert!(other.push([5, 6]));
        index.sync().unwrap();
        assert_eq!(path.metadata().unwrap().len(), 4096);
        assert_eq!(index.entry(0), [1, 2]);
    }
}
