//! `DescribeAcls` · key 29 · versions 1–3
//!
//! Behaviour: `SECURITY_DISABLED`, as Kafka answers without an authorizer.
//!
//! Version notes: none; 2 is the flexible form, 3 allows another kind of resource.

use kafkalite_wire::api::describe_acls::{DescribeAclsRequest, DescribeAclsResponse};

use super::{Context, Reply, no_authorizer};

pub(super) async fn handle(_: &Context, _: DescribeAclsRequest) -> Reply<DescribeAclsResponse> {
    let refusal = no_authorizer::refusal();
    DescribeAclsResponse {
        error_code: refusal.code,
        error_message: Some(refusal.message),
        ..Default::default()
    }
    .into()
}
