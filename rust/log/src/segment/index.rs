//! What both indexes of a segment share: a preallocated, mapped file of fixed-size entries that only grows.
//!
//! Kafka's life cycle: created at `segment.index.bytes` (rounded down to whole entries, zeros behind the last entry),
//! trimmed to the entries when the segment is rolled or closed, and then never written again.
//!
//! The file is created without blocks. A store into a mapped page that finds no block on a full disk kills the process,
//! so blocks are reserved, a page at a time, before an entry may go there; where that fails there is no entry, which a
//! sparse index can bear.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

use super::mapping::Words;
use crate::{LogError, Result};

/// Bytes reserved at a time.
const PAGE: usize = 4096;

/// A file of entries of `N` 32-bit cells each. One writer, any number of lock-free readers.
#[derive(Debug)]
pub(crate) struct IndexFile<const N: usize> {
    path: PathBuf,
    /// Open until the entries are all written and flushed; the mapping needs it no more than the readers do.
    file: Mutex<Option<File>>,
    /// `None` for an index of no bytes, which cannot be mapped.
    words: Option<Words>,
    /// Raised after an entry's cells are written, so whoever reads the count sees the cells.
    entries: AtomicUsize,
    /// Bytes from the front that have blocks on the disk. Only the writer's.
    reserved: AtomicUsize,
}

impl<const N: usize> IndexFile<N> {
    /// Bytes an entry takes.
    pub(crate) const ENTRY_BYTES: usize = N * size_of::<u32>();
    /// Opens or creates the index of a segment that will be appended to: room for `max_bytes`, of which the first
    /// `entries` entries are kept.
    pub(crate) fn open_active(path: &Path, max_bytes: u32, entries: usize) -> Result<IndexFile<N>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(path).map_err(LogError::io("open", path))?;
        let kept = entries * Self::ENTRY_BYTES;
        let room = (max_bytes as usize / Self::ENTRY_BYTES).max(entries) * Self::ENTRY_BYTES;
        // Cut first: what lies behind the kept entries must read as zeros, as in a file that Kafka preallocated.
        file.set_len(kept as u64)
            .and_then(|()| file.set_len(room as u64))
            .map_err(LogError::io("resize", path))?;
        let index = IndexFile::map(path, &file, room, entries)?;
        // An index without room for one more entry has blocks for all that it holds.
        if kept < room {
            let reserved = index.reserve(&file, kept, (kept + 1).next_multiple_of(PAGE).min(room));
            reserved.map_err(LogError::io("reserve blocks of", path))?;
        }
        *index.file.lock() = Some(file);
        Ok(index)
    }

    /// Opens the index of a rolled segment; every whole entry of the file counts.
    pub(crate) fn open_sealed(path: &Path) -> Result<IndexFile<N>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(LogError::io("open", path))?;
        let len = file
            .metadata()
            .map_err(LogError::io("inspect", path))?
            .len() as usize;
        let entries = len / Self::ENTRY_BYTES;
        IndexFile::map(path, &file, entries * Self::ENTRY_BYTES, entries)
    }

    fn map(path: &Path, file: &File, len: usize, entries: usize) -> Result<IndexFile<N>> {
        let words = if len == 0 {
            None
        } else {
            Some(Words::new(file).map_err(LogError::io("map", path))?)
        };
        Ok(IndexFile {
            path: path.to_owned(),
            file: Mutex::new(None),
            words,
            entries: AtomicUsize::new(entries),
            reserved: AtomicUsize::new(entries * Self::ENTRY_BYTES),
        })
    }

    /// How many entries readers may look at.
    pub(crate) fn len(&self) -> usize {
        self.entries.load(Ordering::Acquire)
    }

    /// How many more entries fit.
    pub(crate) fn room(&self) -> usize {
        self.words.as_ref().map_or(0, |words| words.len() / N) - self.len()
    }

    /// The cells of entry `index`, which is below [`len`](IndexFile::len).
    pub(crate) fn entry(&self, index: usize) -> [u32; N] {
        let words = self
            .words
            .as_ref()
            .expect("an index with entries is mapped");
        std::array::from_fn(|cell| words.load(index * N + cell))
    }

    /// Adds an entry, if there is room, also on the disk. The caller is the one writer.
    pub(crate) fn push(&self, entry: [u32; N]) -> bool {
        let Some(words) = self.words.as_ref().filter(|_| self.room() > 0) else {
            return false;
        };
        let index = self.entries.load(Ordering::Relaxed);
        if !self.is_reserved((index + 1) * Self::ENTRY_BYTES) {
            return false;
        }
        for (cell, value) in entry.into_iter().enumerate() {
            words.store(index * N + cell, value);
        }
        self.entries.store(index + 1, Ordering::Release);
        // One entry ahead: the last one of a segment must not fail.
        self.is_reserved((index + 2).min(words.len() / N) * Self::ENTRY_BYTES);
        true
    }

    /// Whether the first `end` bytes have blocks, after trying to get them.
    fn is_reserved(&self, end: usize) -> bool {
        let reserved = self.reserved.load(Ordering::Relaxed);
        if end <= reserved {
            return true;
        }
        let file = self.file.lock();
        let room = self
            .words
            .as_ref()
            .map_or(0, |words| words.len() * size_of::<u32>());
        let outcome = file
            .as_ref()
            .map(|file| self.reserve(file, reserved, end.next_multiple_of(PAGE).min(room)));
        if let Some(Err(error)) = &outcome {
            tracing::warn!(%error, "no room for another entry in {}", self.path.display());
        }
        matches!(outcome, Some(Ok(())))
    }

    fn reserve(&self, file: &File, from: usize, to: usize) -> io::Result<()> {
        let allocated = fallocate(
            file,
            FallocateFlags::empty(),
            from as u64,
            (to - from) as u64,
        );
        match allocated {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                file.write_all_at(&[0; PAGE][..to - from], from as u64)?;
            }
            done => done?,
        }
        self.reserved.store(to, Ordering::Relaxed);
        Ok(())
    }

    /// The number of leading entries for which `before` holds; the entries are sorted by what `before` compares.
    pub(crate) fn partition_point(&self, before: impl Fn([u32; N]) -> bool) -> usize {
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

    /// Cuts the file to its entries: the segment was rolled or is being closed.
    pub(crate) fn trim(&self) -> Result<()> {
        let len = (self.len() * Self::ENTRY_BYTES) as u64;
        self.file
            .lock()
            .as_ref()
            .map_or(Ok(()), |file| file.set_len(len))
            .map_err(LogError::io("trim", &self.path))
    }

    /// Makes the entries of a rolled or closed segment survive a power cut. Cuts the file first, should that have failed
    /// when the segment ended: zeros behind the last entry would be entries to the next who opens it.
    pub(crate) fn sync(&self) -> Result<()> {
        self.trim()?;
        let file = self.file.lock().take();
        file.map_or(Ok(()), |file| file.sync_all())
            .map_err(LogError::io("fsync", &self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flushed_index_holds_its_entries_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("index");
        let index = IndexFile::<2>::open_active(&path, 4096, 0).unwrap();
        assert!(index.push([1, 2]) && index.push([3, 4]));
        index.sync().unwrap();
        let sealed = IndexFile::<2>::open_sealed(&path).unwrap();
        assert_eq!((sealed.len(), sealed.entry(1)), (2, [3, 4]));
    }
}
