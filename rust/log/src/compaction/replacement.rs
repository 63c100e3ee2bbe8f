//! The segment that takes the place of others, while it is written: three files called `*.cleaned`.

use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::Arc;

use super::reading::corrupt;
use crate::segment::indexing::Indexing;
use crate::segment::{
    AbortedTransaction, Directory, Head, Place, Segment, TransactionIndex, name, transaction_index,
};
use crate::{LogConfig, LogError, Result};

/// Positions in a segment are 31 bits wide, in its index and for Apache Kafka.
const MAX_SEGMENT: u64 = i32::MAX as u64;

/// A segment that nobody reads yet. What is left of one that is given up is removed, unless its directory is somebody
/// else's by then.
#[derive(Debug)]
pub(crate) struct Replacement {
    pub(crate) segment: Arc<Segment>,
    place: Place,
    indexing: Indexing,
    interval: u32,
    /// Bytes that are to be written, and the heads of their batches with their places in the file.
    buffer: Vec<u8>,
    heads: Vec<(u64, Head)>,
    capacity: usize,
}

impl Replacement {
    /// Begins a segment at `base_offset`, in which the `aborted` transactions end; writes go to the file `capacity` bytes
    /// at a time.
    pub(super) fn create(
        place: &Place,
        base_offset: i64,
        aborted: Vec<AbortedTransaction>,
        config: &LogConfig,
        capacity: usize,
    ) -> Result<Replacement> {
        remove_cleaned(place, base_offset)?;
        let room = config.segment_index_bytes;
        let mut segment = Segment::create_cleaned(place, base_offset, room).inspect_err(|_| {
            let _ = remove_cleaned(place, base_offset); // the error is told, and the next start tidies up
        })?;
        segment.aborted = TransactionIndex::of(aborted);
        Ok(Replacement {
            segment: Arc::new(segment),
            place: place.clone(),
            indexing: Indexing::default(),
            interval: config.index_interval_bytes,
            buffer: Vec::new(),
            heads: Vec::new(),
            capacity,
        })
    }

    /// Adds one whole batch, and answers how many bytes went to the file with it.
    pub(super) fn push(&mut self, batch: &[u8]) -> Result<u64> {
        let head = Head::parse(batch).map_err(|error| LogError::CorruptBatch {
            reason: format!("compaction made it: {error}"),
        })?;
        let position = self.segment.file.written() + self.buffer.len() as u64;
        // Compressed again, or with times relative to a horizon, batches may have grown.
        if position + batch.len() as u64 > MAX_SEGMENT {
            return Err(corrupt(self.segment.file.path(), "it would grow too large"));
        }
        self.heads.push((position, head));
        self.buffer.extend_from_slice(batch);
        if self.buffer.len() < self.capacity {
            return Ok(0);
        }
        self.write()
    }

    fn write(&mut self) -> Result<u64> {
        let file = &self.segment.file;
        let (offsets, times) = (self.segment.offsets()?, self.segment.times()?);
        let end = file.append(&mut [IoSlice::new(&self.buffer)])?;
        for (position, head) in self.heads.drain(..) {
            if self.indexing.is_due(self.interval) {
                self.segment.make_index_room(1)?;
            }
            self.indexing
                .note(offsets, times, position, &head, self.interval);
        }
        file.publish(end, true);
        let written = self.buffer.len() as u64;
        self.buffer.clear();
        Ok(written)
    }

    /// Writes the rest, ends the indexes, and returns when all of it survives a power cut.
    pub(super) fn finish(&mut self, replaced: &[Arc<Segment>]) -> Result<()> {
        if !self.buffer.is_empty() {
            self.write()?;
        }
        let segment = &self.segment;
        segment.note_newest(self.indexing.newest());
        segment.seal()?;
        if let Some(last) = replaced.last() {
            // Retention asks the file for the age of messages without timestamps.
            segment.file.take_modified_from(&last.file)?;
        }
        self.write_transaction_index()?;
        segment.sync(true)
    }

    fn write_transaction_index(&self) -> Result<()> {
        let path = self.segment.path(name::TRANSACTION_INDEX);
        let entries = self.segment.aborted.entries();
        let path = name::in_state(&path, name::CLEANED);
        transaction_index::create(&*self.segment.file.place().disk, &path, &entries)
    }

    /// Calls the files `*.swap`: from here on they are the truth, and a start that finds them finishes what is missing.
    ///
    /// The log goes first: as long as one file of this offset is `*.cleaned`, a start removes them all, ours and Kafka's.
    pub(crate) fn promise(&self, dir: &Directory<'_>) -> Result<()> {
        for suffix in name::DATA {
            let path = self.segment.path(suffix);
            let [cleaned, swap] = [name::CLEANED, name::SWAP].map(|s| name::in_state(&path, s));
            self.rename_if_there(suffix, &cleaned, &swap)?;
        }
        dir.sync()
    }

    /// Gives the files their names; those of the segments that were replaced are out of the way.
    pub(crate) fn settle(&self, dir: &Directory<'_>) -> Result<()> {
        // Before any file of this segment has its name, nothing that it replaces may come back.
        dir.sync()?;
        for suffix in name::DATA {
            let path = self.segment.path(suffix);
            self.rename_if_there(suffix, &name::in_state(&path, name::SWAP), &path)?;
        }
        self.segment.file.release();
        dir.sync()
    }

    /// Removes the files of a segment that is not wanted.
    pub(crate) fn discard(self) {
        if let Err(error) = remove_cleaned(&self.place, self.segment.base_offset) {
            tracing::warn!(%error, "files of a compaction that was given up stay until the next start");
        }
    }

    /// Not every segment has an index of aborted transactions.
    fn rename_if_there(&self, suffix: &str, from: &Path, to: &Path) -> Result<()> {
        let renamed = if suffix == name::LOG {
            self.segment.file.rename(to)
        } else {
            self.place.disk.rename(from, to)
        };
        match renamed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(LogError::io("rename", from)(error))
            }
            _ => Ok(()),
        }
    }
}

fn remove_cleaned(place: &Place, base_offset: i64) -> Result<()> {
    name::DATA.into_iter().try_for_each(|suffix| {
        let path = name::in_state(&name::path(&place.dir, base_offset, suffix), name::CLEANED);
        match place.disk.remove(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(LogError::io("remove", &path)(error))
            }
            _ => Ok(()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_grows_beyond_what_a_position_can_name() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::new(dir.path().to_owned(), kafkalite_world::disk::os());
        let mut replacement =
            Replacement::create(&place, 0, Vec::new(), &LogConfig::default(), 1 << 20).unwrap();
        let mut builder = kafkalite_records::BatchBuilder::new(1 << 10);
        assert!(builder.try_append(0, Some(b"k"), Some(b"v"), &[]));
        let (codec, origin) = (
            kafkalite_records::Compression::None,
            kafkalite_records::BatchOrigin::ANONYMOUS,
        );
        let mut compressor = kafkalite_records::Compressor::new(codec, None).unwrap();
        let batch = builder.build(0, origin, &mut compressor).unwrap();
        replacement
            .segment
            .file
            .publish(MAX_SEGMENT - 2 * batch.len() as u64, true);
        replacement.push(&batch).unwrap();
        replacement.push(&batch).unwrap();
        let error = replacement.push(&batch).unwrap_err();
        assert!(matches!(error, LogError::Uncleanable { .. }), "{error}");
    }
}
