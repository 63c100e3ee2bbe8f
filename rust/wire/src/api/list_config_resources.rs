//! `ListConfigResources` (key 74): what has settings of its own (KIP-1142). Version 0 was `ListClientMetricsResources`.

use crate::{ErrorCode, Message};

/// Asks for the names of resources.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ListConfigResourcesRequest {
    /// Which kinds: 2 topics, 4 brokers, 8 broker loggers, 16 client metrics, 32 groups. Empty asks for all of them.
    #[wire(versions = 1..)]
    pub resource_types: Vec<i8>,
}

/// The resources.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ListConfigResourcesResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// The resources.
    pub config_resources: Vec<ConfigResource>,
}

/// Something that has settings.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ConfigResource {
    /// Its name.
    pub resource_name: String,
    /// Its kind, as in the request.
    #[wire(versions = 1.., default = 16, ignorable)]
    pub resource_type: i8,
}
