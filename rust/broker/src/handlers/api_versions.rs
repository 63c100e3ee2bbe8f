//! `ApiVersions` · key 18 · versions 0–4
//!
//! Behaviour: names every API that has a handler, with its versions. Produce is named from version 0 although 3 is the
//! oldest that works: librdkafka before 2.11 turns compression off without a word otherwise (KAFKA-18659).
//!
//! Features: `group.version` 1, the protocol of KIP-848, is in force. It is the only one with something behind it here.
//!
//! Version notes: from 3 the client says what it is (KIP-511), which must look like a name and a version; 4 only mends
//! how a feature's version 0 is read. A version that is not served gets a version 0 answer with error 35 and the whole list.

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::api_versions::{
    ApiVersionRange, ApiVersionsRequest, ApiVersionsResponse, FinalizedFeature, SupportedFeature,
};

use super::{Context, Reply};

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
    let name = || "group.version".to_owned();
    Reply::from(ApiVersionsResponse {
        api_keys: all(),
        supported_features: vec![SupportedFeature {
            name: name(),
            // Clients that read version 3 stumble over a lowest level of 0 (KAFKA-17011).
            min_version: i16::from(context.api_version == 3),
            max_version: GROUP_VERSION,
        }],
        finalized_features_epoch: 0,
        finalized_features: vec![FinalizedFeature {
            name: name(),
            max_version_level: GROUP_VERSION,
            min_version_level: GROUP_VERSION,
        }],
        ..Default::default()
    })
}

/// The level of the group protocols: 1 is KIP-848.
const GROUP_VERSION: i16 = 1;

/// The answer to a version that is not served; to be written in version 0.
pub(super) fn unsupported() -> ApiVersionsResponse {
    ApiVersionsResponse {
        error_code: ErrorCode::UnsupportedVersion,
        api_keys: all(),
        ..Default::default()
    }
}

fn all() -> Vec<ApiVersionRange> {
    let range = |api: &kafkalite_wire::api::Api| ApiVersionRange {
        api_key: api.key.code(),
        min_version: *api.advertised.start(),
        max_version: *api.advertised.end(),
    };
    super::advertised().map(range).collect()
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
