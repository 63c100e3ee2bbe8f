//! `IncrementalAlterConfigs` (key 44): sets, deletes, extends or shortens single settings (KIP-339).

use crate::{ErrorCode, Message};

/// Asks to change settings.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct IncrementalAlterConfigsRequest {
    /// The resources.
    pub resources: Vec<IncrementalAlterConfigsResource>,
    /// Whether to check only, and change nothing.
    pub validate_only: bool,
}

/// The changes of one resource.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct IncrementalAlterConfigsResource {
    /// What it is: 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group.
    pub resource_type: i8,
    /// The topic's name or the broker's id.
    pub resource_name: String,
    /// The changes.
    pub configs: Vec<IncrementalAlterableConfig>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct IncrementalAlterableConfig {
    /// The setting's name.
    pub name: String,
    /// 0 set, 1 delete, 2 append to a list, 3 subtract from it.
    pub config_operation: i8,
    /// The value; null where it is deleted.
    #[wire(nullable = ..)]
    pub value: Option<String>,
}

/// What was changed.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct IncrementalAlterConfigsResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// The results.
    pub responses: Vec<IncrementallyAlteredResource>,
}

/// The result for one resource.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct IncrementallyAlteredResource {
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(nullable = ..)]
    pub error_message: Option<String>,
    /// What it is: 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group.
    pub resource_type: i8,
    /// The topic's name or the broker's id.
    pub resource_name: String,
}
