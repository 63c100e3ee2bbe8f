//! `PushTelemetry` · key 72 · version 0
//!
//! Behaviour: nobody asked for metrics, so what comes is checked as Kafka does and dropped.
//!
//! Version notes: none.

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::push_telemetry::{PushTelemetryRequest, PushTelemetryResponse};

use super::{Context, Reply, telemetry};

pub(super) async fn handle(
    _: &Context,
    request: PushTelemetryRequest,
) -> Reply<PushTelemetryResponse> {
    PushTelemetryResponse {
        error_code: check(&request),
        ..Default::default()
    }
    .into()
}

fn check(request: &PushTelemetryRequest) -> ErrorCode {
    if request.client_instance_id.is_nil() {
        ErrorCode::InvalidRequest
    } else if request.subscription_id != telemetry::SUBSCRIPTION_ID {
        ErrorCode::UnknownSubscriptionId
    } else if !telemetry::KNOWN_COMPRESSIONS.contains(&request.compression_type) {
        ErrorCode::UnsupportedCompressionType
    } else if request.metrics.len() > telemetry::MAX_BYTES {
        ErrorCode::TelemetryTooLarge
    } else {
        ErrorCode::None
    }
}
