//! How much compressed records may become in memory. What was appended can be decompressed by whoever reads it later: those
//! limits are wider, also for what was appended by another broker.

/// Bytes of one batch that is appended.
pub const APPENDED: usize = 128 << 20;

/// Bytes of one batch that is read again: by compaction, by searches by time, by who keeps its own records in a log.
pub const READ: usize = 256 << 20;
