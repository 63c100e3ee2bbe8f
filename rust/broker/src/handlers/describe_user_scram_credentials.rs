//! `DescribeUserScramCredentials` · key 50 · version 0
//!
//! Behaviour: there are none: all users are an empty list, and one who is asked for by name is `RESOURCE_NOT_FOUND`.
//!
//! Version notes: none.

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::describe_user_scram_credentials::{
    DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse, DescribedScramUser,
};

use super::repeated::split_repeated;
use super::{Context, Reply};

pub(super) async fn handle(
    _: &Context,
    request: DescribeUserScramCredentialsRequest,
) -> Reply<DescribeUserScramCredentialsResponse> {
    let users = request.users.unwrap_or_default();
    let (once, repeated) = split_repeated(users, |user| user.name.clone());
    let unknown = once.into_iter().map(|user| DescribedScramUser {
        error_code: ErrorCode::ResourceNotFound,
        error_message: Some(format!("user '{}' has no credentials", user.name)),
        user: user.name,
        ..Default::default()
    });
    let repeated = repeated.into_iter().map(|user| DescribedScramUser {
        error_code: ErrorCode::DuplicateResource,
        error_message: Some(format!(
            "user '{}' stands more than once in the request",
            user.name
        )),
        user: user.name,
        ..Default::default()
    });
    DescribeUserScramCredentialsResponse {
        error_message: Some(String::new()),
        results: unknown.chain(repeated).collect(),
        ..Default::default()
    }
    .into()
}
