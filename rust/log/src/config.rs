//! What can be set for one log. The broker's table of topic settings fills it; names follow Kafka's.

use kafkalite_records::{BatchHeader, Compression, TimestampType};

/// When a message becomes visible to consumers and is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// As soon as it is written to the file. Survives the death of the process; a power cut may take what the system
    /// had not written back yet. Kafka's default for a topic with one replica.
    #[default]
    Visible,
    /// Only after fsync (the paper's section 3.1: exposed "only after flushed"). Survives a power cut.
    Synced,
}

/// The settings of one log. Changed while it runs by [`Log::reconfigure`](crate::Log::reconfigure).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// `segment.bytes`: roll before an append would make the segment larger. At most `i32::MAX`.
    pub segment_bytes: u32,
    /// `segment.ms`: roll when the first message of the segment is older by this much. No jitter: one broker has no herd.
    pub segment_ms: i64,
    /// `index.interval.bytes`: one index entry after at least so many bytes.
    pub index_interval_bytes: u32,
    /// `segment.index.bytes`: the active segment's indexes are preallocated to this size; a full index makes it roll.
    pub segment_index_bytes: u32,
    /// `retention.ms`: segments whose newest message is older go. `None` keeps them for ever (-1 in Kafka).
    pub retention_ms: Option<i64>,
    /// `retention.bytes`: oldest segments go while the rest still holds this much. `None` is no limit (-1 in Kafka).
    pub retention_bytes: Option<u64>,
    /// Whether `cleanup.policy` contains `delete`. Without it only [`Log::delete_records_before`](crate::Log::delete_records_before)
    /// removes segments.
    pub delete_expired: bool,
    /// Whether `cleanup.policy` contains `compact`. Compaction leaves holes between the offsets; without it, a hole that is
    /// found after a crash says that messages were lost, and ends the log.
    pub compacted: bool,
    /// `delete.retention.ms`: how long compaction keeps a tombstone after it has first seen it, so that readers who began
    /// before learn that the key is gone.
    pub delete_retention_ms: i64,
    /// `min.compaction.lag.ms`: segments with a message younger than this are not compacted.
    pub min_compaction_lag_ms: i64,
    /// `max.compaction.lag.ms`: a message older than this makes its log due for compaction; also rolls a compacted log's
    /// segment, whose first message is older by this much, so that it can be.
    pub max_compaction_lag_ms: i64,
    /// `file.delete.delay.ms`: how long a segment lives on as `*.deleted` for those that still read it.
    pub file_delete_delay_ms: i64,
    /// `flush.messages`: fsync after so many messages. `None` leaves it to the system.
    pub flush_messages: Option<u64>,
    /// `flush.ms`: fsync when the oldest unflushed message is older; acts when
    /// [`Log::flush_if_due`](crate::Log::flush_if_due) is called. `None` leaves it to the system.
    pub flush_ms: Option<i64>,
    /// `max.message.bytes`: largest batch accepted from a producer, in bytes with its header.
    pub max_message_bytes: u32,
    /// `max.decompressed.message.bytes`: longest record accepted from a producer in a compressed batch, in bytes.
    pub max_decompressed_message_bytes: u32,
    /// `compression.type` other than `producer`: how batches are stored, whatever their producer's codec was.
    pub compression: Option<StoredCompression>,
    /// Whether compressed batches of producers are opened and checked record by record before they are taken. If not, their
    /// header is believed, unless the log is compacted or compresses them itself.
    pub check_compressed: bool,
    /// `message.timestamp.type`: whose clock stamps the records. With the log's, every batch gets a new checksum.
    pub timestamp_type: TimestampType,
    /// `message.timestamp.before.max.ms`: how much older than now a producer's timestamp may be.
    pub timestamp_before_max_ms: i64,
    /// `message.timestamp.after.max.ms`: how much later than now a producer's timestamp may be.
    pub timestamp_after_max_ms: i64,
    /// Visible on write or only after fsync.
    pub durability: Durability,
}

/// How a log compresses the batches that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredCompression {
    /// The codec.
    pub codec: Compression,
    /// `compression.gzip.level` and the like, `None` for the codec's default.
    pub level: Option<i32>,
}

impl LogConfig {
    /// Whether the records of a producer's batch have to be decompressed, or compressed in another way, before it is taken.
    pub fn opens(&self, header: &BatchHeader) -> bool {
        self.recompression(header).is_some()
            || (header.compression() != Compression::None
                && (self.check_compressed || self.compacted))
    }

    /// How a batch is compressed before it is stored, if not as it is.
    pub(crate) fn recompression(&self, header: &BatchHeader) -> Option<StoredCompression> {
        self.compression
            .filter(|stored| stored.codec != header.compression())
    }

    /// How old a segment may become before it is rolled, in milliseconds of its messages' time.
    pub(crate) fn max_segment_ms(&self) -> i64 {
        if self.compacted {
            self.segment_ms.min(self.max_compaction_lag_ms)
        } else {
            self.segment_ms
        }
    }
}

impl Default for LogConfig {
    /// Apache Kafka 4.3's defaults.
    fn default() -> LogConfig {
        LogConfig {
            segment_bytes: 1 << 30,
            segment_ms: 7 * 24 * 3_600_000,
            index_interval_bytes: 4096,
            segment_index_bytes: 10 * 1024 * 1024,
            retention_ms: Some(7 * 24 * 3_600_000),
            retention_bytes: None,
            delete_expired: true,
            compacted: false,
            delete_retention_ms: 24 * 3_600_000,
            min_compaction_lag_ms: 0,
            max_compaction_lag_ms: i64::MAX,
            file_delete_delay_ms: 60_000,
            flush_messages: None,
            flush_ms: None,
            max_message_bytes: 1_048_588,
            max_decompressed_message_bytes: i32::MAX as u32 - 8,
            compression: None,
            check_compressed: true,
            timestamp_type: TimestampType::Create,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            durability: Durability::Visible,
        }
    }
}
