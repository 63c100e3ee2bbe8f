//! Control records (KIP-98): what brokers write into partitions for brokers and clients, not for applications.
//! They come in batches of which [`BatchHeader::is_control`](crate::BatchHeader::is_control) is true.

use crate::{Record, RecordsError, Result};

/// What a control record says, from its key: version `i16`, type `i16`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ControlKind {
    /// The producer's transaction ended in nothing: its records are not for who reads committed ones.
    Abort,
    /// The producer's transaction took effect.
    Commit,
    /// Another type: `KRaft`'s leader changes and snapshots, or a later one. Skip the record.
    Other(i16),
}

impl ControlKind {
    /// Reads a control record's key.
    pub fn of(record: &Record<'_>) -> Result<Self> {
        match record.key {
            // Later versions may append fields; the first two stay.
            Some([v0, v1, t0, t1, ..]) if i16::from_be_bytes([*v0, *v1]) >= 0 => {
                Ok(match i16::from_be_bytes([*t0, *t1]) {
                    0 => Self::Abort,
                    1 => Self::Commit,
                    other => Self::Other(other),
                })
            }
            _ => Err(RecordsError::Corrupt(
                "a control record's key is not version and type",
            )),
        }
    }
}

/// The value of an [`Abort`](ControlKind::Abort) or a [`Commit`](ControlKind::Commit).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EndTransaction {
    /// The epoch of the transaction coordinator that wrote it.
    pub coordinator_epoch: i32,
}

impl EndTransaction {
    /// Reads the marker's value: version `i16`, coordinator epoch `i32`.
    pub fn of(record: &Record<'_>) -> Result<Self> {
        match record.value {
            Some([v0, v1, e0, e1, e2, e3, ..]) if i16::from_be_bytes([*v0, *v1]) >= 0 => Ok(Self {
                coordinator_epoch: i32::from_be_bytes([*e0, *e1, *e2, *e3]),
            }),
            _ => Err(RecordsError::Corrupt(
                "a transaction marker's value is not version and epoch",
            )),
        }
    }
}
