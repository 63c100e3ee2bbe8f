//! One partition on disk, in Apache Kafka's own layout: append, read, roll, recover, retain.
//!
//! Synchronous, on `std::fs`; it opens no socket, runs no thread and never decompresses a batch it stores.

pub mod checkpoint;
mod config;
pub mod datadir;
pub mod disk;
pub mod durable;
pub mod epochs;
mod error;
#[cfg(any(test, feature = "faults"))]
pub mod faults;
pub mod ids;
mod log;
pub mod partition;
pub mod producers;
mod segment;
mod slice;
pub mod snapshots;

pub use config::{Durability, LogConfig};
pub use error::{LogError, Result};
pub use log::{
    AppendOptions, Appended, Log, OpenOptions, ReadUpTo, Recovered, Retained, TimestampedOffset,
};
pub use segment::SegmentFile;
pub use slice::LogSlice;
