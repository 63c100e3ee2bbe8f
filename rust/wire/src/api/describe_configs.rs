//! `DescribeConfigs` (key 32): settings, where they come from and what they mean.

use crate::{ErrorCode, Message};

/// Asks for settings.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeConfigsRequest {
    /// The resources.
    pub resources: Vec<DescribeConfigsResource>,
    /// Whether to list where values could come from.
    pub include_synonyms: bool,
    /// Whether to add the documentation.
    #[wire(versions = 3..)]
    pub include_documentation: bool,
}

/// A topic or broker, and the settings asked for.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeConfigsResource {
    /// What it is: 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group.
    pub resource_type: i8,
    /// The topic's name or the broker's id.
    pub resource_name: String,
    /// The settings; null asks for all.
    #[wire(nullable = ..)]
    pub configuration_keys: Option<Vec<String>>,
}

/// The settings.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeConfigsResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// The results.
    pub results: Vec<DescribeConfigsResult>,
}

/// The settings of one resource.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeConfigsResult {
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(nullable = ..)]
    pub error_message: Option<String>,
    /// What it is: 2 topic, 4 broker, 8 broker logger, 16 client metrics, 32 group.
    pub resource_type: i8,
    /// The topic's name or the broker's id.
    pub resource_name: String,
    /// The settings.
    pub configs: Vec<DescribedConfig>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribedConfig {
    /// The setting's name.
    pub name: String,
    /// The value; null if there is none, or if it is secret.
    #[wire(nullable = ..)]
    pub value: Option<String>,
    /// Whether it can't be changed.
    pub read_only: bool,
    /// Where the value comes from: 1 topic, 2 broker, 3 all brokers, 4 start of the broker, 5 default; −1 unknown.
    #[wire(default = -1)]
    pub config_source: i8,
    /// Whether the value is secret.
    pub is_sensitive: bool,
    /// The sources in order of precedence.
    pub synonyms: Vec<DescribeConfigsSynonym>,
    /// Its type: 1 boolean, 2 string, 3 int, 4 short, 5 long, 6 double, 7 list, 8 class, 9 password; 0 unknown.
    #[wire(versions = 3.., ignorable)]
    pub config_type: i8,
    /// What it means.
    #[wire(versions = 3.., nullable = .., ignorable)]
    pub documentation: Option<String>,
}

/// A source that the setting could take its value from.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeConfigsSynonym {
    /// The setting's name.
    pub name: String,
    /// The value; null if there is none, or if it is secret.
    #[wire(nullable = ..)]
    pub value: Option<String>,
    /// Where the value comes from, as `config_source`.
    pub source: i8,
}
