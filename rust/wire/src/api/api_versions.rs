//! `ApiVersions` (key 18): which APIs, in which versions? A client's first question.

use bytes::Bytes;

use crate::{ErrorCode, Message, Response, Result, api::Api};

/// Asks what the broker serves.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ApiVersionsRequest {
    /// The client library's name (KIP-511).
    #[wire(versions = 3.., ignorable)]
    pub client_software_name: String,
    /// The client library's version.
    #[wire(versions = 3.., ignorable)]
    pub client_software_version: String,
    /// The cluster that the client means to talk to (KIP-1242); null together with a node's id of −1 if it does not know yet.
    #[wire(versions = 5.., nullable = 5.., ignorable)]
    pub cluster_id: Option<String>,
    /// The node that the client means to talk to.
    #[wire(versions = 5.., default = -1, ignorable)]
    pub node_id: i32,
}

/// The APIs and features of a broker.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ApiVersionsResponse {
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// All that is served.
    pub api_keys: Vec<ApiVersionRange>,
    /// How long the client shall pause because of a quota, in milliseconds.
    #[wire(versions = 1.., ignorable)]
    pub throttle_time_ms: i32,
    /// Features that the broker could run with. Version 3 leaves out those whose lowest level is 0 (KAFKA-17011).
    #[wire(versions = 3.., tag = 0, ignorable)]
    pub supported_features: Vec<SupportedFeature>,
    /// Grows with every change of the finalized features; −1 if unknown.
    #[wire(versions = 3.., tag = 1, default = -1, ignorable)]
    pub finalized_features_epoch: i64,
    /// Features in force; what clients look at before they use newer protocols.
    #[wire(versions = 3.., tag = 2, ignorable)]
    pub finalized_features: Vec<FinalizedFeature>,
    /// Whether a migration from ZooKeeper is prepared; always false here.
    #[wire(versions = 3.., tag = 3, ignorable)]
    pub zk_migration_ready: bool,
}

/// One API and its versions.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ApiVersionRange {
    /// The API's key.
    pub api_key: i16,
    /// The oldest version.
    pub min_version: i16,
    /// The newest version.
    pub max_version: i16,
}

/// A feature that the broker could run with.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct SupportedFeature {
    /// The feature's name.
    pub name: String,
    /// The lowest level.
    pub min_version: i16,
    /// The highest level.
    pub max_version: i16,
}

/// A feature level that is in force.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct FinalizedFeature {
    /// The feature's name.
    pub name: String,
    /// The highest level in force.
    pub max_version_level: i16,
    /// The lowest level in force.
    pub min_version_level: i16,
}

impl From<&Api> for ApiVersionRange {
    fn from(api: &Api) -> Self {
        ApiVersionRange {
            api_key: api.key.code(),
            min_version: *api.advertised.start(),
            max_version: *api.advertised.end(),
        }
    }
}

impl ApiVersionsResponse {
    /// Reads the answer to a request of `version`, which a broker that does not know the version gives in version 0, with
    /// [`ErrorCode::UnsupportedVersion`] and the list of what it does know (KIP-511).
    pub fn decode_or_refused(frame: Bytes, version: i16) -> Result<(i32, Self)> {
        match ApiVersionsResponse::decode(frame.clone(), version) {
            Ok(answer) => Ok(answer),
            Err(error) => match ApiVersionsResponse::decode(frame, 0) {
                Ok(refusal) if refusal.1.error_code == ErrorCode::UnsupportedVersion => Ok(refusal),
                _ => Err(error),
            },
        }
    }
}
