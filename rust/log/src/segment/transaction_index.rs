//! The `.txnindex` file: the aborted transactions whose markers lie in a segment.
//!
//! Format (Kafka's): entries of 34 bytes, big-endian: version (i16, 0), producer id (i64), the transaction's first offset
//! (i64), its marker's offset (i64), the last stable offset behind that marker (i64). Markers rise from entry to entry. Most
//! segments have none, and no file.
//!
//! It is read when the segment is opened, and stays in memory: 32 bytes for each aborted transaction, which takes at least
//! 140 in the segment. What is appended goes to the file when the segment is flushed for good, as with the other indexes:
//! until then recovery finds it in the batches.

use std::fs::OpenOptions;
use std::io::{self, IoSlice};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;

use crate::{LogError, Result};
use kafkalite_world::disk::Disk;
use kafkalite_world::disk::write_all_vectored_at;

const VERSION: i16 = 0;
const ENTRY: usize = 34;

/// A transaction that ended in nothing: who reads committed messages only leaves its records out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbortedTransaction {
    /// Whose transaction.
    pub producer_id: i64,
    /// Offset of its first record in this partition.
    pub first_offset: i64,
    /// Offset of the marker that ended it.
    pub last_offset: i64,
    /// The offset before which no transaction was open when it ended: all that end later begin there or behind.
    pub last_stable_offset: i64,
}

/// The aborted transactions of one segment, by marker. One writer, any number of readers.
#[derive(Debug, Default)]
pub(crate) struct TransactionIndex {
    entries: RwLock<Vec<AbortedTransaction>>,
    /// Whether the file says something else.
    unsaved: AtomicBool,
    source: Source,
}

/// Where the entries come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Source {
    /// The appender; or a file that was read.
    #[default]
    Known,
    /// There is no file: the segment has no aborted transactions, or its index was lost.
    NoFile,
    /// The file makes no sense.
    Damaged,
    /// The batches of the segment, which are walked.
    Batches,
}

impl TransactionIndex {
    /// Reads the file at `path`. One that is not there may be a segment without aborted transactions, or lost.
    pub(crate) fn open(disk: &dyn Disk, path: &Path) -> Result<TransactionIndex> {
        let (source, entries) = match disk.read(path) {
            Ok(bytes) => match decode(&bytes) {
                Some(entries) => (Source::Known, entries),
                None => (Source::Damaged, Vec::new()),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Source::NoFile, Vec::new()),
            Err(error) => return Err(LogError::io("read", path)(error)),
        };
        Ok(TransactionIndex {
            source,
            ..TransactionIndex::of(entries)
        })
    }

    /// One that holds `entries`, which its file has already.
    pub(crate) fn of(entries: Vec<AbortedTransaction>) -> TransactionIndex {
        TransactionIndex {
            entries: RwLock::new(entries),
            ..TransactionIndex::default()
        }
    }

    /// One without entries, into which those are put that are found in the batches.
    pub(crate) fn from_batches() -> TransactionIndex {
        TransactionIndex {
            unsaved: AtomicBool::new(true),
            source: Source::Batches,
            ..TransactionIndex::default()
        }
    }

    /// Whether its file makes no sense.
    pub(crate) fn is_damaged(&self) -> bool {
        self.source == Source::Damaged
    }

    /// Whether there was no file, or one that makes no sense.
    pub(crate) fn may_be_lost(&self) -> bool {
        matches!(self.source, Source::NoFile | Source::Damaged)
    }

    /// Whether the entries are those that are found in the batches.
    pub(crate) fn is_from_batches(&self) -> bool {
        self.source == Source::Batches
    }

    /// Adds the transaction of a marker behind all others.
    pub(crate) fn push(&self, aborted: AbortedTransaction) {
        self.entries.write().push(aborted);
        self.unsaved.store(true, Ordering::Release);
    }

    /// All entries.
    pub(crate) fn entries(&self) -> Vec<AbortedTransaction> {
        self.entries.read().clone()
    }

    /// Adds to `found` the transactions with records in `from..to`, as far as they ended in this segment. `true` if no
    /// later segment knows more.
    pub(crate) fn collect(&self, from: i64, to: i64, found: &mut Vec<AbortedTransaction>) -> bool {
        let entries = self.entries.read();
        let first = entries.partition_point(|entry| entry.last_offset < from);
        for entry in &entries[first..] {
            if entry.first_offset < to {
                found.push(*entry);
            }
            if entry.last_stable_offset >= to {
                return true;
            }
        }
        false
    }

    /// Writes the file if it says something else; when this returns, it survives a power cut. After an error it is written
    /// as a whole again.
    pub(crate) fn save(&self, disk: &dyn Disk, path: &Path) -> Result<()> {
        if !self.unsaved.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let entries = self.entries();
        let saved = if entries.is_empty() {
            disk.remove_if_present(path).map(drop)
        } else {
            disk.replace_file(path, &encode(&entries))
        };
        saved.map_err(|error| {
            self.unsaved.store(true, Ordering::Release);
            LogError::io("write", path)(error)
        })
    }
}

/// Creates the file at `path`, flushed; none for no entries.
pub(crate) fn create(disk: &dyn Disk, path: &Path, entries: &[AbortedTransaction]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let create = || {
        let mut options = OpenOptions::new();
        let file = disk.open(path, options.write(true).create(true).truncate(true))?;
        let bytes = encode(entries);
        write_all_vectored_at(disk, &file, &mut [IoSlice::new(&bytes)], 0)?;
        disk.sync_data(&file)
    };
    create().map_err(LogError::io("write", path))
}

fn encode(entries: &[AbortedTransaction]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries.len() * ENTRY);
    for entry in entries {
        bytes.extend(VERSION.to_be_bytes());
        bytes.extend(entry.producer_id.to_be_bytes());
        bytes.extend(entry.first_offset.to_be_bytes());
        bytes.extend(entry.last_offset.to_be_bytes());
        bytes.extend(entry.last_stable_offset.to_be_bytes());
    }
    bytes
}

/// Nothing if these cannot be the entries of an index.
fn decode(bytes: &[u8]) -> Option<Vec<AbortedTransaction>> {
    let (cells, []) = bytes.as_chunks::<ENTRY>() else {
        return None;
    };
    let entries: Vec<AbortedTransaction> = cells.iter().map(decode_entry).collect::<Option<_>>()?;
    let rises = entries.is_sorted_by(|one, next| one.last_offset < next.last_offset);
    rises.then_some(entries)
}

fn decode_entry(bytes: &[u8; ENTRY]) -> Option<AbortedTransaction> {
    let field = |at: usize| i64::from_be_bytes(std::array::from_fn(|index| bytes[at + index]));
    let entry = AbortedTransaction {
        producer_id: field(2),
        first_offset: field(10),
        last_offset: field(18),
        last_stable_offset: field(26),
    };
    let sound = bytes[..2] == VERSION.to_be_bytes()
        && entry.producer_id >= 0
        && (0..=entry.last_offset).contains(&entry.first_offset)
        && entry.last_stable_offset >= 0;
    sound.then_some(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafkalite_world::disk;

    fn aborted(producer_id: i64, first: i64, last: i64, stable: i64) -> AbortedTransaction {
        AbortedTransaction {
            producer_id,
            first_offset: first,
            last_offset: last,
            last_stable_offset: stable,
        }
    }

    fn found(index: &TransactionIndex, from: i64, to: i64) -> (Vec<i64>, bool) {
        let mut found = Vec::new();
        let complete = index.collect(from, to, &mut found);
        (
            found.iter().map(|entry| entry.producer_id).collect(),
            complete,
        )
    }

    #[test]
    fn a_range_finds_what_overlaps_it_and_stops_where_nothing_earlier_can_follow() {
        // 1 writes at 0 and ends at 10, when 2 is open since 3; 2 ends at 20; 3 writes from 30 to 40.
        let all = [
            aborted(1, 0, 10, 3),
            aborted(2, 3, 20, 21),
            aborted(3, 30, 40, 41),
        ];
        let index = TransactionIndex::of(all.to_vec());
        assert_eq!(found(&index, 0, 3), (vec![1], true));
        assert_eq!(found(&index, 0, 4), (vec![1, 2], true));
        assert_eq!(found(&index, 11, 20), (vec![2], true));
        assert_eq!(found(&index, 21, 30), (vec![], true));
        assert_eq!(found(&index, 21, 100), (vec![3], false));
        assert_eq!(found(&index, 41, 100), (vec![], false));
    }

    #[test]
    fn what_is_saved_is_read_again_and_nothing_is_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("00000000000000000000.txnindex");
        let index = TransactionIndex::default();
        let disk = disk::os();
        index.push(aborted(7, 3, 5, 6));
        index.save(&*disk, &path).unwrap();
        assert_eq!(
            std::fs::read(&path).unwrap(),
            [
                &[0, 0][..],
                &7i64.to_be_bytes(),
                &3i64.to_be_bytes(),
                &5i64.to_be_bytes(),
                &6i64.to_be_bytes()
            ]
            .concat()
        );
        let again = TransactionIndex::open(&*disk::os(), &path).unwrap();
        assert_eq!(again.entries(), [aborted(7, 3, 5, 6)]);
        assert!(!again.may_be_lost());
        TransactionIndex::from_batches()
            .save(&*disk, &path)
            .unwrap();
        assert!(!path.exists());
        assert!(
            TransactionIndex::open(&*disk::os(), &path)
                .unwrap()
                .may_be_lost()
        );
    }

    #[test]
    fn a_file_that_makes_no_sense_is_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("00000000000000000000.txnindex");
        let one = encode(&[aborted(7, 3, 5, 6)]);
        let backwards = encode(&[aborted(7, 3, 5, 6), aborted(8, 1, 2, 3)]);
        for bytes in [&[1; ENTRY][..], &one[..33], &backwards] {
            std::fs::write(&path, bytes).unwrap();
            let index = TransactionIndex::open(&*disk::os(), &path).unwrap();
            assert!(index.is_damaged() && index.entries().is_empty());
        }
    }
}
