//! Kafka's record batches: parse as a view, build, filter, compress, checksum, write down for old consumers. No I/O, no clock, no threads;
//! it does not know what a partition is, nor which offsets and sequences are *right*: that is the log's.
//!
//! A batch of format v2 (KIP-98, magic 2) is the unit that travels: a producer builds it, a broker
//! patches its first 16 bytes and stores it, a fetch sends the stored bytes.
//!
//! ```text
//!  0 base offset i64 | 8 length i32 | 12 leader epoch i32 | 16 magic i8 | 17 CRC-32C u32 |
//! 21 attributes i16 | 23 last offset delta i32 | 27 base timestamp i64 | 35 max timestamp i64 |
//! 43 producer id i64 | 51 producer epoch i16 | 53 base sequence i32 | 57 record count i32 | 61 records…
//! ```
//!
//! `length` counts what follows it; the checksum covers everything from the attributes on. So the base
//! offset and the leader epoch change without touching the checksum, timestamps do not.
//!
//! ```
//! use kafkalite_records::{BatchBuilder, BatchOrigin, Compression, Compressor, DecodedBatch, Decompressor};
//!
//! let mut builder = BatchBuilder::new(1 << 20);
//! assert!(builder.try_append(1_700_000_000_000, Some(b"UA"), Some(b"take-off"), &[]));
//! let mut compressor = Compressor::new(Compression::Lz4, None)?;
//! let bytes = builder.build(0, BatchOrigin::ANONYMOUS, &mut compressor).expect("it has a record");
//!
//! let batch = DecodedBatch::decode(&bytes, &mut Decompressor::new(), 1 << 20)?;
//! let record = batch.records().next().expect("it has a record")?;
//! assert_eq!(record.value, Some(&b"take-off"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod batch;
mod builder;
mod codec;
mod compression;
mod control;
mod decoded;
mod down_converter;
mod entry;
mod error;
mod filter;
mod header;
pub mod legacy;
mod record;
mod records;
mod survey;
mod varint;

pub use batch::{Batches, OwnedBatch, RecordBatch, batches, crc32c};
pub use builder::{BatchBuilder, BatchOrigin};
pub use codec::{Compressor, Decompressor, InvalidLevel};
pub use compression::{Compression, TimestampType, UnknownName};
pub use control::{ControlKind, EndTransaction};
pub use decoded::{DecodedBatch, Layouts};
pub use down_converter::{DownBounds, DownConverter};
pub use entry::Entry;
pub use error::{RecordsError, Result};
pub use filter::{BatchFilter, Filtered};
pub use header::{Attributes, BatchHeader};
pub use record::{Header, Headers, Record, RecordLayout, Span};
pub use records::Records;
pub use survey::Survey;
