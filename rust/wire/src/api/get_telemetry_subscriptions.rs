//! `GetTelemetrySubscriptions` (key 71): which of its metrics a client shall send (KIP-714).

use uuid::Uuid;

use crate::{ErrorCode, Message};

/// Asks for the subscription.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct GetTelemetrySubscriptionsRequest {
    /// The client's id; nil the first time.
    pub client_instance_id: Uuid,
}

/// The subscription.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct GetTelemetrySubscriptionsResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// The id that the client has from now on.
    pub client_instance_id: Uuid,
    /// What this subscription is called in `PushTelemetry`.
    pub subscription_id: i32,
    /// In which compressions metrics may come: 1 gzip, 2 snappy, 3 lz4, 4 zstd; the best first.
    pub accepted_compression_types: Vec<i8>,
    /// How often to send, or to ask again if there is nothing to send, in milliseconds.
    pub push_interval_ms: i32,
    /// The most bytes to send at a time.
    pub telemetry_max_bytes: i32,
    /// Whether counters are sent as differences to the last time.
    pub delta_temporality: bool,
    /// The metrics, by the beginnings of their names; an empty name is all of them, an empty list none.
    pub requested_metrics: Vec<String>,
}
