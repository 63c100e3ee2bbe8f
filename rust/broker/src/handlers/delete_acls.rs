//! `DeleteAcls` · key 31 · versions 1–3
//!
//! Behaviour: `SECURITY_DISABLED` for each, as Kafka answers without an authorizer.
//!
//! Version notes: none; 2 is the flexible form, 3 allows another kind of resource.

use kafkalite_wire::api::delete_acls::{DeleteAclsRequest, DeleteAclsResponse, DeletedAcls};

use super::{Context, Reply, no_authorizer};

pub(super) async fn handle(_: &Context, request: DeleteAclsRequest) -> Reply<DeleteAclsResponse> {
    let refused = |_| {
        let refusal = no_authorizer::refusal();
        DeletedAcls {
            error_code: refusal.code,
            error_message: Some(refusal.message),
            ..Default::default()
        }
    };
    DeleteAclsResponse {
        filter_results: request.filters.into_iter().map(refused).collect(),
        ..Default::default()
    }
    .into()
}
