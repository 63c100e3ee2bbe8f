//! `SyncGroup` · key 14 · versions 0–5
//!
//! Behaviour: the leader of a generation hands in everybody's assignment, which is stored; the others wait for theirs. What
//! an assignment says is between the members.
//!
//! Version notes: static members from 3 (KIP-345). From 5 protocol type and name must be the group's (KIP-559).

use kafkalite_wire::api::sync_group::{SyncGroupRequest, SyncGroupResponse};

use super::{Context, Reply};

pub(super) async fn handle(
    context: &Context,
    request: SyncGroupRequest,
) -> Reply<SyncGroupResponse> {
    let groups = &context.broker.groups;
    groups.sync(request, context.parking_over()).await.into()
}
