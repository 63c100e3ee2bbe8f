//! Kafka's `<offset>.snapshot`, version 1: the producers as they were just before `offset`.
//!
//! ```text
//! version i16 = 1 | CRC-32C u32 of all that follows | count i32 | count × (producer id i64 | epoch i16 | last sequence i32 |
//! last offset i64 | offset delta i32 | timestamp i64 | coordinator epoch i32 | first offset of the open transaction i64)
//! ```
//! Big-endian. Only the last batch of each producer is kept, so after a restart a retry is recognized if it is of that one.

use std::path::Path;

use crc_fast::{CrcAlgorithm, checksum};

use super::{BatchMetadata, NO_SEQUENCE, ProducerEntry, Producers};
use crate::{LogError, Result};

const VERSION: i16 = 1;
const HEADER: usize = 2 + 4 + 4;
const ENTRY: usize = 46;

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

/// Reads what [`encode`] or Apache Kafka wrote; `path` is for the error, [`LogError::MalformedFile`].
///
/// An unsound file may be thrown away for an older one: the log itself has all that it said.
pub fn decode(path: &Path, bytes: &[u8]) -> Result<Producers> {
    parse(bytes).map_err(|reason| LogError::MalformedFile {
        path: path.to_owned(),
        reason,
    })
}

fn parse(bytes: &[u8]) -> Result<Producers, String> {
    let mut rest = bytes;
    let too_short = || format!("{} bytes are too few", bytes.len());
    let version = i16::from_be_bytes(take(&mut rest).ok_or_else(too_short)?);
    if version != VERSION {
        return Err(format!("version {version} is not known, only {VERSION}"));
    }
    let stored = u32::from_be_bytes(take(&mut rest).ok_or_else(too_short)?);
    let computed = crc32c(rest);
    if stored != computed {
        return Err(format!(
            "the stored checksum is {stored:08x}, that of the content {computed:08x}"
        ));
    }
    let count = i32::from_be_bytes(take(&mut rest).ok_or_else(too_short)?);
    let (entries, []) = rest.as_chunks::<ENTRY>() else {
        return Err(format!(
            "{} bytes do not end with a whole entry",
            bytes.len()
        ));
    };
    if usize::try_from(count) != Ok(entries.len()) {
        return Err(format!(
            "{} entries where {count} were announced",
            entries.len()
        ));
    }
    entries.iter().map(parse_entry).collect()
}

fn parse_entry(bytes: &[u8; ENTRY]) -> Result<(i64, ProducerEntry), String> {
    let producer_id = i64::from_be_bytes(field(bytes, 0));
    let last_sequence = i32::from_be_bytes(field(bytes, 10));
    let last_offset = i64::from_be_bytes(field(bytes, 14));
    let offset_delta = i32::from_be_bytes(field(bytes, 22));
    let transaction_start = i64::from_be_bytes(field(bytes, 38));
    if producer_id < 0 || offset_delta < 0 || last_sequence < NO_SEQUENCE {
        return Err(format!("the entry of producer {producer_id} is impossible"));
    }
    let mut entry = ProducerEntry::default();
    entry.epoch = i16::from_be_bytes(field(bytes, 8));
    entry.last_timestamp = i64::from_be_bytes(field(bytes, 26));
    entry.coordinator_epoch = i32::from_be_bytes(field(bytes, 34));
    entry.transaction_start = (transaction_start >= 0).then_some(transaction_start);
    if last_offset >= 0 {
        entry.remember(BatchMetadata {
            last_sequence,
            last_offset,
            offset_delta,
            timestamp: entry.last_timestamp,
        });
    }
    Ok((producer_id, entry))
}

/// The bytes of a field at a constant place in the entry.
fn field<const N: usize>(entry: &[u8; ENTRY], at: usize) -> [u8; N] {
    std::array::from_fn(|index| entry[at + index])
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, left) = rest.split_first_chunk()?;
    *rest = left;
    Some(*taken)
}

fn crc32c(bytes: &[u8]) -> u32 {
    checksum(CrcAlgorithm::Crc32Iscsi, bytes) as u32
}
