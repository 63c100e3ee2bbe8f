//! Kafka's `<offset>.snapshot`, version 1: the producers as they were just before `offset`.
//!
//! ```text
//! version i16 = 1 | CRC-32C u32 of all that follows | count i32 | count × (producer id i64 | epoch i16 | last sequence i32 |
//! last offset i64 | offset delta i32 | timestamp i64 | coordinator epoch i32 | first offset of the open transaction i64)
//! ```
//! Big-endian. Only the last batch of each producer is kept, so after a restart a retry is recognized if it is of that one.

use crc_fast::{CrcAlgorithm, checksum};

use super::{BatchMetadata, NO_SEQUENCE, ProducerEntry, Producers};

const VERSION: i16 = 1;
const HEADER: usize = 2 + 4 + 4;
const ENTRY: usize = 46;

/// Why the bytes are not a snapshot. Throw the file away and use an older one: the log itself has all that it said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Written by a Kafka whose format is unknown here.
    #[error("version {0} is not known, only 1")]
    UnknownVersion(i16),
    /// Torn or tampered with.
    #[error("the stored checksum is {stored:08x}, that of the content {computed:08x}")]
    WrongChecksum {
        /// In the file.
        stored: u32,
        /// Of the file.
        computed: u32,
    },
    /// The length contradicts the number of entries.
    #[error("{length} bytes cannot be a snapshot of {count} producers")]
    WrongLength {
        /// Of the file.
        length: usize,
        /// As the file says.
        count: i32,
    },
    /// The checksum is right but the content makes no sense.
    #[error("entry {index} (producer {producer_id}) is impossible")]
    ImpossibleEntry {
        /// Counted from 0.
        index: usize,
        /// As the file says.
        producer_id: i64,
    },
}

/// The content of a snapshot file.
pub fn encode(producers: &Producers) -> Vec<u8> {
    let entries = producers.iter();
    let mut bytes = Vec::with_capacity(HEADER + entries.len() * ENTRY);
    bytes.extend(VERSION.to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend((entries.len() as i32).to_be_bytes());
    for (id, entry) in entries {
        let last = entry.last_batch();
        bytes.extend(id.to_be_bytes());
        bytes.extend(entry.epoch.to_be_bytes());
        bytes.extend(entry.last_sequence().to_be_bytes());
        bytes.extend(last.map_or(-1, |batch| batch.last_offset).to_be_bytes());
        bytes.extend(last.map_or(0, |batch| batch.offset_delta).to_be_bytes());
        bytes.extend(entry.last_timestamp.to_be_bytes());
        bytes.extend(entry.coordinator_epoch.to_be_bytes());
        bytes.extend(entry.transaction_start.unwrap_or(-1).to_be_bytes());
    }
    let crc = crc32c(&bytes[6..]);
    bytes[2..6].copy_from_slice(&crc.to_be_bytes());
    bytes
}

/// Reads what [`encode`] or Apache Kafka wrote.
pub fn decode(bytes: &[u8]) -> Result<Producers, SnapshotError> {
    let mut rest = bytes;
    let too_short = SnapshotError::WrongLength {
        length: bytes.len(),
        count: 0,
    };
    let version = i16::from_be_bytes(take(&mut rest).ok_or(too_short.clone())?);
    if version != VERSION {
        return Err(SnapshotError::UnknownVersion(version));
    }
    let stored = u32::from_be_bytes(take(&mut rest).ok_or(too_short.clone())?);
    let computed = crc32c(rest);
    if stored != computed {
        return Err(SnapshotError::WrongChecksum { stored, computed });
    }
    let count = i32::from_be_bytes(take(&mut rest).ok_or(too_short)?);
    if usize::try_from(count)
        .ok()
        .and_then(|count| count.checked_mul(ENTRY))
        != Some(rest.len())
    {
        return Err(SnapshotError::WrongLength {
            length: bytes.len(),
            count,
        });
    }
    let mut index = 0;
    std::iter::from_fn(|| {
        let entry = entry(&mut rest, index)?;
        index += 1;
        Some(entry)
    })
    .collect()
}

fn entry(rest: &mut &[u8], index: usize) -> Option<Result<(i64, ProducerEntry), SnapshotError>> {
    let producer_id = i64::from_be_bytes(take(rest)?);
    let epoch = i16::from_be_bytes(take(rest)?);
    let last_sequence = i32::from_be_bytes(take(rest)?);
    let last_offset = i64::from_be_bytes(take(rest)?);
    let offset_delta = i32::from_be_bytes(take(rest)?);
    let last_timestamp = i64::from_be_bytes(take(rest)?);
    let coordinator_epoch = i32::from_be_bytes(take(rest)?);
    let transaction_start = i64::from_be_bytes(take(rest)?);
    if producer_id < 0 || offset_delta < 0 || last_sequence < NO_SEQUENCE {
        return Some(Err(SnapshotError::ImpossibleEntry { index, producer_id }));
    }
    let mut entry = ProducerEntry::default();
    entry.epoch = epoch;
    entry.coordinator_epoch = coordinator_epoch;
    entry.last_timestamp = last_timestamp;
    entry.transaction_start = (transaction_start >= 0).then_some(transaction_start);
    if last_offset >= 0 {
        entry.remember(BatchMetadata {
            last_sequence,
            last_offset,
            offset_delta,
            timestamp: last_timestamp,
        });
    }
    Some(Ok((producer_id, entry)))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(*taken)
}

fn crc32c(bytes: &[u8]) -> u32 {
    checksum(CrcAlgorithm::Crc32Iscsi, bytes) as u32
}
