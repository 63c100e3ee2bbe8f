//! Every broker setting that means something here.

use kafkalite_settings::ChangedWhen::{Dynamic, Restart};
use kafkalite_settings::ValueKind::{Boolean, Choice, Double, Int, List, Long, NonEmptyList, Text};
use kafkalite_settings::{ChangedWhen, INT_MAX, Row, Synonym, ValueKind};

use super::checked_kinds::{ADDRESS_LIMITS, SEGMENT_BYTES};
use super::row_parts::{
    ASSIGNMENT_INTERVALS, CLEANUP_POLICIES, COMPRESSION_TYPES, DECOMPRESSED_BYTES, DELIVERY_COUNTS,
    GZIP_LEVELS, HEARTBEATS, HOUR_MS, LOCK_DURATIONS, LZ4_LEVELS, MINUTE_MS, RECORD_LOCKS,
    SESSIONS, STANDBY_REPLICAS, STREAMS_ASSIGNORS, TIMESTAMP_TYPES, ZSTD_LEVELS, same,
};

const fn row(
    name: &'static str,
    kind: ValueKind,
    default: &'static str,
    change: ChangedWhen,
    doc: &'static str,
) -> Row {
    Row {
        change,
        ..Row::new(name, kind, default, doc)
    }
}

const fn unset(
    name: &'static str,
    kind: ValueKind,
    change: ChangedWhen,
    synonyms: &'static [Synonym],
    doc: &'static str,
) -> Row {
    Row {
        default: None,
        synonyms,
        ..row(name, kind, "", change, doc)
    }
}

/// A minimum that every number meets.
const ANY_INT: i64 = i32::MIN as i64;
const ANY_LONG: i64 = i64::MIN;
const FOREVER: &str = "9223372036854775807";
const NO_LIMIT: &str = "2147483647";
const ASSIGNORS: &[&str] = &["uniform", "range"];
const MIGRATION_POLICIES: &[&str] = &["bidirectional", "upgrade", "downgrade", "disabled"];
const DURABILITIES: &[&str] = &["visible", "synced"];
const COMPRESSED_BATCHES: &[&str] = &["checked", "trusted"];

/// The table, sorted by name.
#[rustfmt::skip] // one row a line
pub static BROKER: &[Row] = &[
    unset("advertised.listeners", List(&[]), Restart, &[], "Address that clients are told to connect to, as PLAINTEXT://host:port; unset: the address each client itself connected to."),
    row("auto.create.topics.enable", Boolean, "true", Restart, "Whether asking for the metadata of a topic that does not exist creates it."),
    unset("broker.id", Int(0, INT_MAX), Restart, &[same("node.id")], "Older name of node.id."),
    unset("broker.rack", Text, Restart, &[], "Where this broker stands; handed to clients in metadata."),
    row("compression.gzip.level", GZIP_LEVELS, "-1", Dynamic, "Level of gzip where compression.type is gzip: 1 to 9; -1: gzip's own default."),
    row("compression.lz4.level", LZ4_LEVELS, "9", Dynamic, "Kept and described for tools; lz4 has one level here, the fast one."),
    row("compression.type", Choice(COMPRESSION_TYPES), "producer", Dynamic, "How batches are stored: producer leaves them as they came; any other compresses them anew, uncompressed not at all."),
    row("compression.zstd.level", ZSTD_LEVELS, "3", Dynamic, "Level of zstd where compression.type is zstd: -131072 to 22."),
    row("connections.max.idle.ms", Long(1), "600000", Dynamic, "Milliseconds without a byte in or out after which a connection is closed."),
    row("default.replication.factor", Int(1, INT_MAX), "1", Restart, "Copies of each partition of a new topic; one broker holds one."),
    row("delete.topic.enable", Boolean, "true", Restart, "Whether topics can be deleted."),
    row("errors.deadletterqueue.auto.create.topics.enable", Boolean, "false", Dynamic, "Kept and described for tools; there are no share groups."),
    row("errors.deadletterqueue.topic.name.prefix", Text, "dlq.", Dynamic, "Kept and described for tools; there are no share groups."),
    row("fetch.max.bytes", Int(1024, INT_MAX), "57671680", Restart, "Most bytes of records in one fetch answer; a first batch that is larger is still sent."),
    row("group.consumer.assignment.interval.ms", ASSIGNMENT_INTERVALS, "1000", Dynamic, "Kept and described for tools; assignments are computed at once."),
    row("group.consumer.assignors", NonEmptyList(ASSIGNORS), "uniform,range", Restart, "Ways of assigning that members of the consumer protocol may ask for; the first is taken where none asks."),
    row("group.consumer.heartbeat.interval.ms", Int(1, INT_MAX), "1000", Restart, "Milliseconds between two heartbeats of a member of the consumer protocol, and so how soon it hears of a change; 1000, other than Kafka's 5000, as a broker with few members can afford it."),
    row("group.consumer.max.heartbeat.interval.ms", Int(1, INT_MAX), "15000", Restart, "Largest value of group.consumer.heartbeat.interval.ms."),
    row("group.consumer.max.session.timeout.ms", Int(1, INT_MAX), "60000", Restart, "Largest value of group.consumer.session.timeout.ms."),
    row("group.consumer.max.size", Int(1, INT_MAX), NO_LIMIT, Restart, "Most members of one group of the consumer protocol."),
    row("group.consumer.migration.policy", Choice(MIGRATION_POLICIES), "bidirectional", Restart, "Whether a group with members changes its protocol: upgrade when the first member of the consumer protocol joins, downgrade when the last one leaves, both, or neither. Groups without members always do."),
    row("group.consumer.min.heartbeat.interval.ms", Int(1, INT_MAX), "500", Restart, "Smallest value of group.consumer.heartbeat.interval.ms; 500, other than Kafka's 5000."),
    row("group.consumer.min.session.timeout.ms", Int(1, INT_MAX), "6000", Restart, "Smallest value of group.consumer.session.timeout.ms; 6000, other than Kafka's 45000, as in the classic protocol."),
    row("group.consumer.session.timeout.ms", Int(1, INT_MAX), "45000", Restart, "Milliseconds without a heartbeat after which a member of the consumer protocol is removed."),
    row("group.initial.rebalance.delay.ms", Int(0, INT_MAX), "0", Restart, "Milliseconds that an empty group waits for more members before its first generation; 0, other than Kafka's 3000, as an embedded broker has few."),
    row("group.max.session.timeout.ms", Int(0, INT_MAX), "1800000", Restart, "Longest session timeout in milliseconds that a member may ask for."),
    row("group.max.size", Int(1, INT_MAX), NO_LIMIT, Restart, "Most members of one group."),
    row("group.min.session.timeout.ms", Int(0, INT_MAX), "6000", Restart, "Shortest session timeout in milliseconds that a member may ask for."),
    row("group.share.assignment.interval.ms", ASSIGNMENT_INTERVALS, "1000", Dynamic, "Kept and described for tools; there are no share groups."),
    row("group.share.delivery.count.limit", DELIVERY_COUNTS, "5", Restart, "Kept and described for tools; there are no share groups."),
    row("group.share.heartbeat.interval.ms", HEARTBEATS, "5000", Restart, "Kept and described for tools; there are no share groups."),
    row("group.share.partition.max.record.locks", RECORD_LOCKS, "2000", Restart, "Kept and described for tools; there are no share groups."),
    row("group.share.record.lock.duration.ms", LOCK_DURATIONS, "30000", Restart, "Kept and described for tools; there are no share groups."),
    row("group.share.session.timeout.ms", SESSIONS, "45000", Restart, "Kept and described for tools; there are no share groups."),
    row("group.streams.assignment.interval.ms", ASSIGNMENT_INTERVALS, "1000", Dynamic, "Kept and described for tools; there are no streams groups."),
    row("group.streams.assignors", NonEmptyList(STREAMS_ASSIGNORS), "sticky", Restart, "Kept and described for tools; there are no streams groups."),
    row("group.streams.heartbeat.interval.ms", HEARTBEATS, "5000", Restart, "Kept and described for tools; there are no streams groups."),
    row("group.streams.initial.rebalance.delay.ms", Int(0, INT_MAX), "3000", Restart, "Kept and described for tools; there are no streams groups."),
    row("group.streams.num.standby.replicas", STANDBY_REPLICAS, "0", Restart, "Kept and described for tools; there are no streams groups."),
    row("group.streams.rack.aware.assignment.tags", List(&[]), "", Restart, "Kept and described for tools; there are no streams groups."),
    row("group.streams.session.timeout.ms", SESSIONS, "45000", Restart, "Kept and described for tools; there are no streams groups."),
    row("kafkalite.compressed.batches", Choice(COMPRESSED_BATCHES), "checked", Restart, "checked: a compressed batch is opened, and each record checked, before it is taken; trusted: its checksum and its header will do, which spares the decompression, and lets a producer write what no consumer can read."),
    row("kafkalite.durability", Choice(DURABILITIES), "visible", Restart, "visible: a message is acknowledged and readable once written; synced: only after fsync, one fsync for all that wait."),
    row("listeners", List(&[]), "PLAINTEXT://127.0.0.1:9092", Restart, "Address to listen on, as PLAINTEXT://host:port; port 0 takes a free one."),
    row("log.cleaner.backoff.ms", Long(0), "15000", Dynamic, "Milliseconds between looks for logs that are due for compaction."),
    row("log.cleaner.dedupe.buffer.size", Long(ANY_LONG), "134217728", Dynamic, "Bytes of memory at the most for the keys of one compaction, 24 each, taken while it runs; above 2 GiB is 2 GiB."),
    row("log.cleaner.delete.retention.ms", Long(0), "86400000", Dynamic, "Milliseconds that a deletion marker is kept in a compacted topic."),
    row("log.cleaner.enable", Boolean, "true", Restart, "Whether topics with cleanup.policy=compact, and committed offsets, are compacted; they grow for ever otherwise."),
    row("log.cleaner.io.buffer.load.factor", Double(0.0, 1.0), "0.9", Dynamic, "Share of log.cleaner.dedupe.buffer.size that is used before it counts as full; what is left is compacted the next time."),
    row("log.cleaner.io.buffer.size", Int(0, INT_MAX), "524288", Dynamic, "Bytes of memory for reading and writing during a compaction; more only while one batch is larger."),
    row("log.cleaner.io.max.bytes.per.second", Double(0.0, f64::MAX), "1.7976931348623157E308", Dynamic, "Bytes that compaction reads and writes in a second at the most."),
    row("log.cleaner.max.compaction.lag.ms", Long(1), FOREVER, Dynamic, "Milliseconds after which a message of a compacted topic becomes due for compaction."),
    row("log.cleaner.min.cleanable.ratio", Double(0.0, 1.0), "0.5", Dynamic, "Share of a log that must be uncompacted before it is compacted."),
    row("log.cleaner.min.compaction.lag.ms", Long(0), "0", Dynamic, "Milliseconds that a message stays uncompacted at the least."),
    row("log.cleaner.threads", Int(0, INT_MAX), "1", Dynamic, "Kept and described for tools; logs are compacted one after the other."),
    row("log.cleanup.policy", List(CLEANUP_POLICIES), "delete", Dynamic, "What happens to old records: delete (those that are too old or too many), compact (those that a later one of the same key supersedes), both, or nothing where it is empty."),
    unset("log.dir", List(&[]), Restart, &[], "Older name of log.dirs."),
    unset("log.dirs", List(&[]), Restart, &[same("log.dir")], "The one directory that holds all data; unset: ./kafkalite-data."),
    row("log.flush.interval.messages", Long(1), FOREVER, Dynamic, "Messages appended to a partition before it is flushed to disk."),
    unset("log.flush.interval.ms", Long(ANY_LONG), Dynamic, &[same("log.flush.scheduler.interval.ms")], "Milliseconds that a message stays unflushed at the most; unset: log.flush.scheduler.interval.ms."),
    row("log.flush.offset.checkpoint.interval.ms", Int(0, INT_MAX), "60000", Restart, "Milliseconds between records of how far each partition is flushed, from where recovery starts."),
    row("log.flush.scheduler.interval.ms", Long(ANY_LONG), FOREVER, Restart, "Milliseconds between looks for partitions that are due for a flush."),
    row("log.flush.start.offset.checkpoint.interval.ms", Int(0, INT_MAX), "60000", Restart, "Milliseconds between records of where each partition begins."),
    row("log.index.interval.bytes", Int(0, INT_MAX), "4096", Dynamic, "Bytes of log between two entries of the offset index."),
    row("log.index.size.max.bytes", Int(4, INT_MAX), "10485760", Dynamic, "Largest size in bytes of an index file; a full index rolls the segment."),
    row("log.local.retention.bytes", Long(-2), "-2", Dynamic, "Kept and described for tools; nothing is tiered."),
    row("log.local.retention.ms", Long(-2), "-2", Dynamic, "Kept and described for tools; nothing is tiered."),
    row("log.message.downconversion.enable", Boolean, "false", Dynamic, "Whether consumers of before Kafka 0.11 may read: what they fetch is written down to message sets of magic 0 or 1, on their time; false, other than true before Kafka 4, which has it no more."),
    row("log.message.timestamp.after.max.ms", Long(0), "3600000", Dynamic, "Milliseconds that a message's timestamp may be ahead of the broker's clock."),
    row("log.message.timestamp.before.max.ms", Long(0), FOREVER, Dynamic, "Milliseconds that a message's timestamp may be behind the broker's clock."),
    row("log.message.timestamp.type", Choice(TIMESTAMP_TYPES), "CreateTime", Dynamic, "Whose clock stamps a message: the producer's (CreateTime) or the broker's (LogAppendTime)."),
    row("log.preallocate", Boolean, "false", Dynamic, "Kept and described for tools; segments grow as they are written."),
    row("log.remote.copy.lag.bytes", Long(-1), "-1", Dynamic, "Kept and described for tools; nothing is tiered."),
    row("log.remote.copy.lag.ms", Long(-1), "0", Dynamic, "Kept and described for tools; nothing is tiered."),
    row("log.retention.bytes", Long(ANY_LONG), "-1", Dynamic, "Bytes of a partition above which its oldest segments are deleted; -1: no limit."),
    row("log.retention.check.interval.ms", Long(1), "300000", Restart, "Milliseconds between looks for segments that are due for deletion."),
    row("log.retention.hours", Int(ANY_INT, INT_MAX), "168", Restart, "Hours that a message is kept, where neither log.retention.minutes nor log.retention.ms is set."),
    unset("log.retention.minutes", Int(ANY_INT, INT_MAX), Restart, &[Synonym { name: "log.retention.hours", factor: 60 }], "Minutes that a message is kept, where log.retention.ms is not set."),
    unset("log.retention.ms", Long(ANY_LONG), Dynamic, &[Synonym { name: "log.retention.minutes", factor: MINUTE_MS }, Synonym { name: "log.retention.hours", factor: HOUR_MS }], "Milliseconds that a message is kept; -1: for ever."),
    row("log.roll.hours", Int(1, INT_MAX), "168", Restart, "Hours after which a new segment is begun, where log.roll.ms is not set."),
    row("log.roll.jitter.hours", Int(0, INT_MAX), "0", Restart, "Kept and described for tools; one broker has no herd of rolls to spread."),
    unset("log.roll.jitter.ms", Long(0), Dynamic, &[Synonym { name: "log.roll.jitter.hours", factor: HOUR_MS }], "Kept and described for tools; one broker has no herd of rolls to spread."),
    unset("log.roll.ms", Long(1), Dynamic, &[Synonym { name: "log.roll.hours", factor: HOUR_MS }], "Milliseconds after which a new segment is begun."),
    row("log.segment.bytes", SEGMENT_BYTES, "1073741824", Dynamic, "Size in bytes at which a new segment is begun; at least 1 MiB (KIP-1030), less only for a topic, by internal.segment.bytes."),
    row("log.segment.delete.delay.ms", Long(0), "60000", Dynamic, "Milliseconds between taking a segment out of the log and removing its file."),
    row("max.connections", Int(0, INT_MAX), NO_LIMIT, Dynamic, "Most connections at one time; one more is closed at once."),
    row("max.connections.per.ip", Int(0, INT_MAX), NO_LIMIT, Dynamic, "Most connections from one address at one time; one more is closed at once. 0 only with max.connections.per.ip.overrides."),
    row("max.connections.per.ip.overrides", ADDRESS_LIMITS, "", Dynamic, "The same for single addresses, as address:number with commas between them; names of hosts are not looked up."),
    row("max.decompressed.message.bytes", DECOMPRESSED_BYTES, "2147483639", Dynamic, "Most bytes of one message inside of a compressed batch, decompressed."),
    row("max.incremental.fetch.session.cache.slots", Int(0, INT_MAX), "1000", Restart, "Fetch sessions (KIP-227) remembered at one time."),
    row("max.request.partition.size.limit", Int(1, INT_MAX), "2000", Restart, "Most partitions in one DescribeTopicPartitions answer."),
    row("message.max.bytes", Int(0, INT_MAX), "1048588", Dynamic, "Largest batch in bytes, after compression, that a topic takes."),
    row("min.insync.replicas", Int(1, INT_MAX), "1", Dynamic, "Kept and described for tools; a write with acks=all wants as many copies as there are at the most, and one broker has one."),
    unset("node.id", Int(0, INT_MAX), Restart, &[same("broker.id")], "This broker's number; unset: the one that the data directory was made with, 0 in a new one."),
    row("num.partitions", Int(1, INT_MAX), "1", Restart, "Partitions of a topic that is created without saying how many."),
    row("offset.metadata.max.bytes", Int(0, INT_MAX), "4096", Restart, "Longest note that may be committed with an offset; not in bytes, but in characters as Java counts them, as in Kafka."),
    row("offsets.retention.check.interval.ms", Long(1), "600000", Restart, "Milliseconds between looks for committed offsets that are due to be forgotten."),
    row("offsets.retention.minutes", Int(1, INT_MAX), "10080", Restart, "Minutes that a group's offsets are kept after its last member has left."),
    row("offsets.topic.num.partitions", Int(1, INT_MAX), "1", Restart, "Partitions of __consumer_offsets when it is created; 1, other than Kafka's 50, as one broker has nobody to share them with and each costs open files."),
    row("offsets.topic.segment.bytes", Int(1, INT_MAX), "104857600", Restart, "Size in bytes of the segments of __consumer_offsets when it is created."),
    row("producer.id.expiration.check.interval.ms", Int(1, INT_MAX), "600000", Restart, "Milliseconds between looks for idempotent producers that are due to be forgotten."),
    row("producer.id.expiration.ms", Int(1, INT_MAX), "86400000", Dynamic, "Milliseconds after its last message that an idempotent producer is forgotten."),
    row("queued.max.request.bytes", Long(-1), "268435456", Restart, "Bytes of requests larger than 64 KiB held at one time over all connections; more wait in the sockets; -1: no limit."),
    row("socket.listen.backlog.size", Int(1, INT_MAX), "50", Restart, "Connections that may wait to be accepted."),
    row("socket.receive.buffer.bytes", Int(-1, INT_MAX), "-1", Restart, "Size in bytes of a socket's receive buffer; -1: the system's choice."),
    row("socket.request.max.bytes", Int(1, INT_MAX), "104857600", Restart, "Largest request in bytes; a connection that announces more is closed."),
    row("socket.send.buffer.bytes", Int(-1, INT_MAX), "-1", Restart, "Size in bytes of a socket's send buffer; -1: the system's choice."),
    row("transaction.max.timeout.ms", Int(1, INT_MAX), "900000", Restart, "Kept and described for tools; there are no transactions yet."),
    row("unclean.leader.election.enable", Boolean, "false", Dynamic, "Kept and described for tools; one broker never elects."),
    unset("zookeeper.connect", Text, Restart, &[], "Where ZooKeeper is, as host:port,host:port/chroot: the broker is one of the cluster that is registered there, and broker.id must be set; unset: it is alone."),
    row("zookeeper.session.timeout.ms", Int(100, INT_MAX), "18000", Restart, "Milliseconds after which the other brokers take this one for gone if ZooKeeper does not hear from it; also how long the start tries to reach ZooKeeper."),
];
