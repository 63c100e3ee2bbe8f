//! `CreateAcls` · key 30 · versions 1–3
//!
//! Behaviour: `SECURITY_DISABLED` for each, as Kafka answers without an authorizer.
//!
//! Version notes: none; 2 is the flexible form, 3 allows another kind of resource.

use kafkalite_wire::api::create_acls::{CreateAclsRequest, CreateAclsResponse, CreatedAcl};

use super::{Context, Reply, no_authorizer};

pub(super) async fn handle(_: &Context, request: CreateAclsRequest) -> Reply<CreateAclsResponse> {
    let refused = |_| {
        let refusal = no_authorizer::refusal();
        CreatedAcl {
            error_code: refusal.code,
            error_message: Some(refusal.message),
        }
    };
    CreateAclsResponse {
        results: request.creations.into_iter().map(refused).collect(),
        ..Default::default()
    }
    .into()
}
