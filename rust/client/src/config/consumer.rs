//! Settings of the consumer.

use std::time::Duration;

use kafkalite_groups::assignors::ClassicAssignor;
use kafkalite_settings::INT_MAX;
use kafkalite_settings::ValueKind::{Boolean, Bytes, Choice, Millis, Text};

use super::choices::ASSIGNORS;
use super::{ClientConfig, OffsetReset, settings};

settings! {
    /// Settings of a [`Consumer`](crate::Consumer) and of a [`GroupConsumer`](crate::GroupConsumer).
    ConsumerConfig with client: ClientConfig {
        auto_offset_reset: OffsetReset = "auto.offset.reset", "earliest", Choice(&["earliest", "latest", "none"]),
            "Where to start if there is no position, or if it is no longer in the log; none: report it.";
        fetch_min_bytes: i32 = "fetch.min.bytes", "1", Bytes(0, INT_MAX),
            "The broker answers a fetch as soon as it has this many bytes, or after fetch.max.wait.ms.";
        fetch_max_wait: Duration = "fetch.max.wait.ms", "500", Millis(0, INT_MAX),
            "How long the broker holds a fetch that finds too little.";
        fetch_max_bytes: i32 = "fetch.max.bytes", "52428800", Bytes(0, INT_MAX),
            "The most that one response brings; a first batch that is larger comes nevertheless.";
        max_partition_fetch_bytes: i32 = "max.partition.fetch.bytes", "1048576", Bytes(0, INT_MAX),
            "The most that one response brings of one partition; a first batch that is larger comes nevertheless.";
        queued_max_bytes: usize = "queued.max.bytes", "8388608", Bytes(1, i64::MAX),
            "Bytes of one partition fetched ahead of the application; a partition that has them is not fetched meanwhile.";
        max_batch_bytes: usize = "max.decompressed.batch.bytes", "268435456", Bytes(1, i64::MAX),
            "The largest batch after decompression; a larger one is an error instead of an exhausted memory.";
        check_crcs: bool = "check.crcs", "true", Boolean,
            "Whether the checksum of each batch is verified (P19 of the paper).";
        group_id: String = "group.id", "", Text,
            "The group that divides the topics' partitions among its members.";
        group_instance_id: String = "group.instance.id", "", Text,
            "A name of the member that outlives it (KIP-345): when it returns within session.timeout.ms, nothing moves.";
        session_timeout: Duration = "session.timeout.ms", "45000", Millis(1, INT_MAX),
            "After how long without a heartbeat the group goes on without the member.";
        heartbeat_interval: Duration = "heartbeat.interval.ms", "3000", Millis(1, INT_MAX),
            "How often the member says that it is alive; at most a third of session.timeout.ms is wise.";
        max_poll_interval: Duration = "max.poll.interval.ms", "300000", Millis(1, INT_MAX),
            "A reader that does not ask for a message for this long leaves the group, and comes back when it asks.";
        assignors: Vec<ClassicAssignor> = "partition.assignment.strategy", "range,cooperative-sticky", ASSIGNORS,
            "How the group's leader divides partitions, best liked first; all members must have one in common.";
        enable_auto_commit: bool = "enable.auto.commit", "true", Boolean,
            "Whether what was consumed is committed at intervals, when partitions are given up, and at the end.";
        auto_commit_interval: Duration = "auto.commit.interval.ms", "5000", Millis(1, INT_MAX),
            "How often what was consumed is committed.";
    }
}
