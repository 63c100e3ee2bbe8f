//! `DeleteGroups` · key 42 · versions 0–3
//!
//! Behaviour: groups without members are deleted with their offsets; each has its own outcome, also one that is named twice.
//!
//! Version notes: version 2 is the flexible form. 3 has room for a sentence , which Apache Kafka needs for
//! groups of Kafka Streams alone: null.

use std::collections::HashSet;

use kafkalite_wire::api::delete_groups::{DeleteGroupsRequest, DeleteGroupsResponse, DeletedGroup};

use super::{Context, Reply, coordinator};

pub(super) async fn handle(
    context: &Context,
    request: DeleteGroupsRequest,
) -> Reply<DeleteGroupsResponse> {
    let mut seen = HashSet::new();
    let mut results = Vec::with_capacity(request.groups_names.len());
    for group_id in request.groups_names {
        if !seen.insert(group_id.clone()) {
            continue;
        }
        let error_code = match coordinator::check(context, &group_id) {
            Ok(()) => context.broker.groups.delete(&group_id).await,
            Err(code) => code,
        };
        results.push(DeletedGroup {
            group_id,
            error_code,
            error_message: None,
        });
    }
    DeleteGroupsResponse {
        results,
        ..Default::default()
    }
    .into()
}
