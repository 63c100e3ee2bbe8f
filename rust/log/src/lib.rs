//! One partition on disk, in Apache Kafka's own layout: append, read, roll, recover, retain.
//!
//! Synchronous, on `std::fs`; it opens no socket, runs no thread and never decompresses a batch it stores.

mod config;
pub mod disk;
pub mod durable;
mod error;
#[cfg(any(test, feature = "faults"))]
pub mod faults;
pub mod producers;
pub mod snapshots;

pub use config::{Durability, LogConfig};
pub use error::{LogError, Result};
