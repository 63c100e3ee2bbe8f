//! A record of `__consumer_offsets` in bytes.

use bytes::Bytes;

/// A record to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: Bytes,
    /// `None` for a tombstone.
    pub(crate) value: Option<Bytes>,
}
