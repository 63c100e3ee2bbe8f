//! `InitProducerId` (key 22): a producer id, for idempotence or a transaction.

use crate::{ErrorCode, Message};

/// Asks for a producer id.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct InitProducerIdRequest {
    /// The transaction's id, if there is one.
    #[wire(nullable = ..)]
    pub transactional_id: Option<String>,
    /// When to abort a transaction that stands still, in milliseconds.
    pub transaction_timeout_ms: i32,
    /// The id to go on with; −1 for a new one.
    #[wire(versions = 3.., default = -1)]
    pub producer_id: i64,
    /// The epoch to go on from; −1 for a new id.
    #[wire(versions = 3.., default = -1)]
    pub producer_epoch: i16,
}

/// The producer id.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct InitProducerIdResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// The producer's id; −1 for none.
    #[wire(default = -1)]
    pub producer_id: i64,
    /// The producer's epoch.
    pub producer_epoch: i16,
}
