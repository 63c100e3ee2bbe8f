//! The 61 bytes at the front of a batch.

use crate::{Compression, RecordsError, Result, TimestampType};

/// The flags of a batch, known to name a defined codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Attributes(i16);

impl Attributes {
    const CODEC: i16 = 0b111;
    const LOG_APPEND_TIME: i16 = 1 << 3;
    const TRANSACTIONAL: i16 = 1 << 4;
    const CONTROL: i16 = 1 << 5;
    const DELETE_HORIZON: i16 = 1 << 6;

    /// Flags of a plain batch with this codec: create time, no transaction, no control records.
    pub const fn new(compression: Compression) -> Self {
        Self(compression.code() as i16)
    }

    /// Takes the field of a batch. Bits that Kafka does not define are kept and mean nothing.
    pub fn from_bits(bits: i16) -> Result<Self> {
        let code = (bits & Self::CODEC) as u8;
        match Compression::from_code(code) {
            Some(_) => Ok(Self(bits)),
            None => Err(RecordsError::UnknownCompression(code)),
        }
    }

    /// The field of a batch.
    pub const fn bits(self) -> i16 {
        self.0
    }

    /// The same with the transactional flag set or cleared.
    #[must_use]
    pub const fn with_transactional(self, on: bool) -> Self {
        self.with(Self::TRANSACTIONAL, on)
    }

    /// The same with the control flag set or cleared.
    #[must_use]
    pub const fn with_control(self, on: bool) -> Self {
        self.with(Self::CONTROL, on)
    }

    /// The same with another meaning of the timestamps.
    #[must_use]
    pub const fn with_timestamp_type(self, kind: TimestampType) -> Self {
        self.with(
            Self::LOG_APPEND_TIME,
            matches!(kind, TimestampType::LogAppend),
        )
    }

    /// The same with the flag that the base timestamp is a delete horizon (KIP-534) set or cleared.
    #[must_use]
    pub const fn with_delete_horizon(self, on: bool) -> Self {
        self.with(Self::DELETE_HORIZON, on)
    }

    /// The same with another codec.
    #[must_use]
    pub const fn with_compression(self, codec: Compression) -> Self {
        Self(self.0 & !Self::CODEC | codec.code() as i16)
    }

    const fn with(self, flag: i16, on: bool) -> Self {
        Self(if on { self.0 | flag } else { self.0 & !flag })
    }

    const fn has(self, flag: i16) -> bool {
        self.0 & flag != 0
    }
}

/// A batch's header. [`BatchHeader::parse`] gives one whose lengths, counts and offsets agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BatchHeader {
    /// Offset of the first record, as the producer's batch had it (also after compaction). Not in the checksum.
    pub base_offset: i64,
    /// Bytes after this field, 49 at the least.
    pub batch_length: i32,
    /// Epoch of the leader that appended the batch, −1 if none has. Not in the checksum.
    pub partition_leader_epoch: i32,
    /// CRC-32C of all bytes from the attributes on.
    pub crc: u32,
    /// Codec and flags.
    pub attributes: Attributes,
    /// The last record's offset − `base_offset`; compaction keeps it when it removes that record.
    pub last_offset_delta: i32,
    /// What records' timestamps are relative to, in ms since 1970; −1 for none.
    pub base_timestamp: i64,
    /// The largest timestamp, or the time of the append, in ms since 1970; −1 for none.
    pub max_timestamp: i64,
    /// The idempotent producer's id, −1 for none.
    pub producer_id: i64,
    /// The idempotent producer's epoch, −1 for none.
    pub producer_epoch: i16,
    /// The sequence of the first record, −1 for none.
    pub base_sequence: i32,
    /// Records in the batch; compaction may leave fewer than the offsets span, even none.
    pub record_count: i32,
}

impl BatchHeader {
    /// Bytes of a header.
    pub const LEN: usize = 61;
    /// Bytes of the part that a log may rewrite without a new checksum.
    pub const PREFIX_LEN: usize = 16;
    /// Bytes before `batch_length` counts.
    pub(crate) const LENGTH_END: usize = 12;
    /// Where magic lies, in this format as in v0 and v1.
    pub(crate) const MAGIC_AT: usize = 16;
    /// Where the checksum lies.
    pub(crate) const CRC_AT: usize = 17;
    /// Where its cover begins.
    pub(crate) const CRC_FROM: usize = 21;
    const MAGIC: u8 = 2;

    /// Reads the header at the front of `bytes`, which need not hold the whole batch.
    ///
    /// Checked: magic, the codec, that the length covers a header, that offsets and counts are not
    /// negative, do not overflow and agree. Not checked: the checksum, the records, the timestamps.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        if let Some(&magic) = bytes.get(Self::MAGIC_AT)
            && magic != Self::MAGIC
        {
            return Err(RecordsError::UnsupportedMagic { magic: magic as i8 });
        }
        let Some(raw) = bytes.first_chunk::<{ Self::LEN }>() else {
            return Err(RecordsError::Incomplete {
                needed: Self::LEN,
                have: bytes.len(),
            });
        };
        let header = Self {
            base_offset: i64::from_be_bytes(field(raw, 0)),
            batch_length: i32::from_be_bytes(field(raw, 8)),
            partition_leader_epoch: i32::from_be_bytes(field(raw, 12)),
            crc: u32::from_be_bytes(field(raw, 17)),
            attributes: Attributes::from_bits(i16::from_be_bytes(field(raw, 21)))?,
            last_offset_delta: i32::from_be_bytes(field(raw, 23)),
            base_timestamp: i64::from_be_bytes(field(raw, 27)),
            max_timestamp: i64::from_be_bytes(field(raw, 35)),
            producer_id: i64::from_be_bytes(field(raw, 43)),
            producer_epoch: i16::from_be_bytes(field(raw, 51)),
            base_sequence: i32::from_be_bytes(field(raw, 53)),
            record_count: i32::from_be_bytes(field(raw, 57)),
        };
        header.check()?;
        Ok(header)
    }

    fn check(&self) -> Result<()> {
        let corrupt = |what| Err(RecordsError::Corrupt(what));
        if self.batch_length < (Self::LEN - Self::LENGTH_END) as i32 {
            return corrupt("the batch's length is less than its header");
        }
        if self.base_offset < 0 {
            return corrupt("the base offset is negative");
        }
        if self.last_offset_delta < 0 {
            return corrupt("the last offset is before the first");
        }
        // One is left for `next_offset`.
        if self.base_offset > i64::MAX - i64::from(self.last_offset_delta) - 1 {
            return corrupt("the last offset overflows");
        }
        if self.record_count < 0 {
            return corrupt("the record count is negative");
        }
        if i64::from(self.record_count) > i64::from(self.last_offset_delta) + 1 {
            return corrupt("more records than offsets");
        }
        Ok(())
    }

    /// Bytes of the whole batch, header included.
    pub const fn total_len(&self) -> usize {
        Self::LENGTH_END + self.batch_length as usize
    }

    /// Offset of the last record that the producer's batch had.
    pub const fn last_offset(&self) -> i64 {
        self.base_offset + self.last_offset_delta as i64
    }

    /// The offset after the batch: where the next batch begins, what a reader asks for next.
    pub const fn next_offset(&self) -> i64 {
        self.last_offset() + 1
    }

    /// Whether every offset of the batch has its record, as in all batches that a producer sends.
    pub const fn is_dense(&self) -> bool {
        self.record_count as i64 == self.last_offset_delta as i64 + 1
    }

    /// How the records are compressed.
    pub const fn compression(&self) -> Compression {
        // In range: attributes hold a defined codec from their construction on.
        Compression::ALL[(self.attributes.0 & Attributes::CODEC) as usize]
    }

    /// What the timestamps mean.
    pub const fn timestamp_type(&self) -> TimestampType {
        if self.attributes.has(Attributes::LOG_APPEND_TIME) {
            TimestampType::LogAppend
        } else {
            TimestampType::Create
        }
    }

    /// Whether the batch belongs to a transaction (KIP-98).
    pub const fn is_transactional(&self) -> bool {
        self.attributes.has(Attributes::TRANSACTIONAL)
    }

    /// Whether the records are for brokers and clients themselves (KIP-98), not for applications.
    pub const fn is_control(&self) -> bool {
        self.attributes.has(Attributes::CONTROL)
    }

    /// Whether the base timestamp is the time after which tombstones may go (KIP-534).
    pub const fn has_delete_horizon(&self) -> bool {
        self.attributes.has(Attributes::DELETE_HORIZON)
    }

    /// Whether an idempotent or transactional producer wrote it.
    pub const fn has_producer_id(&self) -> bool {
        self.producer_id >= 0
    }

    /// The sequence of the last record; sequences wrap from `i32::MAX` to 0 (KIP-98). −1 if there are none.
    pub const fn last_sequence(&self) -> i32 {
        if self.base_sequence < 0 {
            return -1;
        }
        ((self.base_sequence as i64 + self.last_offset_delta as i64) & i32::MAX as i64) as i32
    }

    /// The header as it stands at the front of a batch.
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut raw = [0; Self::LEN];
        raw[..16].copy_from_slice(&self.prefix());
        raw[16] = Self::MAGIC;
        raw[17..21].copy_from_slice(&self.crc.to_be_bytes());
        raw[21..23].copy_from_slice(&self.attributes.0.to_be_bytes());
        raw[23..27].copy_from_slice(&self.last_offset_delta.to_be_bytes());
        raw[27..35].copy_from_slice(&self.base_timestamp.to_be_bytes());
        raw[35..43].copy_from_slice(&self.max_timestamp.to_be_bytes());
        raw[43..51].copy_from_slice(&self.producer_id.to_be_bytes());
        raw[51..53].copy_from_slice(&self.producer_epoch.to_be_bytes());
        raw[53..57].copy_from_slice(&self.base_sequence.to_be_bytes());
        raw[57..61].copy_from_slice(&self.record_count.to_be_bytes());
        raw
    }

    /// The first 16 bytes: base offset, length, leader epoch. All that an append with create time changes.
    pub fn prefix(&self) -> [u8; Self::PREFIX_LEN] {
        let mut raw = [0; Self::PREFIX_LEN];
        raw[..8].copy_from_slice(&self.base_offset.to_be_bytes());
        raw[8..12].copy_from_slice(&self.batch_length.to_be_bytes());
        raw[12..].copy_from_slice(&self.partition_leader_epoch.to_be_bytes());
        raw
    }

    /// The same batch at another place in a log. The checksum stays valid.
    #[must_use]
    pub const fn placed(mut self, base_offset: i64, leader_epoch: i32) -> Self {
        self.base_offset = base_offset;
        self.partition_leader_epoch = leader_epoch;
        self
    }
}

/// `N` bytes of a header from `at` on; both are constants of the format, so that the check is compiled away.
fn field<const N: usize>(raw: &[u8; BatchHeader::LEN], at: usize) -> [u8; N] {
    *raw[at..]
        .first_chunk()
        .expect("every field lies inside the header")
}
