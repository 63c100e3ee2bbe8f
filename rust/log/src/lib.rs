//! One partition on disk, in Apache Kafka's own layout: append, read, roll, recover, retain.
//!
//! Synchronous, on `std::fs`; it opens no socket, runs no thread and never decompresses a batch it stores.

mod config;
mod error;

pub use config::{Durability, LogConfig};
pub use error::{LogError, Result};
