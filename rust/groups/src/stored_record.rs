//! A record of `__consumer_offsets` in bytes.

use bytes::Bytes;

/// A record to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// What it is about.
    pub key: Bytes,
    /// `None` for a tombstone.
    pub value: Option<Bytes>,
}
