//! A batch as a view of somebody's bytes, and the walk over batches that follow each other.

use std::{borrow::Cow, iter::FusedIterator};

use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest};

use crate::{BatchHeader, Compression, Decompressor, RecordsError, Result, TimestampType};

/// CRC-32C (Castagnoli), the checksum of v2 batches and of Kafka's producer snapshots.
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(bytes)
}

/// One batch: its header, parsed, and its bytes, all there.
#[derive(Debug, Clone, Copy)]
pub struct RecordBatch<'a> {
    header: BatchHeader,
    bytes: &'a [u8],
}

impl<'a> RecordBatch<'a> {
    /// Takes the batch at the front of `bytes`; what follows it is ignored.
    ///
    /// [`RecordsError::Incomplete`] if `bytes` end before the batch does. The checksum is not verified.
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let header = BatchHeader::parse(bytes)?;
        let needed = header.total_len();
        match bytes.get(..needed) {
            Some(bytes) => Ok(Self { header, bytes }),
            None => Err(RecordsError::Incomplete {
                needed,
                have: bytes.len(),
            }),
        }
    }

    /// The header.
    pub const fn header(&self) -> &BatchHeader {
        &self.header
    }

    /// The whole batch, header included.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What follows the header: the records, compressed as the header says.
    pub fn records_payload(&self) -> &'a [u8] {
        &self.bytes[BatchHeader::LEN..]
    }

    /// Whether the bytes are those that were written; [`RecordsError::Checksum`] if not.
    pub fn verify_crc(&self) -> Result<()> {
        let computed = crc32c(&self.bytes[BatchHeader::CRC_FROM..]);
        if computed == self.header.crc {
            return Ok(());
        }
        Err(RecordsError::Checksum {
            stored: self.header.crc,
            computed,
        })
    }

    /// The records, decompressed to `max_bytes` at the most; borrowed if they are not compressed, whatever their
    /// size. Walk them with [`Records::new`](crate::Records::new).
    pub fn decompress(
        &self,
        decompressor: &mut Decompressor,
        max_bytes: usize,
    ) -> Result<Cow<'a, [u8]>> {
        match self.header.compression() {
            Compression::None => Ok(Cow::Borrowed(self.records_payload())),
            codec => decompressor
                .decompress(codec, self.records_payload(), max_bytes)
                .map(Cow::Owned),
        }
    }

    /// As [`Self::decompress`], into a buffer that is kept for the next batch.
    pub fn decompress_into<'b>(
        &self,
        decompressor: &mut Decompressor,
        max_bytes: usize,
        buffer: &'b mut Vec<u8>,
    ) -> Result<&'b [u8]>
    where
        'a: 'b,
    {
        match self.header.compression() {
            Compression::None => Ok(self.records_payload()),
            codec => {
                decompressor.decompress_into(codec, self.records_payload(), max_bytes, buffer)?;
                Ok(buffer)
            }
        }
    }
}

/// One batch together with its bytes: for who hands it on to another thread, which has nothing to parse again.
#[derive(Debug, Clone)]
pub struct OwnedBatch {
    header: BatchHeader,
    bytes: Bytes,
}

impl OwnedBatch {
    /// Takes the batch at the front of `bytes`, as [`RecordBatch::parse`] does.
    pub fn parse(mut bytes: Bytes) -> Result<Self> {
        let header = *RecordBatch::parse(&bytes)?.header();
        bytes.truncate(header.total_len());
        Ok(Self { header, bytes })
    }

    /// The batch as a view of its bytes.
    pub fn view(&self) -> RecordBatch<'_> {
        RecordBatch {
            header: self.header,
            bytes: &self.bytes,
        }
    }
}

impl BatchHeader {
    /// The header with the time of an append (ms since 1970) as every record's timestamp. Seal it then.
    #[must_use]
    pub const fn stamped(mut self, append_time: i64) -> Self {
        self.attributes = self
            .attributes
            .with_timestamp_type(TimestampType::LogAppend);
        self.max_timestamp = append_time;
        self
    }

    /// The header over the same records in other bytes: `payload`, which `codec` has compressed. Seal it then.
    ///
    /// [`RecordsError::TooLarge`] if no batch can be that large.
    pub fn over(mut self, codec: Compression, payload: &[u8]) -> Result<Self> {
        let length = Self::LEN - Self::LENGTH_END + payload.len();
        self.batch_length = i32::try_from(length).map_err(|_| RecordsError::TooLarge {
            limit: i32::MAX as usize,
        })?;
        self.attributes = self.attributes.with_compression(codec);
        Ok(self)
    }

    /// The header with the checksum that it takes in front of these (compressed) records. For who has changed
    /// a field that the checksum covers.
    #[must_use]
    pub fn sealed(mut self, payload: &[u8]) -> Self {
        let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
        digest.update(&self.to_bytes()[Self::CRC_FROM..]);
        digest.update(payload);
        self.crc = digest.finalize() as u32;
        self
    }
}

/// Walks batches that follow each other, as in a log file, a produce request or a fetch response.
pub const fn batches(bytes: &[u8]) -> Batches<'_> {
    Batches {
        rest: bytes,
        failed: false,
    }
}

/// Iterator of [`batches`].
///
/// It ends without an error where a batch is cut short, because fetches end in the middle of batches; ask
/// [`Batches::rest`] whether something is left. After an error it ends.
#[derive(Debug, Clone)]
pub struct Batches<'a> {
    rest: &'a [u8],
    failed: bool,
}

impl<'a> Batches<'a> {
    /// Bytes that have not been walked: empty if the last batch was whole, else where it begins.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Batches<'a> {
    type Item = Result<RecordBatch<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.rest.is_empty() {
            return None;
        }
        match RecordBatch::parse(self.rest) {
            Ok(batch) => {
                self.rest = &self.rest[batch.bytes.len()..];
                Some(Ok(batch))
            }
            Err(RecordsError::Incomplete { .. }) => None,
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}

impl FusedIterator for Batches<'_> {}
