//! One partition on disk, in Apache Kafka's own layout: append, read, roll, recover, retain, compact.
//!
//! Synchronous, on the disk of its [world](kafkalite_world); it opens no socket, runs no thread, has no clock (callers say what time
//! it is). It decompresses batches to judge what a producer sends, to search by time and to compact, never to fetch. `unsafe` is in
//! one file, `segment/mapping.rs`.
//!
//! ```
//! use kafkalite_log::{AppendOptions, Log, LogConfig, OpenOptions, ReadUpTo, producers::Origin};
//! use kafkalite_records::{BatchBuilder, BatchOrigin, Compression, Compressor};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let root = tempfile::tempdir()?;
//! let (log, _) = Log::open(root.path().join("events-0"), LogConfig::default(), &OpenOptions::default())?;
//!
//! let mut builder = BatchBuilder::new(1 << 20);
//! assert!(builder.try_append(-1, Some(b"key"), Some(b"value"), &[]));
//! let batch = builder.build(0, BatchOrigin::ANONYMOUS, &mut Compressor::new(Compression::None, None)?);
//! let options = AppendOptions { leader_epoch: 0, now_ms: 0, origin: Origin::Client };
//! let appended = log.append(&batch.expect("one record"), &options)?;
//!
//! let slice = log.read(appended.first_offset, 1 << 20, ReadUpTo::HighWatermark, true)?;
//! assert_eq!(slice.len(), log.size() as usize);
//! log.close()?;
//! # Ok(()) }
//! ```
//!
//! # A partition's directory
//!
//! | file | what | says |
//! |---|---|---|
//! | `<base offset>.log` | batches, one after the other | the producer's bytes, with base offset and leader epoch filled in |
//! | `<base offset>.index` | offset → position, sparse | `segment/offset_index.rs` |
//! | `<base offset>.timeindex` | timestamp → offset, sparse | `segment/time_index.rs` |
//! | `<base offset>.txnindex` | aborted transactions that ended here, if any | `segment/transaction_index.rs` |
//! | `<offset>.snapshot` | the producers just before `offset` | [`snapshots`] |
//! | `leader-epoch-checkpoint` | who led from which offset on | [`epochs`] |
//! | `partition.metadata` | the topic's id | [`datadir::topic_id`] |
//! | `*.deleted` | files that go soon | [`Log::retain`] |
//! | `*.cleaned`, `*.swap` | what compaction writes, and what is to take the place of others | [`Log::compact`] |
//!
//! The `.log` files alone are the truth: everything else is made again from them.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

pub mod checkpoint;
mod compaction;
mod config;
pub mod datadir;
pub mod epochs;
mod error;
pub mod limits;
mod log;
pub mod offline;
mod partition_name;
pub mod producers;
mod role;
mod segment;
mod slice;
pub mod snapshots;

pub use compaction::{Cleanable, Compacted, Compactor, CompactorSettings};
pub use config::{Durability, LogConfig, StoredCompression};
pub use error::{LogError, RecordFault, Result};
pub use log::{
    AppendOptions, Appended, Log, OpenOptions, ReadUpTo, Recovered, Retained, TimestampedOffset,
};
pub use partition_name::PartitionName;
pub use role::Role;
pub use segment::{AbortedTransaction, SegmentFile};
pub use slice::LogSlice;
