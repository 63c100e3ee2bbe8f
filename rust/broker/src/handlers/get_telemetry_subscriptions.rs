//! `GetTelemetrySubscriptions` · key 71 · version 0
//!
//! Behaviour: gives a client an id if it has none, and subscribes to none of its metrics.
//!
//! Version notes: none.

use kafkalite_wire::api::get_telemetry_subscriptions::{
    GetTelemetrySubscriptionsRequest, GetTelemetrySubscriptionsResponse,
};

use super::{Context, Reply, telemetry};

pub(super) async fn handle(
    context: &Context,
    request: GetTelemetrySubscriptionsRequest,
) -> Reply<GetTelemetrySubscriptionsResponse> {
    let known = Some(request.client_instance_id).filter(|id| !id.is_nil());
    GetTelemetrySubscriptionsResponse {
        client_instance_id: known.unwrap_or_else(|| context.broker.world.dice.id()),
        subscription_id: telemetry::SUBSCRIPTION_ID,
        accepted_compression_types: telemetry::COMPRESSIONS.to_vec(),
        push_interval_ms: telemetry::PUSH_INTERVAL_MS,
        telemetry_max_bytes: telemetry::MAX_BYTES as i32,
        delta_temporality: true,
        ..Default::default()
    }
    .into()
}
