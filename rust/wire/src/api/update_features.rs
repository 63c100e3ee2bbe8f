//! `UpdateFeatures` (key 57): puts newer or older levels of the cluster's features in force (KIP-584, KIP-778).

use crate::{ErrorCode, Message};

/// Asks for other levels.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct UpdateFeaturesRequest {
    /// How long to wait for the answer, in milliseconds.
    #[wire(default = 60000)]
    pub timeout_ms: i32,
    /// The features; one that fails fails all.
    pub feature_updates: Vec<FeatureUpdate>,
    /// Whether to check only, and change nothing.
    #[wire(versions = 1..)]
    pub validate_only: bool,
}

/// One feature and the level that it shall have.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct FeatureUpdate {
    /// The feature's name.
    pub feature: String,
    /// The level; 0 switches the feature off.
    pub max_version_level: i16,
    /// Whether a lower level than the present one is allowed. Became `upgrade_type`.
    #[wire(versions = ..=0)]
    pub allow_downgrade: bool,
    /// 1 only upwards, 2 also downwards if nothing is lost, 3 also downwards if something is.
    #[wire(versions = 1.., default = 1)]
    pub upgrade_type: i8,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct UpdateFeaturesResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(nullable = ..)]
    pub error_message: Option<String>,
    /// The features, if nothing went wrong with any.
    #[wire(versions = ..=1, ignorable)]
    pub results: Vec<UpdatedFeature>,
}

/// The result for one feature.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct UpdatedFeature {
    /// The feature's name.
    pub feature: String,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(nullable = ..)]
    pub error_message: Option<String>,
}
