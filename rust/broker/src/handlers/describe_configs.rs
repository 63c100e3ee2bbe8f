//! `DescribeConfigs` · key 32 · versions 1–4
//!
//! Behaviour: every setting of a topic, of a group or of this broker, with its value, where that comes from, and what else could give
//! it one. A topic that does not exist, a broker that is not this one and a resource that stands more than once in the
//! request (its answer is a thousand times as long as its name) are errors of that resource alone.
//!
//! Version notes: types and documentation from 3; 4 is only written differently.

use kafkalite_wire::api::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResponse,
    DescribeConfigsResult, DescribeConfigsSynonym, DescribedConfig,
};

use super::resource::{Resource, refuse_repeated};
use super::{Context, Reply};
use crate::config::{Change, Kind, Origin, Row, Source};
use crate::refusal::Refusal;

/// What is altered for all brokers of a cluster, in the code of `config_source`.
const DYNAMIC_CLUSTER: i8 = 3;

pub(super) async fn handle(
    context: &Context,
    request: DescribeConfigsRequest,
) -> Reply<DescribeConfigsResponse> {
    let show = Show {
        synonyms: request.include_synonyms,
        documentation: request.include_documentation,
    };
    let names = request
        .resources
        .iter()
        .map(|one| (one.resource_type, one.resource_name.clone()));
    let repeated = refuse_repeated(names);
    let results = request
        .resources
        .into_iter()
        .zip(repeated)
        .map(|(resource, repeated)| answer(context, resource, repeated, show))
        .collect();
    DescribeConfigsResponse {
        results,
        ..Default::default()
    }
    .into()
}

#[derive(Clone, Copy)]
struct Show {
    synonyms: bool,
    documentation: bool,
}

fn answer(
    context: &Context,
    resource: DescribeConfigsResource,
    repeated: Result<(), Refusal>,
    show: Show,
) -> DescribeConfigsResult {
    let described = repeated.and_then(|()| describe(context, &resource, show));
    let DescribeConfigsResource {
        resource_type,
        resource_name,
        ..
    } = resource;
    let result = DescribeConfigsResult {
        resource_type,
        resource_name,
        ..Default::default()
    };
    match described {
        Ok(configs) => DescribeConfigsResult { configs, ..result },
        Err(Refusal { code, message }) => DescribeConfigsResult {
            error_code: code,
            error_message: Some(message),
            ..result
        },
    }
}

fn describe(
    context: &Context,
    resource: &DescribeConfigsResource,
    show: Show,
) -> Result<Vec<DescribedConfig>, Refusal> {
    let configs = &context.broker.configs;
    let wanted = |row: &Row| match resource.configuration_keys.as_deref() {
        None | Some([]) => true,
        Some(keys) => keys.iter().any(|key| key == row.name),
    };
    let described = match Resource::of(context, resource.resource_type, &resource.resource_name)? {
        Resource::Topic(name) => {
            let rows = configs
                .describe_topic(&name)
                .into_iter()
                .filter(|(row, _)| wanted(row));
            rows.map(|(row, origins)| setting(row, &origins, false, show))
                .collect()
        }
        Resource::Group(name) => {
            let rows = configs
                .describe_group(&name)
                .into_iter()
                .filter(|(row, _)| wanted(row));
            rows.map(|(row, origins)| setting(row, &origins, false, show))
                .collect()
        }
        Resource::Broker { cluster: false } => {
            let rows = configs
                .describe_broker()
                .into_iter()
                .filter(|(row, _)| wanted(row));
            rows.map(|(row, origins)| setting(row, &origins, row.change == Change::Restart, show))
                .collect()
        }
        Resource::Broker { cluster: true } => {
            let altered = |origin: &Origin| origin.source == Source::DynamicBroker;
            let rows = configs
                .describe_broker()
                .into_iter()
                .filter(|(row, _)| wanted(row));
            let rows = rows.filter(|(row, origins)| {
                origins
                    .iter()
                    .any(|one| altered(one) && one.name == row.name)
            });
            let of_cluster = |(row, origins): (&'static Row, Vec<Origin>)| {
                let described = setting(row, &origins, false, show);
                DescribedConfig {
                    config_source: DYNAMIC_CLUSTER,
                    ..described
                }
            };
            rows.map(of_cluster).collect()
        }
    };
    Ok(described)
}

fn setting(row: &Row, origins: &[Origin], read_only: bool, show: Show) -> DescribedConfig {
    // A setting that only others stand in for has no value of its own; a topic's takes the one in force.
    let own = origins
        .first()
        .filter(|first| row.default.is_some() || first.name == row.name);
    let synonym = |origin: &Origin| DescribeConfigsSynonym {
        name: origin.name.to_owned(),
        value: Some(origin.value.clone()),
        source: origin.source as i8,
    };
    DescribedConfig {
        name: row.name.to_owned(),
        value: own.map(Origin::converted),
        read_only,
        config_source: own.map_or(Source::Default, |origin| origin.source) as i8,
        is_sensitive: false,
        synonyms: if show.synonyms {
            origins.iter().map(synonym).collect()
        } else {
            Vec::new()
        },
        config_type: type_code(row.kind),
        documentation: show.documentation.then(|| row.doc.to_owned()),
    }
}

fn type_code(kind: Kind) -> i8 {
    match kind {
        Kind::Boolean => 1,
        Kind::Text | Kind::Choice(_) => 2,
        Kind::Int(_) => 3,
        Kind::Long(_) => 5,
        Kind::Double(..) => 6,
        Kind::List(_) => 7,
    }
}
