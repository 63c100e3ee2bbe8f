//! Consumers without a master (P14 to P17 of the paper): which partitions a consumer reads is decided by what stands in ZooKeeper's
//! registries, and every consumer of the group decides it for itself.
//!
//! [`membership`] is the paper's algorithm, a pure state machine; [`share`] computes who gets what. [`task`] carries out what the machine
//! wants: [`questions`] asks ZooKeeper, [`watches`] hear from it, and what is read is a [`Consumer`](crate::Consumer)'s for each stream.

mod consumer;
mod membership;
mod questions;
mod share;
mod shared;
mod task;
mod troubles;
mod watches;

pub use consumer::ZooKeeperConsumer;
