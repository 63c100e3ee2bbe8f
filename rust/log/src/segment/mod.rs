//! One segment of a log: a file of batches and its two sparse indexes. This side is what readers see; appending is
//! [`active::ActiveSegment`]'s.

pub(crate) mod active;
mod descriptor;
mod file;
mod head;
mod index;
mod indexes;
pub(crate) mod indexing;
mod mapping;
pub(crate) mod name;
mod offset_index;
pub(crate) mod recover;
mod scan;
mod time_index;
pub(crate) mod transaction_index;
mod verify;

use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use kafkalite_world::Disk;
use parking_lot::{Mutex, RwLock, RwLockReadGuard};

pub use file::SegmentFile;
pub(crate) use head::Head;
use index::{IndexFile, Kept};
pub(crate) use indexes::Indexes;
pub(crate) use mapping::Mapping;
pub(crate) use offset_index::OffsetIndex;
pub(crate) use scan::{Found, Scan};
pub(crate) use time_index::{Newest, TimeIndex};
pub use transaction_index::AbortedTransaction;
pub(crate) use transaction_index::TransactionIndex;

use crate::{LogError, Result};

/// Where new segments go and what they are made with.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The partition's directory.
    pub(crate) dir: PathBuf,
    /// What writes and flushes segments.
    pub(crate) disk: Arc<dyn Disk>,
    /// Whether the log was closed or deleted: what is in the directory by then may be another log's.
    left: Arc<RwLock<bool>>,
}

impl Place {
    pub(crate) fn new(dir: PathBuf, disk: Arc<dyn Disk>) -> Place {
        Place {
            dir,
            disk,
            left: Arc::default(),
        }
    }

    /// For whoever opens, or writes, a file by its name: while this is held, the names in the directory are those of this log.
    pub(crate) fn enter(&self) -> Result<RwLockReadGuard<'_, bool>> {
        let left = self.left.read();
        if *left {
            let path = self.dir.clone();
            return Err(LogError::Closed { path });
        }
        Ok(left)
    }

    /// Opens the directory, to flush what changes in it: whoever must not fail half-way has it open from the start.
    pub(crate) fn open_dir(&self) -> Result<Directory<'_>> {
        let opened = descriptor::open(&*self.disk, OpenOptions::new().read(true), &self.dir);
        let file = opened.map_err(LogError::io("open", &self.dir))?;
        Ok(Directory { place: self, file })
    }

    /// From now on nobody opens or writes a file by its name.
    pub(crate) fn leave(&self) {
        *self.left.write() = true;
    }
}

/// A partition's directory while it is open.
#[derive(Debug)]
pub(crate) struct Directory<'a> {
    place: &'a Place,
    file: File,
}

impl Directory<'_> {
    /// Returns when all that was created, renamed and removed in it survives a power cut.
    pub(crate) fn sync(&self) -> Result<()> {
        let synced = self.place.disk.sync_dir(&self.file);
        synced.map_err(LogError::fsync(&self.place.dir))
    }
}

/// A segment as its readers share it.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) base_offset: i64,
    pub(crate) file: Arc<SegmentFile>,
    /// Mapped when first asked for: most segments of a log are never read again.
    offsets: OnceLock<OffsetIndex>,
    times: OnceLock<TimeIndex>,
    /// The aborted transactions that ended in this segment.
    pub(crate) aborted: TransactionIndex,
    /// The newest timestamp, kept by the appender; for a segment opened from disk read from its time index.
    newest: Mutex<Option<Newest>>,
}

impl Segment {
    /// Opens a segment from disk; its indexes are opened when needed.
    pub(crate) fn open(place: &Place, base_offset: i64) -> Result<Segment> {
        let path = name::path(&place.dir, base_offset, name::LOG);
        let file = SegmentFile::open(&path, place)?;
        let mut segment = Segment::assemble(base_offset, file);
        segment.aborted =
            TransactionIndex::open(&*place.disk, &segment.path(name::TRANSACTION_INDEX))?;
        Ok(segment)
    }

    /// Creates an empty segment with indexes that have room for `index_bytes` each; nothing is left of one that fails: an
    /// empty file would claim an offset that the segment before it goes on to use.
    pub(crate) fn create(place: &Place, base_offset: i64, index_bytes: u32) -> Result<Segment> {
        let path = |suffix| name::path(&place.dir, base_offset, suffix);
        let create = || {
            let file = SegmentFile::create(&path(name::LOG), place)?;
            let indexes =
                Indexes::open(&place.disk, path, base_offset, index_bytes, Kept::Nothing)?;
            Ok(Segment::assemble(base_offset, file).with_indexes(indexes))
        };
        create().inspect_err(|_| {
            for suffix in [name::LOG, name::OFFSET_INDEX, name::TIME_INDEX] {
                // What cannot be removed is empty, and dropped when the log is opened.
                let _ = place.disk.remove(&path(suffix));
            }
        })
    }

    /// Creates an empty segment whose files are called `*.cleaned` until they take the place of others.
    pub(crate) fn create_cleaned(
        place: &Place,
        base_offset: i64,
        index_bytes: u32,
    ) -> Result<Segment> {
        let path = |suffix| name::path(&place.dir, base_offset, suffix);
        let cleaned = |suffix| name::in_state(&path(suffix), name::CLEANED);
        let (at, later) = (cleaned(name::LOG), path(name::LOG));
        let file = SegmentFile::create_as(&at, &later, place)?;
        let indexes = Indexes::open(
            &place.disk,
            cleaned,
            base_offset,
            index_bytes,
            Kept::Nothing,
        )?;
        Ok(Segment::assemble(base_offset, file).with_indexes(indexes))
    }

    fn assemble(base_offset: i64, file: SegmentFile) -> Segment {
        Segment {
            base_offset,
            file: Arc::new(file),
            offsets: OnceLock::new(),
            times: OnceLock::new(),
            aborted: TransactionIndex::default(),
            newest: Mutex::new(None),
        }
    }

    /// A segment that nobody reads yet, with indexes that can be appended to.
    fn with_indexes(mut self, Indexes { offsets, times }: Indexes) -> Segment {
        self.offsets = OnceLock::from(offsets);
        self.times = OnceLock::from(times);
        self
    }

    /// The offset index.
    pub(crate) fn offsets(&self) -> Result<&OffsetIndex> {
        self.opened(&self.offsets, name::OFFSET_INDEX)
    }

    /// The time index.
    pub(crate) fn times(&self) -> Result<&TimeIndex> {
        self.opened(&self.times, name::TIME_INDEX)
    }

    fn opened<'a, const N: usize>(
        &self,
        index: &'a OnceLock<IndexFile<N>>,
        suffix: &str,
    ) -> Result<&'a IndexFile<N>> {
        if let Some(index) = index.get() {
            return Ok(index);
        }
        let found = self.open_index(suffix)?;
        Ok(index.get_or_init(|| found))
    }

    fn open_index<const N: usize>(&self, suffix: &str) -> Result<IndexFile<N>> {
        let place = self.file.place();
        let _ours = place.enter()?;
        IndexFile::open_sealed(&place.disk, &self.path(suffix), self.base_offset)
    }

    /// The newest timestamp and the first batch that carries it; `None` if no batch has one.
    pub(crate) fn newest(&self) -> Result<Option<Newest>> {
        let known = *self.newest.lock();
        match known {
            Some(newest) => Ok(Some(newest)),
            None => Ok(self.times()?.last()),
        }
    }

    /// When the segment's last message was written, as its timestamps say, or, if it has none, as the file system does.
    pub(crate) fn newest_or_modified_ms(&self) -> Result<i64> {
        match self.newest()? {
            Some(newest) => Ok(newest.timestamp),
            None => self.file.modified_ms(),
        }
    }

    /// The first batch below `limit` bytes that ends with `offset` or later.
    pub(crate) fn locate(&self, offset: i64, limit: u64) -> Result<Option<Found>> {
        let wanted = |head: &Head| head.last_offset >= offset;
        if let Some((entry, position)) = self.offsets()?.entry_before(offset) {
            let mut scan = Scan::new(&self.file, position, limit);
            match scan.next()? {
                Some(Ok(first)) if wanted(&first.head) && first.head.last_offset == offset => {
                    return Ok(Some(first));
                }
                Some(Ok(first)) if first.head.last_offset <= entry => return scan.find(wanted),
                // An index that lies (it is rebuilt only after a crash) costs a scan of the segment, not wrong data.
                _ => tracing::warn!(
                    "{} does not fit its offset index; scanning",
                    self.file.path().display()
                ),
            }
        }
        Scan::new(&self.file, 0, limit).find(wanted)
    }

    /// Whether the indexes can be those of a closed segment, and are not zeros that were never trimmed.
    fn has_plausible_indexes(&self) -> Result<bool> {
        Ok(self.offsets()?.is_plausible() && self.times()?.is_plausible())
    }

    /// Whether a power cut spared the indexes: a segment that was rolled ends its time index with a time. (Of messages
    /// without timestamps it does not; that costs a look at the segment.)
    pub(crate) fn has_surviving_indexes(&self) -> Result<bool> {
        let ends =
            self.file.written() == 0 || self.times()?.last().is_some_and(|last| last.timestamp > 0);
        Ok(ends && self.has_plausible_indexes()?)
    }

    /// Whether the indexes of a segment that was closed in order are its own, as far as their last entries tell: those name
    /// batches that are there, and none is missing where there must be one. They are not kept open for that.
    pub(crate) fn has_sound_indexes(&self, interval: u32) -> Result<bool> {
        let offsets: OffsetIndex = self.open_index(name::OFFSET_INDEX)?;
        let times: TimeIndex = self.open_index(name::TIME_INDEX)?;
        if !offsets.is_plausible() || !times.is_plausible() {
            return Ok(false);
        }
        let scan = |position| Scan::new(&self.file, position, self.file.written());
        let offsets_fit = match offsets.last() {
            // Kafka has entries for several batches, with the place of the first and the offset of the last.
            Some((offset, position)) => {
                matches!(scan(position).next()?, Some(Ok(found)) if found.head.last_offset <= offset)
            }
            None => self.needs_no_entry(interval)?,
        };
        let times_fit = match times.last() {
            Some(newest) => {
                let before = offsets.entry_before(newest.offset);
                let found = scan(before.map_or(0, |(_, position)| position))
                    .find(|head| head.last_offset >= newest.offset)?;
                // In the old formats an entry may name a message within a compressed one.
                found.is_some_and(|found| found.head.v2.is_none() || found.head.newest() == newest)
            }
            None => scan(0)
                .find(|_| true)?
                .is_none_or(|first| first.head.max_timestamp < 0),
        };
        Ok(offsets_fit && times_fit)
    }

    /// Whether no batch begins behind the bytes that may lie before the first entry of an offset index. (In the old formats
    /// there is one entry for all messages of an append, whose number nobody knows.)
    fn needs_no_entry(&self, interval: u32) -> Result<bool> {
        let mut scan = Scan::new(&self.file, 0, self.file.written());
        while let Some(Ok(found)) = scan.next()? {
            if found.head.v2.is_some() && found.position > u64::from(interval) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The offset after the last batch; `None` if the indexes are not those of a closed segment, or the bytes behind the
    /// last index entry do not end with a batch.
    pub(crate) fn sound_end_offset(&self) -> Result<Option<i64>> {
        if !self.has_plausible_indexes()? {
            return Ok(None);
        }
        let position = self.offsets()?.last().map_or(0, |(_, position)| position);
        let mut scan = Scan::new(&self.file, position, self.file.written());
        let mut end = None;
        while let Some(step) = scan.next()? {
            match step {
                Ok(found) if end.is_none_or(|end| found.head.last_offset >= end) => {
                    end = Some(found.head.last_offset + 1);
                }
                _ => return Ok(None),
            }
        }
        let empty = position == 0 && end.is_none();
        Ok(if empty { Some(self.base_offset) } else { end })
    }

    /// Gets room on the disk for so many more entries in both indexes. Appends make them without asking for any.
    pub(crate) fn make_index_room(&self, entries: usize) -> Result<()> {
        self.offsets()?.make_room(entries);
        self.times()?.make_room(entries);
        Ok(())
    }

    /// Ends the segment: the newest timestamp becomes the time index's last entry, and both indexes are cut to size. Nobody
    /// appends to it any more.
    pub(crate) fn seal(&self) -> Result<()> {
        let newest = *self.newest.lock();
        if let Some(newest) = newest {
            self.times()?.append_last(newest);
        }
        self.offsets()?.trim()?;
        self.times()?.trim()
    }

    /// Whether both indexes are there and consist of whole entries; what they say is checked when they are used.
    pub(crate) fn has_indexes(&self) -> bool {
        let files = [
            (name::OFFSET_INDEX, OffsetIndex::ENTRY_BYTES),
            (name::TIME_INDEX, TimeIndex::ENTRY_BYTES),
        ];
        files.into_iter().all(|(suffix, entry)| {
            let metadata = self.file.place().disk.metadata(&self.path(suffix));
            metadata.is_ok_and(|metadata| metadata.len() % entry as u64 == 0)
        })
    }

    /// The path of one of the segment's files.
    pub(crate) fn path(&self, suffix: &str) -> PathBuf {
        name::path(&self.file.place().dir, self.base_offset, suffix)
    }

    /// Makes the batches survive a power cut, and the indexes too if the segment has `ended`, which are brought to their
    /// end first: those of the active one are rebuilt after a crash.
    pub(crate) fn sync(&self, ended: bool) -> Result<()> {
        self.file.sync()?;
        if ended {
            self.seal()?;
            self.offsets()?.sync()?;
            self.times()?.sync()?;
            let _ours = self.file.place().enter()?;
            self.aborted
                .save(self.file.disk(), &self.path(name::TRANSACTION_INDEX))?;
        }
        Ok(())
    }

    /// Opens the indexes, for those who go on to read this segment when its files are called otherwise.
    pub(crate) fn open_indexes(&self) -> Result<()> {
        self.offsets()?;
        self.times()?;
        Ok(())
    }

    /// Takes note of the newest timestamp of a segment that is written.
    pub(crate) fn note_newest(&self, newest: Option<Newest>) {
        *self.newest.lock() = newest;
    }

    /// Renames the files, and the producers' snapshot, to `*.deleted` and returns the new names, to be unlinked when
    /// nobody reads them any more.
    pub(crate) fn mark_deleted(&self) -> Result<Vec<PathBuf>> {
        let mut marked = self.mark_replaced()?;
        marked.extend(self.mark([name::SNAPSHOT])?);
        Ok(marked)
    }

    /// The same without the snapshot: it is still that of the segment which now begins here.
    pub(crate) fn mark_replaced(&self) -> Result<Vec<PathBuf>> {
        self.mark(name::DATA)
    }

    fn mark<const N: usize>(&self, suffixes: [&str; N]) -> Result<Vec<PathBuf>> {
        let mut marked = Vec::new();
        for suffix in suffixes {
            let path = self.path(suffix);
            let renamed = name::in_state(&path, name::DELETED);
            let outcome = if suffix == name::LOG {
                self.file.rename(&renamed)
            } else {
                self.file.disk().rename(&path, &renamed)
            };
            match outcome {
                Ok(()) => marked.push(renamed),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(LogError::io("rename", &path)(error)),
            }
        }
        Ok(marked)
    }
}
