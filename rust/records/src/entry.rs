//! Logs that were written by several ages of Kafka: batches and messages in turn.

use crate::{RecordBatch, RecordsError, Result, legacy::Message};

/// What a log is a sequence of.
#[derive(Debug, Clone, Copy)]
pub enum Entry<'a> {
    /// Format v2.
    Batch(RecordBatch<'a>),
    /// Formats v0 and v1.
    Message(Message<'a>),
}

impl<'a> Entry<'a> {
    /// Takes the entry at the front of `bytes`, whichever its format.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        match RecordBatch::parse(bytes) {
            Err(RecordsError::UnsupportedMagic { magic: 0 | 1 }) => {
                Message::parse(bytes).map(Self::Message)
            }
            batch => batch.map(Self::Batch),
        }
    }

    /// The whole entry.
    pub const fn bytes(&self) -> &'a [u8] {
        match self {
            Self::Batch(batch) => batch.bytes(),
            Self::Message(message) => message.bytes(),
        }
    }

    /// Offset of the entry's last record.
    pub const fn last_offset(&self) -> i64 {
        match self {
            Self::Batch(batch) => batch.header().last_offset(),
            Self::Message(message) => message.offset,
        }
    }

    /// Whether the bytes are those that were written; [`RecordsError::Checksum`] if not.
    pub fn verify_crc(&self) -> Result<()> {
        match self {
            Self::Batch(batch) => batch.verify_crc(),
            Self::Message(message) => message.verify_crc(),
        }
    }
}
