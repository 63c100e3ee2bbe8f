//! `ApiVersions` · key 18 · versions 0–5
//!
//! Behaviour: names every API that has a handler, with its versions. Produce is named from version 0 although 3 is the
//! oldest that works: librdkafka before 2.11 turns compression off without a word otherwise (KAFKA-18659). The oldest
//! versions of Fetch and `ListOffsets` are named where `log.message.downconversion.enable` has them served.
//!
//! The features are those of [`features`](super::features).
//!
//! A client that says which cluster and which node it means to talk to is told `REBOOTSTRAP_REQUIRED` if this is another
//! (KIP-1242): a broker on a free port gets the one that an earlier broker had. One that says half of it asks wrongly.
//!
//! `GetTelemetrySubscriptions` and `PushTelemetry` are served and not named, as in Apache Kafka where nobody collects
//! metrics: clients that find them there ask every five minutes.
//!
//! Version notes: from 3 the client says what it is (KIP-511), which must look like a name and a version; 3 leaves out
//! features whose lowest level is 0, which its clients stumble over (KAFKA-17011); from 5 the client says where it means to be.
//! A version that is not served gets a version 0 answer with error 35 and the whole list.

use kafkalite_wire::api::api_versions::{
    ApiVersionRange, ApiVersionsRequest, ApiVersionsResponse, FinalizedFeature, SupportedFeature,
};
use kafkalite_wire::{ApiKey, ErrorCode};

use super::features::{FEATURES, Feature};
use super::{Context, Reply};
use crate::state::BrokerState;

/// Served and not named.
const UNNAMED: [ApiKey; 2] = [ApiKey::GetTelemetrySubscriptions, ApiKey::PushTelemetry];

/// What a client says that does not know yet which node it talks to.
const UNKNOWN_NODE: i32 = -1;

pub(super) async fn handle(
    context: &Context,
    request: ApiVersionsRequest,
) -> Reply<ApiVersionsResponse> {
    let named = |text: &str| context.api_version < 3 || is_software_name(text);
    if !named(&request.client_software_name) || !named(&request.client_software_version) {
        return Reply::from(ApiVersionsResponse {
            error_code: ErrorCode::InvalidRequest,
            ..Default::default()
        });
    }
    tracing::debug!(
        id = context.connection.id,
        client_id = context.client_id,
        software = request.client_software_name,
        version = request.client_software_version,
        "client introduced itself"
    );
    if let Err(error_code) = check_destination(context, &request) {
        return Reply::from(ApiVersionsResponse {
            error_code,
            ..Default::default()
        });
    }
    Reply::from(ApiVersionsResponse {
        api_keys: all(&context.broker),
        supported_features: supported_features(context.api_version),
        finalized_features_epoch: 0,
        finalized_features: FEATURES.iter().map(finalized).collect(),
        ..Default::default()
    })
}

/// Whether the client is where it means to be.
fn check_destination(context: &Context, request: &ApiVersionsRequest) -> Result<(), ErrorCode> {
    let broker = &context.broker;
    match (&request.cluster_id, request.node_id) {
        (None, UNKNOWN_NODE) => Ok(()),
        (None, _) | (Some(_), UNKNOWN_NODE) => Err(ErrorCode::InvalidRequest),
        (Some(cluster), node) if *cluster == broker.cluster_id && node == broker.node_id => Ok(()),
        (Some(cluster), node) => {
            tracing::debug!(
                id = context.connection.id,
                cluster,
                node,
                "client means to talk to another broker"
            );
            Err(ErrorCode::RebootstrapRequired)
        }
    }
}

fn supported_features(api_version: i16) -> Vec<SupportedFeature> {
    FEATURES
        .iter()
        .filter(|feature| api_version > 3 || *feature.levels.start() > 0)
        .map(|feature| SupportedFeature {
            name: feature.name.to_owned(),
            min_version: *feature.levels.start(),
            max_version: *feature.levels.end(),
        })
        .collect()
}

fn finalized(feature: &Feature) -> FinalizedFeature {
    FinalizedFeature {
        name: feature.name.to_owned(),
        max_version_level: feature.in_force,
        min_version_level: feature.in_force,
    }
}

/// The answer to a version that is not served; to be written in version 0.
pub(super) fn unsupported(broker: &BrokerState) -> ApiVersionsResponse {
    ApiVersionsResponse {
        error_code: ErrorCode::UnsupportedVersion,
        api_keys: all(broker),
        ..Default::default()
    }
}

fn all(broker: &BrokerState) -> Vec<ApiVersionRange> {
    let range = |api| {
        let named = ApiVersionRange::from(api);
        let oldest = *super::spoken(broker, api).start();
        ApiVersionRange {
            min_version: named.min_version.min(oldest),
            ..named
        }
    };
    super::served()
        .filter(|api| !UNNAMED.contains(&api.key))
        .map(range)
        .collect()
}

/// Letters, digits, dots and dashes, the first and the last neither dot nor dash (KIP-511).
fn is_software_name(text: &str) -> bool {
    let end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    end(text.chars().next())
        && end(text.chars().next_back())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::is_software_name;

    #[test]
    fn names_and_versions_are_as_kip_511_says() {
        for text in ["librdkafka", "2.11.0-RC1", "a", "apache-kafka-java"] {
            assert!(is_software_name(text), "{text}");
        }
        for text in ["", "-a", "a.", "a b", "ä", "a_b"] {
            assert!(!is_software_name(text), "{text}");
        }
    }
}
