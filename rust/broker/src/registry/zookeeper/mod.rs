//! The registry of a broker that is one of several: ZooKeeper says what there is, in the nodes that Kafka of that time used (see
//! `kafkalite_coordination::registries`), and every broker reads it with watches.
//!
//! - [`joining`]: a session, the cluster's id, what there is at the start; then the broker registers under its id.
//! - [`view`]: what has been read, and the image that it makes. Pure. [`watching`] reads.
//! - [`living`]: as long as the broker runs, what comes in becomes so here, and sessions that end are followed by others.
//! - [`controlling`]: one of the brokers, elected, gives partitions their leaders and deletes topics. What it is to do is decided
//!   by a pure function; every write goes through its term, so that a controller that has been replaced harms nothing.
//! - [`changing`], [`settings`], [`producer_ids`]: the broker that is asked for a change writes it down, and answers when it is
//!   in its image: a topic when the controller has given its partitions leaders.
//!
//! Without ZooKeeper everything goes on as it was last known; only changes are refused ([`membership`]). Nothing is replicated
//! yet: a partition lies on one broker, and has no leader while that is away.

mod changing;
mod controlling;
mod joining;
mod living;
mod membership;
mod opening;
mod producer_ids;
mod settings;
#[cfg(test)]
mod tests;
mod view;
mod watching;

pub(super) use changing::check_factor;
pub(crate) use joining::{Joined, join};
pub(crate) use living::live;
pub(super) use membership::Membership;
