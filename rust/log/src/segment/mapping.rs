//! Memory mappings: the only `unsafe` of this crate.
//!
//! Two shapes, both behind safe interfaces: [`Mapping`], the read-only bytes of a segment, and [`Words`], the shared
//! 32-bit cells of an index that one thread writes while others search it.
//!
//! A mapped page whose file was truncated kills the process (SIGBUS), so both rest on the same rule, which the rest of
//! the crate keeps: *bytes below the published length are never cut off and never rewritten while the log is open*.
//! Recovery truncates before any reader exists, a failed append cuts only what was never published, retention unlinks
//! (an unlinked file stays readable), and the data directory's lock keeps other brokers out.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

use memmap2::{Advice, Mmap, MmapOptions, MmapRaw};

/// The bytes of a segment file, mapped read-only. May reach beyond the end of the file, for the file to grow into.
#[derive(Debug)]
pub(crate) struct Mapping {
    map: Mmap,
}

impl Mapping {
    /// Maps the first `len` bytes of `file`, which may be shorter.
    pub(crate) fn new(file: &File, len: usize) -> io::Result<Mapping> {
        // SAFETY: the file is a segment of a log that this process has locked; by the rule in the module's front page
        // no byte that `bytes` may be asked for (below the published length) changes or goes away under the mapping.
        let map = unsafe { MmapOptions::new().len(len).map(file)? };
        Ok(Mapping { map })
    }

    /// How far the mapping reaches, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    /// The bytes at `[position, position + len)`. The caller has made sure that the segment's published length covers
    /// them; asking beyond the mapping panics, it never reads elsewhere.
    pub(crate) fn bytes(&self, position: usize, len: usize) -> &[u8] {
        &self.map[position..position + len]
    }
}

/// The 32-bit big-endian cells of an index file, mapped for shared reading and writing.
///
/// One thread stores while others load; which cells are meaningful is published by the index's entry count.
#[derive(Debug)]
pub(crate) struct Words {
    map: MmapRaw,
}

impl Words {
    /// Maps the whole of `file` (open for reading and writing).
    pub(crate) fn new(file: &File) -> io::Result<Words> {
        let map = MmapOptions::new().map_raw(file)?;
        // Or the first entry of an index would read in, and so allocate, a good part of the zeros to come. Only a wish.
        let _ = map.advise(Advice::Random);
        Ok(Words { map })
    }

    /// How many whole cells there are.
    pub(crate) fn len(&self) -> usize {
        self.map.len() / size_of::<u32>()
    }

    /// The value of cell `index`.
    pub(crate) fn load(&self, index: usize) -> u32 {
        u32::from_be(self.cells()[index].load(Ordering::Relaxed))
    }

    /// Sets cell `index`.
    pub(crate) fn store(&self, index: usize, value: u32) {
        self.cells()[index].store(value.to_be(), Ordering::Relaxed);
    }

    fn cells(&self) -> &[AtomicU32] {
        #[allow(clippy::cast_ptr_alignment, reason = "a mapping starts at a page")]
        let first = self.map.as_ptr().cast::<AtomicU32>();
        // SAFETY: the mapping is page-aligned and `len` cells long, lives as long as `self`, and this process touches it
        // through these atomics only. Cells beyond a trimmed file's end are not accessed: the entry count is lowered
        // (or was never raised) before an index file shrinks.
        unsafe { std::slice::from_raw_parts(first, self.len()) }
    }
}
