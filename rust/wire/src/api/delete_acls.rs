//! `DeleteAcls` (key 31): takes entries back (KIP-140).

use super::describe_acls::DescribeAclsRequest;
use crate::{ErrorCode, Message};

/// Asks for entries to be deleted.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteAclsRequest {
    /// Which ones: what `DescribeAcls` would answer to each of these.
    pub filters: Vec<DescribeAclsRequest>,
}

/// What was deleted.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeleteAclsResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// The results, in the order of the filters.
    pub filter_results: Vec<DeletedAcls>,
}

/// The result for one filter.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeletedAcls {
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(nullable = ..)]
    pub error_message: Option<String>,
    /// The entries that it matched.
    pub matching_acls: Vec<DeletedAcl>,
}

/// The result for one entry.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DeletedAcl {
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(nullable = ..)]
    pub error_message: Option<String>,
    /// The kind of resource.
    pub resource_type: i8,
    /// Its name.
    pub resource_name: String,
    /// How names are compared with it.
    #[wire(default = 3)]
    pub pattern_type: i8,
    /// Who.
    pub principal: String,
    /// From where.
    pub host: String,
    /// May do what.
    pub operation: i8,
    /// Or may not.
    pub permission_type: i8,
}
