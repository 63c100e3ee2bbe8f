//! Batches written down to message sets, for consumers of before Kafka 0.11.
//!
//! What the old formats have no words for is left out: headers, producers, sequences, and control records, which those
//! consumers would take for messages. A compressed batch becomes a wrapper of the same codec; the records of an
//! uncompressed one become messages of their own. Offsets, and holes between them, are kept.

use std::fmt;

use bytes::Bytes;

use crate::{
    Compression, Compressor, Decompressor, Entry, Record, RecordBatch, Records, RecordsError,
    Result, TimestampType,
    legacy::{
        Message, MessageFormat, MessageSet,
        write::{MessageHead, write},
    },
};

/// A wrapper that has as many bytes inside is closed, and another begun: of a batch that decompresses to much more, a part is
/// held at a time. Ordinary batches are one wrapper, as from Apache Kafka.
const WRAPPED: usize = 16 << 20;

/// Where a conversion begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DownBounds {
    /// Records before this offset are left out.
    pub from: i64,
    /// Nothing more is begun when a set has as many bytes; an empty one gets a message, whatever its size (KIP-74).
    pub enough: usize,
    /// Bytes that one batch may decompress to.
    pub decompressed: usize,
}

/// Writes entries of logs down to one older format; keeps its buffers and the codecs' working memory.
pub struct DownConverter {
    decompressor: Decompressor,
    payload: Vec<u8>,
    set: SetWriter,
}

impl DownConverter {
    /// One that writes this format and those before it.
    pub fn new(format: MessageFormat) -> Self {
        Self {
            decompressor: Decompressor::new(),
            payload: Vec::new(),
            set: SetWriter {
                format,
                compressors: Default::default(),
                inner: Vec::new(),
                wrapped: Wrapped::default(),
            },
        }
    }

    /// Appends what `entry` holds, within the bounds, to the message set `out`: nothing if it is for brokers only, or if all its
    /// records are before the bounds. The checksum of what is written anew is verified: afterwards nobody could tell.
    ///
    /// [`RecordsError::CompressionNotInFormat`] for zstd, [`RecordsError::TooLarge`] for a batch that decompresses to more
    /// than the bounds say. After an error `out` is as it was.
    pub fn write(
        &mut self,
        entry: &Entry<'_>,
        bounds: &DownBounds,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        let before = out.len();
        let written = match entry {
            Entry::Batch(batch) => self.write_batch(batch, bounds, out),
            Entry::Message(message) if message.offset < bounds.from => Ok(()),
            Entry::Message(message) if message.magic <= self.set.format.magic() => {
                out.extend_from_slice(message.bytes());
                Ok(())
            }
            Entry::Message(message) => self.write_message(message, bounds, out),
        };
        if written.is_err() {
            out.truncate(before);
        }
        written
    }

    fn write_batch(
        &mut self,
        batch: &RecordBatch<'_>,
        bounds: &DownBounds,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        batch.verify_crc()?;
        let header = batch.header();
        if header.is_control() {
            return Ok(());
        }
        self.set
            .begin(header.compression(), header.timestamp_type())?;
        let payload = batch.decompress_into(
            &mut self.decompressor,
            bounds.decompressed,
            &mut self.payload,
        )?;
        for record in Records::new(header, payload) {
            if !self.set.take(&record?, bounds, out)? {
                break;
            }
        }
        self.set.close(out)
    }

    fn write_message(
        &mut self,
        message: &Message<'_>,
        bounds: &DownBounds,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        message.verify_crc()?;
        self.set
            .begin(message.compression, message.timestamp_type)?;
        let bytes = Bytes::copy_from_slice(message.bytes());
        let set = MessageSet::decode(&bytes, &mut self.decompressor, bounds.decompressed)?;
        for layout in set.layouts() {
            if !self.set.take(&layout.of(set.payload()), bounds, out)? {
                break;
            }
        }
        self.set.close(out)
    }
}

impl fmt::Debug for DownConverter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DownConverter")
            .field("format", &self.set.format)
            .finish_non_exhaustive()
    }
}

/// Makes messages of records, inside a wrapper if they are to be compressed.
struct SetWriter {
    format: MessageFormat,
    /// By code; made when a batch of that codec is first written down.
    compressors: [Option<Compressor>; Compression::ALL.len()],
    /// The messages of the open wrapper; empty if none is.
    inner: Vec<u8>,
    wrapped: Wrapped,
}

/// What a wrapper says of the messages in it.
#[derive(Default)]
struct Wrapped {
    codec: Compression,
    timestamp_type: TimestampType,
    first_offset: i64,
    last_offset: i64,
    newest: i64,
}

impl SetWriter {
    fn begin(&mut self, codec: Compression, timestamp_type: TimestampType) -> Result<()> {
        if codec == Compression::Zstd {
            let magic = self.format.magic();
            return Err(RecordsError::CompressionNotInFormat { codec, magic });
        }
        self.inner.clear();
        self.wrapped = Wrapped {
            codec,
            timestamp_type,
            ..Wrapped::default()
        };
        Ok(())
    }

    /// Adds a record, if it is not before the bounds. False if there is enough.
    fn take(
        &mut self,
        record: &Record<'_>,
        bounds: &DownBounds,
        out: &mut Vec<u8>,
    ) -> Result<bool> {
        if record.offset < bounds.from {
            return Ok(true);
        }
        if !out.is_empty() && out.len() >= bounds.enough {
            return Ok(false);
        }
        let mut head = MessageHead {
            offset: record.offset,
            compression: Compression::None,
            timestamp_type: self.wrapped.timestamp_type,
            timestamp: record.timestamp,
            key: record.key,
        };
        if self.wrapped.codec == Compression::None {
            write(out, self.format, &head, record.value)?;
            return Ok(true);
        }
        if self.inner.is_empty() {
            self.wrapped.first_offset = record.offset;
            self.wrapped.newest = record.timestamp;
        }
        if self.format == MessageFormat::V1 {
            head.offset -= self.wrapped.first_offset;
        }
        write(&mut self.inner, self.format, &head, record.value)?;
        self.wrapped.last_offset = record.offset;
        self.wrapped.newest = self.wrapped.newest.max(record.timestamp);
        if self.inner.len() >= WRAPPED {
            self.close(out)?;
        }
        Ok(true)
    }

    /// Writes the wrapper, if one is open.
    fn close(&mut self, out: &mut Vec<u8>) -> Result<()> {
        if self.inner.is_empty() {
            return Ok(());
        }
        let Wrapped {
            codec,
            timestamp_type,
            last_offset,
            newest,
            ..
        } = self.wrapped;
        let compressor = self.compressors[codec as usize].get_or_insert_with(|| {
            Compressor::new(codec, None).expect("every codec has its default level")
        });
        let compressed = match self.format {
            MessageFormat::V0 => compressor.compress_for_v0(&self.inner),
            MessageFormat::V1 => compressor.compress(&self.inner),
        };
        let head = MessageHead {
            offset: last_offset,
            compression: codec,
            timestamp_type,
            timestamp: newest,
            key: None,
        };
        write(out, self.format, &head, Some(compressed))?;
        self.inner.clear();
        Ok(())
    }
}
