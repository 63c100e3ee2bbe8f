//! `ConsumerGroupHeartbeat` · key 68 · versions 0–1
//!
//! Behaviour: the one request of a member (KIP-848): it joins, stays, reports what it owns, leaves; the answer says what it shall
//! own. Answered when a restart would know the same.
//!
//! Version notes: in 0 the broker chooses the member's id; from 1 the member does (KIP-1082), and may subscribe with a regular
//! expression.

use kafkalite_wire::api::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
};

use super::{Context, Reply, coordinator};

pub(super) async fn handle(
    context: &Context,
    request: ConsumerGroupHeartbeatRequest,
) -> Reply<ConsumerGroupHeartbeatResponse> {
    if let Err(error_code) = coordinator::check(context, &request.group_id) {
        return ConsumerGroupHeartbeatResponse {
            error_code,
            ..Default::default()
        }
        .into();
    }
    let client = context.client();
    let groups = &context.broker.groups;
    let answer = groups.consumer_heartbeat(request, client).await;
    let refused = |refusal: crate::refusal::Refusal| ConsumerGroupHeartbeatResponse {
        error_code: refusal.code,
        error_message: Some(refusal.message),
        ..Default::default()
    };
    answer.unwrap_or_else(refused).into()
}
