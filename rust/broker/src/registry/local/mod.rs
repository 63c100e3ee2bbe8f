//! The registry of a broker that is alone: its data directory says what there is, in the [`catalog`] and in the partitions'
//! own directories.

pub(super) mod catalog;
mod creation;
mod deletion;
mod growth;
mod start;

pub(crate) use creation::NewTopic;
