//! `CreateAcls` (key 30): allows and denies (KIP-140).

use crate::{ErrorCode, Message};

/// Asks for new entries.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreateAclsRequest {
    /// The entries.
    pub creations: Vec<CreatableAcl>,
}

/// An entry to create; its numbers are those of a [`DescribeAclsRequest`](super::describe_acls::DescribeAclsRequest).
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreatableAcl {
    /// The kind of resource.
    pub resource_type: i8,
    /// Its name.
    pub resource_name: String,
    /// How names are compared with it.
    #[wire(default = 3)]
    pub resource_pattern_type: i8,
    /// Who.
    pub principal: String,
    /// From where.
    pub host: String,
    /// May do what.
    pub operation: i8,
    /// Or may not.
    pub permission_type: i8,
}

/// What was created.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreateAclsResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// The results, in the order of the request.
    pub results: Vec<CreatedAcl>,
}

/// The result for one entry.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CreatedAcl {
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(nullable = ..)]
    pub error_message: Option<String>,
}
