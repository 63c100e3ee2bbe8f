//! `PushTelemetry` (key 72): a client's metrics (KIP-714).

use bytes::Bytes;
use uuid::Uuid;

use crate::{ErrorCode, Message};

/// Brings metrics.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct PushTelemetryRequest {
    /// The client's id.
    pub client_instance_id: Uuid,
    /// The subscription that they were asked for with.
    pub subscription_id: i32,
    /// Whether the client is about to end.
    pub terminating: bool,
    /// How `metrics` is compressed: 0 not, 1 gzip, 2 snappy, 3 lz4, 4 zstd.
    pub compression_type: i8,
    /// The metrics in OpenTelemetry's format.
    pub metrics: Bytes,
}

/// Whether they were taken.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct PushTelemetryResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
}
