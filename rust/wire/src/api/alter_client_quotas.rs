//! `AlterClientQuotas` (key 49): sets and removes quotas of users, client ids and addresses (KIP-546).

use super::client_quota::QuotaEntityPart;
use crate::{ErrorCode, Message};

/// Asks for other quotas.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterClientQuotasRequest {
    /// The entities.
    pub entries: Vec<AlterableQuotas>,
    /// Whether to check only, and change nothing.
    pub validate_only: bool,
}

/// The changes for one entity.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterableQuotas {
    /// Whom they are for.
    pub entity: Vec<QuotaEntityPart>,
    /// The changes.
    pub ops: Vec<QuotaChange>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct QuotaChange {
    /// What is limited.
    pub key: String,
    /// To how much: bytes or connections a second, or percents of a thread.
    pub value: f64,
    /// Whether the limit is taken away instead.
    pub remove: bool,
}

/// What was changed.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterClientQuotasResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// The entities.
    pub entries: Vec<AlteredQuotas>,
}

/// The result for one entity.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlteredQuotas {
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(nullable = ..)]
    pub error_message: Option<String>,
    /// Whom they are for.
    pub entity: Vec<QuotaEntityPart>,
}
