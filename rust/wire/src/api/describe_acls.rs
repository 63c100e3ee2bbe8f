//! `DescribeAcls` (key 29): who may do what (KIP-140).

use crate::{ErrorCode, Message};

/// Asks for the entries that a filter matches.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeAclsRequest {
    /// The kind of resource: 1 any, 2 topic, 3 group, 4 cluster, 5 transactional id, 6 delegation token, 7 user.
    pub resource_type_filter: i8,
    /// The resource's name; null matches all.
    #[wire(nullable = ..)]
    pub resource_name_filter: Option<String>,
    /// How names are compared: 1 any, 2 all that match, 3 literal, 4 prefixed.
    #[wire(default = 3)]
    pub pattern_type_filter: i8,
    /// The principal, as `User:name`; null matches all.
    #[wire(nullable = ..)]
    pub principal_filter: Option<String>,
    /// The host; null matches all.
    #[wire(nullable = ..)]
    pub host_filter: Option<String>,
    /// The operation: 1 any, 2 all, 3 read, 4 write, and so on.
    pub operation: i8,
    /// 1 any, 2 deny, 3 allow.
    pub permission_type: i8,
}

/// The entries.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeAclsResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(nullable = ..)]
    pub error_message: Option<String>,
    /// The resources that have entries.
    pub resources: Vec<DescribedAclResource>,
}

/// The entries of one resource.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribedAclResource {
    /// The kind of resource.
    pub resource_type: i8,
    /// Its name.
    pub resource_name: String,
    /// How names are compared with it.
    #[wire(default = 3)]
    pub pattern_type: i8,
    /// The entries.
    pub acls: Vec<DescribedAcl>,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribedAcl {
    /// Who.
    pub principal: String,
    /// From where.
    pub host: String,
    /// May do what.
    pub operation: i8,
    /// Or may not.
    pub permission_type: i8,
}
