//! Records in, a batch out.

use bytes::Bytes;

use crate::{Attributes, BatchHeader, Compression, Compressor, Header, crc32c, varint};

/// Who writes a batch, for idempotence and transactions (KIP-98).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BatchOrigin {
    /// The id that the broker gave the producer, −1 for none.
    pub producer_id: i64,
    /// The producer's epoch, −1 for none.
    pub producer_epoch: i16,
    /// The sequence of the batch's first record, −1 for none.
    pub base_sequence: i32,
    /// Whether the batch belongs to a transaction.
    pub transactional: bool,
}

impl BatchOrigin {
    /// A producer that is not idempotent.
    pub const ANONYMOUS: Self = Self {
        producer_id: -1,
        producer_epoch: -1,
        base_sequence: -1,
        transactional: false,
    };
}

impl Default for BatchOrigin {
    fn default() -> Self {
        Self::ANONYMOUS
    }
}

/// Encodes records as they come and makes batches of them, one after the other.
///
/// Records are written once, where the batch will be: an uncompressed batch is handed out without a copy, a
/// compressed one leaves the buffer for the next.
#[derive(Debug)]
pub struct BatchBuilder {
    /// Room for the header, then the records.
    buffer: Vec<u8>,
    max_bytes: usize,
    base_timestamp: i64,
    max_timestamp: i64,
    count: i32,
    /// Size of the last batch: how much to allocate for the next.
    expected: usize,
}

/// The longest part of a record in front of its key: length, attributes, two deltas, the key's length.
const HEAD: usize = 1 + varint::MAX_LEN_64 + 3 * varint::MAX_LEN_32;

impl BatchBuilder {
    /// One whose batches are no larger than `max_bytes` before compression, unless a single record is.
    pub const fn new(max_bytes: usize) -> Self {
        Self {
            buffer: Vec::new(),
            max_bytes,
            base_timestamp: -1,
            max_timestamp: -1,
            count: 0,
            expected: 0,
        }
    }

    /// Appends a record with the next offset, if it fits: if not, build the batch and append it to the next.
    ///
    /// The first record of a batch always fits, so check its size before; only one that no batch can hold (2 GiB)
    /// does not. `timestamp` is in ms since 1970.
    #[inline]
    #[must_use = "a record that does not fit is not in the batch"]
    pub fn try_append(
        &mut self,
        timestamp: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) -> bool {
        if self.buffer.is_empty() {
            self.begin();
        }
        let base_timestamp = if self.count == 0 {
            timestamp
        } else {
            self.base_timestamp
        };
        let Some(timestamp_delta) = timestamp.checked_sub(base_timestamp) else {
            return false;
        };

        // The length is put in front when it is known.
        let mut head = [0; HEAD + varint::MAX_LEN_32];
        let mut end = varint::MAX_LEN_32 + 1;
        end = varint::write_64(&mut head, end, timestamp_delta);
        end = varint::write_32(&mut head, end, self.count);
        end = varint::write_64(&mut head, end, field_len(key));
        let mut value_head = [0; varint::MAX_LEN_64];
        let value_head_len = varint::write_64(&mut value_head, 0, field_len(value));

        let len = (end - varint::MAX_LEN_32)
            + key.map_or(0, <[u8]>::len)
            + value_head_len
            + value.map_or(0, <[u8]>::len)
            + headers_len(headers);
        let start = varint::MAX_LEN_32 - varint::len(len as i64).min(varint::MAX_LEN_32);
        let total = self
            .buffer
            .len()
            .saturating_add(len + varint::MAX_LEN_32 - start);
        if total > i32::MAX as usize
            || (self.count > 0 && (total > self.max_bytes || self.count == i32::MAX))
        {
            return false;
        }
        varint::write_64(&mut head, start, len as i64);

        self.buffer.reserve(len + 2 * HEAD);
        append_head(&mut self.buffer, &head, start, end);
        if let Some(key) = key {
            self.buffer.extend_from_slice(key);
        }
        append_short(&mut self.buffer, &value_head, value_head_len);
        if let Some(value) = value {
            self.buffer.extend_from_slice(value);
        }
        append_headers(&mut self.buffer, headers);
        debug_assert_eq!(
            self.buffer.len(),
            total,
            "a record is as long as it was said to be"
        );

        self.base_timestamp = base_timestamp;
        self.max_timestamp = if self.count == 0 {
            timestamp
        } else {
            self.max_timestamp.max(timestamp)
        };
        self.count += 1;
        true
    }

    fn begin(&mut self) {
        self.buffer.reserve(self.expected.max(BatchHeader::LEN));
        self.buffer.resize(BatchHeader::LEN, 0);
    }

    /// Records so far.
    pub const fn count(&self) -> usize {
        self.count as usize
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes that the batch would take now, before compression.
    pub const fn size(&self) -> usize {
        if self.count == 0 {
            BatchHeader::LEN
        } else {
            self.buffer.len()
        }
    }

    /// The batch of the records so far, `None` if there are none; the builder is empty afterwards.
    ///
    /// A batch that compression would make larger is left uncompressed. `base_offset` is 0 in what a producer
    /// sends.
    pub fn build(
        &mut self,
        base_offset: i64,
        origin: BatchOrigin,
        compressor: &mut Compressor,
    ) -> Option<Bytes> {
        if self.count == 0 {
            return None;
        }
        let mut header = BatchHeader {
            base_offset,
            batch_length: 0,
            partition_leader_epoch: -1,
            crc: 0,
            attributes: Attributes::new(Compression::None).with_transactional(origin.transactional),
            last_offset_delta: self.count - 1,
            base_timestamp: self.base_timestamp,
            max_timestamp: self.max_timestamp,
            producer_id: origin.producer_id,
            producer_epoch: origin.producer_epoch,
            base_sequence: origin.base_sequence,
            record_count: self.count,
        };
        self.expected = self.buffer.len();
        self.count = 0;
        let codec = compressor.codec();
        if codec != Compression::None {
            let payload = compressor.compress(&self.buffer[BatchHeader::LEN..]);
            if BatchHeader::LEN + payload.len() < self.buffer.len() {
                header.attributes = Attributes::new(codec).with_transactional(origin.transactional);
                let mut batch = Vec::with_capacity(BatchHeader::LEN + payload.len());
                batch.resize(BatchHeader::LEN, 0);
                batch.extend_from_slice(payload);
                self.buffer.clear();
                return Some(finish(header, batch));
            }
        }
        Some(finish(header, std::mem::take(&mut self.buffer)))
    }

    /// Forgets the records so far.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.count = 0;
    }
}

/// Puts the header, its length and its checksum in front of the records.
fn finish(mut header: BatchHeader, mut batch: Vec<u8>) -> Bytes {
    header.batch_length = (batch.len() - BatchHeader::LENGTH_END) as i32;
    batch[..BatchHeader::LEN].copy_from_slice(&header.to_bytes());
    let crc = crc32c(&batch[BatchHeader::CRC_FROM..]);
    batch[BatchHeader::CRC_AT..BatchHeader::CRC_FROM].copy_from_slice(&crc.to_be_bytes());
    Bytes::from(batch)
}

/// Appends `head[start..end]`, as [`append_short`] does.
#[inline]
fn append_head(
    buffer: &mut Vec<u8>,
    head: &[u8; HEAD + varint::MAX_LEN_32],
    start: usize,
    end: usize,
) {
    let head: &[u8; HEAD] = head[start..]
        .first_chunk()
        .expect("a head starts in its first 5 bytes");
    append_short(buffer, head, end - start);
}

/// Appends `from[..len]`: copies an array of a length that the compiler knows, which is faster than a call, and
/// cuts it. The caller has reserved room for the array.
#[inline]
fn append_short<const N: usize>(buffer: &mut Vec<u8>, from: &[u8; N], len: usize) {
    let end = buffer.len() + len;
    buffer.extend_from_slice(from);
    buffer.truncate(end);
}

fn field_len(field: Option<&[u8]>) -> i64 {
    field.map_or(-1, |field| field.len() as i64)
}

#[inline]
fn headers_len(headers: &[Header<'_>]) -> usize {
    let field = |len: i64| varint::len(len) + len.max(0) as usize;
    let each =
        |header: &Header<'_>| field(header.key.len() as i64) + field(field_len(header.value));
    varint::len(headers.len() as i64) + headers.iter().map(each).sum::<usize>()
}

#[inline]
fn append_headers(buffer: &mut Vec<u8>, headers: &[Header<'_>]) {
    if headers.is_empty() {
        buffer.push(0);
        return;
    }
    let mut length = [0; varint::MAX_LEN_64];
    let mut append = |value: i64, bytes: &[u8]| {
        let end = varint::write_64(&mut length, 0, value);
        buffer.extend_from_slice(&length[..end]);
        buffer.extend_from_slice(bytes);
    };
    append(headers.len() as i64, &[]);
    for header in headers {
        append(header.key.len() as i64, header.key);
        append(field_len(header.value), header.value.unwrap_or_default());
    }
}
