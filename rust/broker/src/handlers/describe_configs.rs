//! `DescribeConfigs` · key 32 · versions 1–4
//!
//! Behaviour: every setting of a topic, of a group or of this broker, with its value, where that comes from, and what else could give
//! it one. A topic that does not exist, a broker that is not this one and a resource that stands more than once in the
//! request (its answer is a thousand times as long as its name) are errors of that resource alone.
//!
//! Version notes: types and documentation from 3; 4 is only written differently.

use kafkalite_settings::{ChangedWhen, Row};
use kafkalite_wire::api::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResponse,
    DescribeConfigsResult, DescribeConfigsSynonym, DescribedConfig,
};

use super::resource::{Resource, refuse_repeated};
use super::{Context, Reply};
use crate::config::{Source, ValueOrigin};
use crate::refusal::Refusal;

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
    let all: Vec<Setting> =
        match Resource::of(context, resource.resource_type, &resource.resource_name)? {
            Resource::Topic(name) => {
                let settings = configs.describe_topic(&name).into_iter();
                settings
                    .map(|(row, origins)| of_owner(row, None, origins))
                    .collect()
            }
            Resource::Group(name) => {
                let settings = configs.describe_group(&name).into_iter();
                settings
                    .map(|(row, origins)| of_owner(row, Some(row.name), origins))
                    .collect()
            }
            Resource::Broker { cluster: false } => {
                let settings = configs.describe_broker().into_iter();
                settings
                    .map(|(row, origins)| of_broker(context, row, origins))
                    .collect()
            }
            Resource::Broker { cluster: true } => {
                let settings = configs.describe_broker().into_iter();
                settings
                    .filter_map(|(row, origins)| of_cluster(row, origins))
                    .collect()
            }
        };
    let shown = all.into_iter().filter(|setting| wanted(setting.row));
    Ok(shown.map(|setting| setting.described(show)).collect())
}

/// A setting as it is described.
struct Setting {
    row: &'static Row,
    /// The value in force.
    value: Option<String>,
    read_only: bool,
    /// The places that have a value, as Kafka lists them: beginning with the setting itself, or with the broker's that is
    /// nearest to it. If that one is not set, those behind it are in force and yet not listed.
    listed: Vec<ValueOrigin>,
}

/// A setting of a topic or of a group; `alone`: under which name its default is listed where no broker setting stands in.
fn of_owner(row: &'static Row, alone: Option<&'static str>, origins: Vec<ValueOrigin>) -> Setting {
    let value = origins.first().map(ValueOrigin::converted);
    let nearest = row
        .synonyms
        .first()
        .map_or(alone, |synonym| Some(synonym.name));
    let own = |origin: &ValueOrigin| matches!(origin.source, Source::Topic | Source::Group);
    let (mut listed, of_broker): (Vec<_>, Vec<_>) = origins.into_iter().partition(own);
    listed.extend(from(nearest, of_broker));
    Setting {
        row,
        value,
        read_only: false,
        listed,
    }
}

fn of_broker(context: &Context, row: &'static Row, origins: Vec<ValueOrigin>) -> Setting {
    let mut listed: Vec<ValueOrigin> = from(Some(row.name), origins).collect();
    if listed.is_empty() && row.name == "advertised.listeners" {
        // Where this client finds the broker follows from `listeners`.
        let value = format!("PLAINTEXT://{}", context.advertised());
        listed.push(ValueOrigin::at_the_start(row.name, value));
    }
    Setting {
        row,
        value: listed.first().map(ValueOrigin::converted),
        read_only: row.change == ChangedWhen::Restart,
        listed,
    }
}

/// A setting of all brokers, if it was altered for all of them.
fn of_cluster(row: &'static Row, origins: Vec<ValueOrigin>) -> Option<Setting> {
    let altered =
        |origin: &ValueOrigin| origin.source == Source::DynamicCluster && origin.name == row.name;
    let origin = origins.into_iter().find(altered)?;
    Some(Setting {
        row,
        value: Some(origin.converted()),
        read_only: false,
        listed: vec![origin],
    })
}

/// What stands from the first setting of this name on.
fn from(
    name: Option<&'static str>,
    origins: Vec<ValueOrigin>,
) -> impl Iterator<Item = ValueOrigin> {
    let other = move |origin: &ValueOrigin| Some(origin.name) != name;
    origins.into_iter().skip_while(other)
}

impl Setting {
    fn described(self, show: Show) -> DescribedConfig {
        let source = self
            .listed
            .first()
            .map_or(Source::Default, |origin| origin.source);
        let synonym = |origin: ValueOrigin| DescribeConfigsSynonym {
            name: origin.name.to_owned(),
            value: Some(origin.value),
            source: origin.source as i8,
        };
        let listed = self.listed.into_iter().filter(|_| show.synonyms);
        DescribedConfig {
            name: self.row.name.to_owned(),
            value: self.value,
            read_only: self.read_only,
            config_source: source as i8,
            is_sensitive: false,
            synonyms: listed.map(synonym).collect(),
            config_type: self.row.kind.value_type() as i8,
            documentation: show.documentation.then(|| self.row.doc.to_owned()),
        }
    }
}
