//! Topics that the broker keeps for itself, as the only place where something is stored: records by key, the last of each counts.
//!
//! Who keeps something there ([`InternalLog`]) creates the topic when it has something to say, appends records to the partition
//! that keeps an owner's (a group's, later a transactional id's), tells nobody of them before they are visible
//! ([`StoredUpTo`]), removes by tombstones, and reads all of it at the start. The topics are compacted. What the records mean is
//! not known here.

mod batches;
mod internal_topic;
mod keeper;
mod kept_log;
mod open_transactions;
mod partitioner;
mod replay;
mod stored_up_to;
#[cfg(test)]
mod tests;

pub(crate) use internal_topic::InternalTopic;
pub(crate) use kept_log::InternalLog;
pub(crate) use stored_up_to::StoredUpTo;
