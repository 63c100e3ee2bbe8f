//! `DescribeClientQuotas` (key 48): the quotas of users, client ids and addresses (KIP-546).

use super::client_quota::QuotaEntityPart;
use crate::{ErrorCode, Message};

/// Asks for quotas.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeClientQuotasRequest {
    /// What an entity must have to be listed.
    pub components: Vec<QuotaFilter>,
    /// Whether it must have nothing else.
    pub strict: bool,
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct QuotaFilter {
    /// The part of an entity that it is about: `user`, `client-id` or `ip`.
    pub entity_type: String,
    /// 0 this name, 1 the default, 2 any.
    pub match_type: i8,
    /// The name, for 0.
    #[wire(nullable = ..)]
    pub match_name: Option<String>,
}

/// The quotas.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeClientQuotasResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(nullable = ..)]
    pub error_message: Option<String>,
    /// The entities that have quotas; null after an error.
    #[wire(nullable = ..)]
    pub entries: Option<Vec<DescribedQuotas>>,
}

/// The quotas of one entity.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribedQuotas {
    /// Whom they are for.
    pub entity: Vec<QuotaEntityPart>,
    /// The quotas.
    pub values: Vec<QuotaValue>,
}

/// One quota.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct QuotaValue {
    /// What is limited.
    pub key: String,
    /// To how much: bytes or connections a second, or percents of a thread.
    pub value: f64,
}
