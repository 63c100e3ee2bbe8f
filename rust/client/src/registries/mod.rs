//! Consumers without a master (P14 to P17 of the paper): which partitions a consumer reads is decided by what stands in ZooKeeper's
//! registries, and every consumer of the group decides it for itself.
//!
//! [`membership`] is the paper's algorithm, a pure state machine; [`share`] computes who gets what.

mod membership;
mod share;
