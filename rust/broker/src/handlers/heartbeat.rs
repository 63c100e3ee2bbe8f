//! `Heartbeat` · key 12 · versions 0–4
//!
//! Behaviour: a member says that it lives. While the others join the next generation it is told so, and is to join as well.
//!
//! Version notes: static members from 3 (KIP-345).

use kafkalite_wire::api::heartbeat::{HeartbeatRequest, HeartbeatResponse};

use super::{Context, Reply};

pub(super) async fn handle(
    context: &Context,
    request: HeartbeatRequest,
) -> Reply<HeartbeatResponse> {
    HeartbeatResponse {
        error_code: context.broker.groups.heartbeat(&request),
        ..Default::default()
    }
    .into()
}
