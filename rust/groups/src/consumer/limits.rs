//! How much a member may say, for all that is stored of it has to fit into records.

/// Longest string in a record's key.
pub(crate) const MAX_IN_KEY: usize = i16::MAX as usize;
/// Most bytes of what a member says about itself: half of what a batch may have by default.
pub(crate) const MAX_RECORD: usize = 512 * 1024;
