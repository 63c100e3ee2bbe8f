//! `SyncGroup` · key 14 · versions 0–5
//!
//! Behaviour: the leader of a generation hands in everybody's assignment, which is stored; the others wait for theirs. What
//! an assignment says is between the members.
//!
//! Version notes: static members from 3 (KIP-345). From 5 protocol type and name must be said, and be the group's (KIP-559).

use kafkalite_wire::{
    ErrorCode,
    api::sync_group::{SyncGroupRequest, SyncGroupResponse},
};

use super::{Context, Reply, coordinator};

const FIRST_WITH_PROTOCOL: i16 = 5;

pub(super) async fn handle(
    context: &Context,
    request: SyncGroupRequest,
) -> Reply<SyncGroupResponse> {
    let says_protocol = request.protocol_type.is_some() && request.protocol_name.is_some();
    if context.api_version >= FIRST_WITH_PROTOCOL && !says_protocol {
        return SyncGroupResponse {
            error_code: ErrorCode::InconsistentGroupProtocol,
            ..Default::default()
        }
        .into();
    }
    if let Err(error_code) = coordinator::check(context, &request.group_id) {
        return SyncGroupResponse {
            error_code,
            ..Default::default()
        }
        .into();
    }
    let groups = &context.broker.groups;
    groups.sync(request, context.parking_over()).await.into()
}
