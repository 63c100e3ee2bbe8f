//! Message formats v0 and v1, as logs of before Kafka 0.11 hold them, and as its consumers want them: read, and written
//! for those by [`DownConverter`](crate::DownConverter), never into a log.
//!
//! ```text
//! 0 offset i64 | 8 size i32 | 12 CRC-32 u32 | 16 magic i8 | 17 attributes i8 | v1: 18 timestamp i64 |
//! key length i32, key | value length i32, value
//! ```
//!
//! `size` counts what follows it, the checksum covers what follows *it*. Compressed messages are the value of a
//! wrapper message, whose offset is the last one's.

mod set;
pub(crate) mod write;

use std::iter::FusedIterator;

pub use set::MessageSet;

use crate::{Compression, RecordsError, Result, TimestampType, record::Span};

const OFFSET_AND_SIZE: usize = 12;
const CRC_END: usize = 16;
const ATTRIBUTES_AT: usize = 17;
/// Checksum, magic, attributes and two lengths, in the smaller format.
const MIN_SIZE: usize = 14;

/// The formats of before batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageFormat {
    /// Without timestamps; wrapped offsets are absolute.
    V0,
    /// With timestamps (KIP-32); wrapped offsets are relative (KIP-31). From Kafka 0.10 on.
    V1,
}

impl MessageFormat {
    /// The number that messages of the format carry.
    pub const fn magic(self) -> i8 {
        self as i8
    }
}

/// One message as it lies in a log: a record, or the wrapper of compressed ones.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// The record's offset, or the last one's of those that are wrapped.
    pub offset: i64,
    /// The format, 0 or 1.
    pub magic: i8,
    /// Whether and how the value is compressed messages.
    pub compression: Compression,
    /// What the timestamp means.
    pub timestamp_type: TimestampType,
    /// In ms since 1970, −1 in v0, which has none.
    pub timestamp: i64,
    crc: u32,
    key: Span,
    value: Span,
    bytes: &'a [u8],
}

impl<'a> Message<'a> {
    /// Takes the message at the front of `bytes`; what follows it is ignored. The checksum is not verified.
    ///
    /// [`RecordsError::Incomplete`] if `bytes` end before the message does.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let have = bytes.len();
        let corrupt = RecordsError::Corrupt;
        let mut at = 0;
        let (Some(offset), Some(size)) = (i64_at(bytes, &mut at), i32_at(bytes, &mut at)) else {
            return Err(RecordsError::Incomplete {
                needed: OFFSET_AND_SIZE + MIN_SIZE,
                have,
            });
        };
        let size = usize::try_from(size).map_err(|_| corrupt("a message's size is negative"))?;
        if size < MIN_SIZE {
            return Err(corrupt("a message's size is less than its fields"));
        }
        if offset < 0 {
            return Err(corrupt("an offset is negative"));
        }
        let needed = OFFSET_AND_SIZE + size;
        let magic = bytes.get(CRC_END).copied();
        if let Some(magic) = magic.filter(|magic| *magic > 1) {
            return Err(RecordsError::UnsupportedMagic { magic: magic as i8 });
        }
        let (Some(magic), Some(bytes)) = (magic, bytes.get(..needed)) else {
            return Err(RecordsError::Incomplete { needed, have });
        };
        let cut = || corrupt("a message ends before its fields do");
        let attributes = bytes[ATTRIBUTES_AT];
        let codec = attributes & 0b111;
        let mut message = Self {
            offset,
            magic: magic as i8,
            compression: Compression::from_code(codec)
                .ok_or(RecordsError::UnknownCompression(codec))?,
            timestamp_type: TimestampType::Create,
            timestamp: -1,
            crc: i32_at(bytes, &mut at).ok_or_else(cut)? as u32,
            key: Span::new(0, 0),
            value: Span::new(0, 0),
            bytes,
        };
        let mut at = ATTRIBUTES_AT + 1;
        if magic == 1 {
            message.timestamp = i64_at(bytes, &mut at).ok_or_else(cut)?;
            if attributes & 0b1000 != 0 {
                message.timestamp_type = TimestampType::LogAppend;
            }
        }
        message.key = field_at(bytes, &mut at).ok_or_else(cut)?;
        message.value = field_at(bytes, &mut at).ok_or_else(cut)?;
        if at == needed {
            Ok(message)
        } else {
            Err(corrupt("bytes after a message's value"))
        }
    }

    /// The whole message, offset and size included.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The key, if it has one.
    pub fn key(&self) -> Option<&'a [u8]> {
        self.key.of(self.bytes)
    }

    /// The value, if it has one; compressed messages if [`Message::compression`] says so.
    pub fn value(&self) -> Option<&'a [u8]> {
        self.value.of(self.bytes)
    }

    /// Whether the bytes are those that were written; [`RecordsError::Checksum`] if not.
    pub fn verify_crc(&self) -> Result<()> {
        let stored = self.crc;
        let computed = crc32fast::hash(&self.bytes[CRC_END..]);
        if stored == computed {
            Ok(())
        } else {
            Err(RecordsError::Checksum { stored, computed })
        }
    }
}

/// Walks messages that follow each other; wrapped ones count as the one that wraps them.
pub const fn messages(bytes: &[u8]) -> Messages<'_> {
    Messages {
        rest: bytes,
        failed: false,
    }
}

/// Iterator of [`messages`]. Ends as [`Batches`](crate::Batches) does: without an error where a message is cut
/// short, after one otherwise.
#[derive(Debug, Clone)]
pub struct Messages<'a> {
    rest: &'a [u8],
    failed: bool,
}

impl<'a> Messages<'a> {
    /// Bytes that have not been walked.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.rest.is_empty() {
            return None;
        }
        match Message::parse(self.rest) {
            Ok(message) => {
                self.rest = &self.rest[message.bytes.len()..];
                Some(Ok(message))
            }
            Err(RecordsError::Incomplete { .. }) => None,
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}

impl FusedIterator for Messages<'_> {}

fn i64_at(bytes: &[u8], at: &mut usize) -> Option<i64> {
    let raw = bytes.get(*at..)?.first_chunk()?;
    *at += raw.len();
    Some(i64::from_be_bytes(*raw))
}

fn i32_at(bytes: &[u8], at: &mut usize) -> Option<i32> {
    let raw = bytes.get(*at..)?.first_chunk()?;
    *at += raw.len();
    Some(i32::from_be_bytes(*raw))
}

/// A nullable field after its length.
fn field_at(bytes: &[u8], at: &mut usize) -> Option<Span> {
    let len = i32_at(bytes, at)?;
    if len < 0 {
        return (len == -1).then_some(Span::NULL);
    }
    let start = *at;
    if len as usize > bytes.len() - start {
        return None;
    }
    *at = start + len as usize;
    Some(Span::new(start, len as usize))
}
