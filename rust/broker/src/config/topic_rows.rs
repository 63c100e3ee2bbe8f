//! Every topic setting. Any of them can be altered at any time.

use kafkalite_settings::ValueKind::{Boolean, Choice, Double, Int, List, Long};
use kafkalite_settings::{INT_MAX, Row, Synonym};

use super::checked_kinds::{NO_TIERED_STORAGE, REPLICAS, SEGMENT_BYTES};
use super::row_parts::{
    CLEANUP_POLICIES, COMPRESSION_TYPES, DECOMPRESSED_BYTES, GZIP_LEVELS, HOUR_MS, LZ4_LEVELS,
    MINUTE_MS, TIMESTAMP_TYPES, ZSTD_LEVELS, dynamic, same,
};

/// A record and its batch need more than this, but a segment may be as small as Kafka's were.
const LEAST_SMALL_SEGMENT_BYTES: i64 = 14;

/// The table, sorted by name. The defaults equal those of the broker settings that stand in.
#[rustfmt::skip] // one row a line
pub static TOPIC: &[Row] = &[
    dynamic("cleanup.policy", List(CLEANUP_POLICIES), "delete", &[same("log.cleanup.policy")], "What happens to old records: delete (those that are too old or too many), compact (those that a later one of the same key supersedes), both, or nothing where it is empty."),
    dynamic("compression.gzip.level", GZIP_LEVELS, "-1", &[same("compression.gzip.level")], "Level of gzip where compression.type is gzip: 1 to 9; -1: gzip's own default."),
    dynamic("compression.lz4.level", LZ4_LEVELS, "9", &[same("compression.lz4.level")], "Kept and described for tools; lz4 has one level here, the fast one."),
    dynamic("compression.type", Choice(COMPRESSION_TYPES), "producer", &[same("compression.type")], "How batches are stored: producer leaves them as they came; any other compresses them anew, uncompressed not at all."),
    dynamic("compression.zstd.level", ZSTD_LEVELS, "3", &[same("compression.zstd.level")], "Level of zstd where compression.type is zstd: -131072 to 22."),
    dynamic("delete.retention.ms", Long(0), "86400000", &[same("log.cleaner.delete.retention.ms")], "Milliseconds that a deletion marker is kept in a compacted topic."),
    dynamic("errors.deadletterqueue.group.enable", Boolean, "false", &[], "Kept and described for tools; there are no share groups."),
    dynamic("file.delete.delay.ms", Long(0), "60000", &[same("log.segment.delete.delay.ms")], "Milliseconds between taking a segment out of the log and removing its file."),
    dynamic("flush.messages", Long(1), "9223372036854775807", &[same("log.flush.interval.messages")], "Messages appended to a partition before it is flushed to disk."),
    dynamic("flush.ms", Long(0), "9223372036854775807", &[same("log.flush.interval.ms"), same("log.flush.scheduler.interval.ms")], "Milliseconds that a message stays unflushed at the most."),
    dynamic("follower.replication.throttled.replicas", REPLICAS, "", &[], "Kept and described for tools; nothing is throttled."),
    dynamic("index.interval.bytes", Int(0, INT_MAX), "4096", &[same("log.index.interval.bytes")], "Bytes of log between two entries of the offset index."),
    Row { default: None, ..dynamic("internal.segment.bytes", Int(LEAST_SMALL_SEGMENT_BYTES, INT_MAX), "", &[], "Stands for segment.bytes where it is set, and may be less than 1 MiB: for tests, and for topics of a few small messages.") },
    dynamic("leader.replication.throttled.replicas", REPLICAS, "", &[], "Kept and described for tools; nothing is throttled."),
    dynamic("local.retention.bytes", Long(-2), "-2", &[same("log.local.retention.bytes")], "Kept and described for tools; nothing is tiered."),
    dynamic("local.retention.ms", Long(-2), "-2", &[same("log.local.retention.ms")], "Kept and described for tools; nothing is tiered."),
    dynamic("max.compaction.lag.ms", Long(1), "9223372036854775807", &[same("log.cleaner.max.compaction.lag.ms")], "Milliseconds after which a message of a compacted topic becomes due for compaction."),
    dynamic("max.decompressed.message.bytes", DECOMPRESSED_BYTES, "2147483639", &[same("max.decompressed.message.bytes")], "Most bytes of one message inside of a compressed batch, decompressed."),
    dynamic("max.message.bytes", Int(0, INT_MAX), "1048588", &[same("message.max.bytes")], "Largest batch in bytes, after compression, that the topic takes."),
    dynamic("message.timestamp.after.max.ms", Long(0), "3600000", &[same("log.message.timestamp.after.max.ms")], "Milliseconds that a message's timestamp may be ahead of the broker's clock."),
    dynamic("message.timestamp.before.max.ms", Long(0), "9223372036854775807", &[same("log.message.timestamp.before.max.ms")], "Milliseconds that a message's timestamp may be behind the broker's clock."),
    dynamic("message.timestamp.type", Choice(TIMESTAMP_TYPES), "CreateTime", &[same("log.message.timestamp.type")], "Whose clock stamps a message: the producer's (CreateTime) or the broker's (LogAppendTime)."),
    dynamic("min.cleanable.dirty.ratio", Double(0.0, 1.0), "0.5", &[same("log.cleaner.min.cleanable.ratio")], "Share of a log that must be uncompacted before it is compacted."),
    dynamic("min.compaction.lag.ms", Long(0), "0", &[same("log.cleaner.min.compaction.lag.ms")], "Milliseconds that a message stays uncompacted at the least."),
    dynamic("min.insync.replicas", Int(1, INT_MAX), "1", &[same("min.insync.replicas")], "Kept and described for tools; a write with acks=all wants as many copies as there are at the most, and one broker has one."),
    dynamic("preallocate", Boolean, "false", &[same("log.preallocate")], "Kept and described for tools; segments grow as they are written."),
    dynamic("remote.copy.lag.bytes", Long(-1), "-1", &[same("log.remote.copy.lag.bytes")], "Kept and described for tools; nothing is tiered."),
    dynamic("remote.copy.lag.ms", Long(-1), "0", &[same("log.remote.copy.lag.ms")], "Kept and described for tools; nothing is tiered."),
    dynamic("remote.log.copy.disable", Boolean, "false", &[], "Kept and described for tools; nothing is tiered."),
    dynamic("remote.log.delete.on.disable", Boolean, "false", &[], "Kept and described for tools; nothing is tiered."),
    dynamic("remote.storage.enable", NO_TIERED_STORAGE, "false", &[], "Whether segments are moved to a remote storage; only false, as there is none."),
    dynamic("retention.bytes", Long(i64::MIN), "-1", &[same("log.retention.bytes")], "Bytes of a partition above which its oldest segments are deleted; -1: no limit."),
    dynamic("retention.ms", Long(-1), "604800000", &[same("log.retention.ms"), Synonym { name: "log.retention.minutes", factor: MINUTE_MS }, Synonym { name: "log.retention.hours", factor: HOUR_MS }], "Milliseconds that a message is kept; -1: for ever."),
    dynamic("segment.bytes", SEGMENT_BYTES, "1073741824", &[same("log.segment.bytes")], "Size in bytes at which a new segment is begun; at least 1 MiB (KIP-1030), less only by internal.segment.bytes."),
    dynamic("segment.index.bytes", Int(4, INT_MAX), "10485760", &[same("log.index.size.max.bytes")], "Largest size in bytes of an index file; a full index rolls the segment."),
    dynamic("segment.jitter.ms", Long(0), "0", &[same("log.roll.jitter.ms"), Synonym { name: "log.roll.jitter.hours", factor: HOUR_MS }], "Kept and described for tools; one broker has no herd of rolls to spread."),
    dynamic("segment.ms", Long(1), "604800000", &[same("log.roll.ms"), Synonym { name: "log.roll.hours", factor: HOUR_MS }], "Milliseconds after which a new segment is begun."),
    dynamic("unclean.leader.election.enable", Boolean, "false", &[same("unclean.leader.election.enable")], "Kept and described for tools; one broker never elects."),
];
