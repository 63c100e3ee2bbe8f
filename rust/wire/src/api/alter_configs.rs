//! `AlterConfigs` (key 33): replaces all settings of a resource. The incremental request has superseded it.

use crate::{ErrorCode, Message};

/// Asks to replace settings.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterConfigsRequest {
    /// The resources.
    pub resources: Vec<AlterConfigsResource>,
    /// Whether to check only, and change nothing.
    pub validate_only: bool,
}

/// The settings of one resource.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterConfigsResource {
    /// What it is: 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group.
    pub resource_type: i8,
    /// The topic's name or the broker's id.
    pub resource_name: String,
    /// The settings.
    pub configs: Vec<AlterableConfig>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterableConfig {
    /// The setting's name.
    pub name: String,
    /// The value; null returns to the default.
    #[wire(nullable = ..)]
    pub value: Option<String>,
}

/// What was replaced.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlterConfigsResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// The results.
    pub responses: Vec<AlteredConfigsResource>,
}

/// The result for one resource.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct AlteredConfigsResource {
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
