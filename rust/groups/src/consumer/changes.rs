//! What came of an event.

use std::collections::BTreeSet;

use super::records::ConsumerKey;

/// What has changed, and in sentences why.
#[derive(Debug, Default, PartialEq)]
pub struct Changes {
    /// What must be stored as it is now; what is not there any more, by a tombstone.
    pub keys: BTreeSet<ConsumerKey>,
    /// For the broker's log.
    pub news: Vec<String>,
}
