//! `DeleteGroups` · key 42 · versions 0–2
//!
//! Behaviour: groups without members are deleted with their offsets; each has its own outcome.
//!
//! Version notes: none; version 2 is the flexible form.

use kafkalite_wire::api::delete_groups::{DeleteGroupsRequest, DeleteGroupsResponse, DeletedGroup};

use super::{Context, Reply};

pub(super) async fn handle(
    context: &Context,
    request: DeleteGroupsRequest,
) -> Reply<DeleteGroupsResponse> {
    let mut results = Vec::with_capacity(request.groups_names.len());
    for group_id in request.groups_names {
        let error_code = context.broker.groups.delete(&group_id).await;
        results.push(DeletedGroup {
            group_id,
            error_code,
        });
    }
    DeleteGroupsResponse {
        results,
        ..Default::default()
    }
    .into()
}
