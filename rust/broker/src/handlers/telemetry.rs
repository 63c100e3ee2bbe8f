//! What the two APIs of client metrics share (KIP-714): a subscription to nothing, the same for every client.

use std::ops::RangeInclusive;

/// What the subscription is called. It never changes.
pub(super) const SUBSCRIPTION_ID: i32 = 1;

/// How long a client waits before it asks again, in milliseconds; Kafka's default.
pub(super) const PUSH_INTERVAL_MS: i32 = 5 * 60 * 1000;

/// The most that a client may send at a time, in bytes; the default of Kafka's `telemetry.max.bytes`.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// zstd, lz4, gzip, snappy: what a client may compress with, the best first.
pub(super) const COMPRESSIONS: [i8; 4] = [4, 3, 1, 2];

/// The numbers that mean a compression, 0 for none.
pub(super) const KNOWN_COMPRESSIONS: RangeInclusive<i8> = 0..=4;
