//! Every topic setting. Any of them can be altered at any time.

use super::broker_rows::{
    CLEANUP_POLICIES, COMPRESSION_TYPES, DECOMPRESSED_BYTES, GZIP_LEVELS, LZ4_LEVELS,
    TIMESTAMP_TYPES, ZSTD_LEVELS,
};
use super::row::{ChangedWhen, Row, Synonym, ValueKind};

const HOUR_MS: i64 = 3_600_000;
const MINUTE_MS: i64 = 60_000;

const fn row(
    name: &'static str,
    kind: ValueKind,
    default: &'static str,
    synonyms: &'static [Synonym],
    doc: &'static str,
) -> Row {
    Row {
        name,
        kind,
        default: Some(default),
        change: ChangedWhen::Dynamic,
        synonyms,
        doc,
    }
}

/// A record and its batch need more than this, but a segment may be as small as Kafka's were.
const LEAST_SMALL_SEGMENT_BYTES: i32 = 14;

const fn same(name: &'static str) -> Synonym {
    Synonym { name, factor: 1 }
}

use ValueKind::{Boolean, Choice, Double, False, Int, List, Long, Replicas, SegmentBytes};

/// The table, sorted by name. The defaults equal those of the broker settings that stand in.
#[rustfmt::skip] // one row a line
pub static TOPIC: &[Row] = &[
    row("cleanup.policy", List(CLEANUP_POLICIES), "delete", &[same("log.cleanup.policy")], "What happens to old records: delete (those that are too old or too many), compact (those that a later one of the same key supersedes), both, or nothing where it is empty."),
    row("compression.gzip.level", GZIP_LEVELS, "-1", &[same("compression.gzip.level")], "Level of gzip where compression.type is gzip: 1 to 9; -1: gzip's own default."),
    row("compression.lz4.level", LZ4_LEVELS, "9", &[same("compression.lz4.level")], "Kept and described for tools; lz4 has one level here, the fast one."),
    row("compression.type", Choice(COMPRESSION_TYPES), "producer", &[same("compression.type")], "How batches are stored: producer leaves them as they came; any other compresses them anew, uncompressed not at all."),
    row("compression.zstd.level", ZSTD_LEVELS, "3", &[same("compression.zstd.level")], "Level of zstd where compression.type is zstd: -131072 to 22."),
    row("delete.retention.ms", Long(0), "86400000", &[same("log.cleaner.delete.retention.ms")], "Milliseconds that a deletion marker is kept in a compacted topic."),
    row("errors.deadletterqueue.group.enable", Boolean, "false", &[], "Kept and described for tools; there are no share groups."),
    row("file.delete.delay.ms", Long(0), "60000", &[same("log.segment.delete.delay.ms")], "Milliseconds between taking a segment out of the log and removing its file."),
    row("flush.messages", Long(1), "9223372036854775807", &[same("log.flush.interval.messages")], "Messages appended to a partition before it is flushed to disk."),
    row("flush.ms", Long(0), "9223372036854775807", &[same("log.flush.interval.ms"), same("log.flush.scheduler.interval.ms")], "Milliseconds that a message stays unflushed at the most."),
    row("follower.replication.throttled.replicas", Replicas, "", &[], "Kept and described for tools; nothing is throttled."),
    row("index.interval.bytes", Int(0), "4096", &[same("log.index.interval.bytes")], "Bytes of log between two entries of the offset index."),
    Row { default: None, ..row("internal.segment.bytes", Int(LEAST_SMALL_SEGMENT_BYTES), "", &[], "Stands for segment.bytes where it is set, and may be less than 1 MiB: for tests, and for topics of a few small messages.") },
    row("leader.replication.throttled.replicas", Replicas, "", &[], "Kept and described for tools; nothing is throttled."),
    row("local.retention.bytes", Long(-2), "-2", &[same("log.local.retention.bytes")], "Kept and described for tools; nothing is tiered."),
    row("local.retention.ms", Long(-2), "-2", &[same("log.local.retention.ms")], "Kept and described for tools; nothing is tiered."),
    row("max.compaction.lag.ms", Long(1), "9223372036854775807", &[same("log.cleaner.max.compaction.lag.ms")], "Milliseconds after which a message of a compacted topic becomes due for compaction."),
    row("max.decompressed.message.bytes", DECOMPRESSED_BYTES, "2147483639", &[same("max.decompressed.message.bytes")], "Most bytes of one message inside of a compressed batch, decompressed."),
    row("max.message.bytes", Int(0), "1048588", &[same("message.max.bytes")], "Largest batch in bytes, after compression, that the topic takes."),
    row("message.timestamp.after.max.ms", Long(0), "3600000", &[same("log.message.timestamp.after.max.ms")], "Milliseconds that a message's timestamp may be ahead of the broker's clock."),
    row("message.timestamp.before.max.ms", Long(0), "9223372036854775807", &[same("log.message.timestamp.before.max.ms")], "Milliseconds that a message's timestamp may be behind the broker's clock."),
    row("message.timestamp.type", Choice(TIMESTAMP_TYPES), "CreateTime", &[same("log.message.timestamp.type")], "Whose clock stamps a message: the producer's (CreateTime) or the broker's (LogAppendTime)."),
    row("min.cleanable.dirty.ratio", Double(0.0, 1.0), "0.5", &[same("log.cleaner.min.cleanable.ratio")], "Share of a log that must be uncompacted before it is compacted."),
    row("min.compaction.lag.ms", Long(0), "0", &[same("log.cleaner.min.compaction.lag.ms")], "Milliseconds that a message stays uncompacted at the least."),
    row("min.insync.replicas", Int(1), "1", &[same("min.insync.replicas")], "Kept and described for tools; a write with acks=all wants as many copies as there are at the most, and one broker has one."),
    row("preallocate", Boolean, "false", &[same("log.preallocate")], "Kept and described for tools; segments grow as they are written."),
    row("remote.copy.lag.bytes", Long(-1), "-1", &[same("log.remote.copy.lag.bytes")], "Kept and described for tools; nothing is tiered."),
    row("remote.copy.lag.ms", Long(-1), "0", &[same("log.remote.copy.lag.ms")], "Kept and described for tools; nothing is tiered."),
    row("remote.log.copy.disable", Boolean, "false", &[], "Kept and described for tools; nothing is tiered."),
    row("remote.log.delete.on.disable", Boolean, "false", &[], "Kept and described for tools; nothing is tiered."),
    row("remote.storage.enable", False("tiered storage"), "false", &[], "Whether segments are moved to a remote storage; only false, as there is none."),
    row("retention.bytes", Long(i64::MIN), "-1", &[same("log.retention.bytes")], "Bytes of a partition above which its oldest segments are deleted; -1: no limit."),
    row("retention.ms", Long(-1), "604800000", &[same("log.retention.ms"), Synonym { name: "log.retention.minutes", factor: MINUTE_MS }, Synonym { name: "log.retention.hours", factor: HOUR_MS }], "Milliseconds that a message is kept; -1: for ever."),
    row("segment.bytes", SegmentBytes, "1073741824", &[same("log.segment.bytes")], "Size in bytes at which a new segment is begun; at least 1 MiB (KIP-1030), less only by internal.segment.bytes."),
    row("segment.index.bytes", Int(4), "10485760", &[same("log.index.size.max.bytes")], "Largest size in bytes of an index file; a full index rolls the segment."),
    row("segment.jitter.ms", Long(0), "0", &[same("log.roll.jitter.ms"), Synonym { name: "log.roll.jitter.hours", factor: HOUR_MS }], "Kept and described for tools; one broker has no herd of rolls to spread."),
    row("segment.ms", Long(1), "604800000", &[same("log.roll.ms"), Synonym { name: "log.roll.hours", factor: HOUR_MS }], "Milliseconds after which a new segment is begun."),
    row("unclean.leader.election.enable", Boolean, "false", &[same("unclean.leader.election.enable")], "Kept and described for tools; one broker never elects."),
];
