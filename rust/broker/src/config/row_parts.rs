//! What rows of more than one table are made of.

use kafkalite_settings::ValueKind::{self, Int, Or};
use kafkalite_settings::{ChangedWhen, Row, Synonym};

/// A setting of a topic or of a group: it can be altered at any time, and these of the broker stand in for it.
pub(super) const fn dynamic(
    name: &'static str,
    kind: ValueKind,
    default: &'static str,
    synonyms: &'static [Synonym],
    doc: &'static str,
) -> Row {
    Row {
        change: ChangedWhen::Dynamic,
        synonyms,
        ..Row::new(name, kind, default, doc)
    }
}

/// A setting that stands in for one of the same unit.
pub(super) const fn same(name: &'static str) -> Synonym {
    Synonym { name, factor: 1 }
}

pub(super) const HOUR_MS: i64 = 3_600_000;
pub(super) const MINUTE_MS: i64 = 60_000;

pub(super) const CLEANUP_POLICIES: &[&str] = &["compact", "delete"];
pub(super) const COMPRESSION_TYPES: &[&str] =
    &["producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"];
pub(super) const DECOMPRESSED_BYTES: ValueKind = Int(1, 2_147_483_639);
pub(super) const GZIP_LEVELS: ValueKind = Or("-1", &Int(1, 9));
pub(super) const LZ4_LEVELS: ValueKind = Int(1, 17);
pub(super) const TIMESTAMP_TYPES: &[&str] = &["CreateTime", "LogAppendTime"];
pub(super) const ZSTD_LEVELS: ValueKind = Int(-131_072, 22);

// Ranges that Kafka's defaults allow for groups that are not here.
pub(super) const ASSIGNMENT_INTERVALS: ValueKind = Int(0, 15_000);
pub(super) const DELIVERY_COUNTS: ValueKind = Int(2, 10);
pub(super) const HEARTBEATS: ValueKind = Int(5000, 15_000);
pub(super) const LOCK_DURATIONS: ValueKind = Int(15_000, 60_000);
pub(super) const RECORD_LOCKS: ValueKind = Int(100, 4000);
pub(super) const SESSIONS: ValueKind = Int(45_000, 60_000);
pub(super) const STANDBY_REPLICAS: ValueKind = Int(0, 2);
pub(super) const STREAMS_ASSIGNORS: &[&str] = &["sticky"];
