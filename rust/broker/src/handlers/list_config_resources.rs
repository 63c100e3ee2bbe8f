//! `ListConfigResources` · key 74 · versions 0–1
//!
//! Behaviour: all topics, all brokers, and the groups that have settings of their own. Loggers and client metrics, which have
//! no settings here, are listed empty; a kind that Kafka does not have is `UNSUPPORTED_VERSION`, as there.
//!
//! Version notes: 0 asks for client metrics only; from 1 for any kind (KIP-1142).

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::list_config_resources::{
    ConfigResource, ListConfigResourcesRequest, ListConfigResourcesResponse,
};

use super::resource::{BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC};
use super::{Context, Reply};

const ALL: [i8; 5] = [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP];

const FIRST_WITH_TYPES: i16 = 1;

pub(super) async fn handle(
    context: &Context,
    request: ListConfigResourcesRequest,
) -> Reply<ListConfigResourcesResponse> {
    let wanted = if context.api_version < FIRST_WITH_TYPES {
        vec![CLIENT_METRICS]
    } else if request.resource_types.is_empty() {
        ALL.to_vec()
    } else {
        request.resource_types
    };
    if wanted.iter().any(|kind| !ALL.contains(kind)) {
        return ListConfigResourcesResponse {
            error_code: ErrorCode::UnsupportedVersion,
            ..Default::default()
        }
        .into();
    }
    let config_resources = ALL
        .into_iter()
        .filter(|kind| wanted.contains(kind))
        .flat_map(|kind| {
            names(context, kind)
                .into_iter()
                .map(move |resource_name| ConfigResource {
                    resource_name,
                    resource_type: kind,
                })
        })
        .collect();
    ListConfigResourcesResponse {
        config_resources,
        ..Default::default()
    }
    .into()
}

fn names(context: &Context, kind: i8) -> Vec<String> {
    let broker = &context.broker;
    match kind {
        TOPIC => {
            let names = broker.registry.image().names();
            names.iter().map(ToString::to_string).collect()
        }
        BROKER => {
            let image = broker.registry.image();
            image.brokers.keys().map(ToString::to_string).collect()
        }
        GROUP => broker.configs.groups_with_settings(),
        _ => Vec::new(),
    }
}
