//! `Heartbeat` · key 12 · versions 0–4
//!
//! Behaviour: a member says that it lives. While the others join the next generation it is told so, and is to join as well.
//!
//! Version notes: static members from 3 (KIP-345).

use kafkalite_wire::api::heartbeat::{HeartbeatRequest, HeartbeatResponse};

use super::{Context, Reply, coordinator};

pub(super) async fn handle(
    context: &Context,
    request: HeartbeatRequest,
) -> Reply<HeartbeatResponse> {
    let error_code = match coordinator::check(context, &request.group_id) {
        Ok(()) => context.broker.groups.heartbeat(&request),
        Err(code) => code,
    };
    HeartbeatResponse {
        error_code,
        ..Default::default()
    }
    .into()
}
