//! Reads and changes settings of topics and brokers.

use std::fmt;

use kafkalite_link::Connection;
use kafkalite_wire::api::describe_configs::{DescribeConfigsRequest, DescribeConfigsResource};
use kafkalite_wire::api::incremental_alter_configs::{
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResource, IncrementalAlterableConfig,
};
use std::sync::Arc;

use super::{Admin, check, only};
use crate::cluster::Purpose;
use crate::error::Result;

/// What has settings.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ConfigResource {
    /// A topic.
    Topic(String),
    /// A broker.
    Broker(i32),
    /// A group (KIP-848).
    Group(String),
}

impl fmt::Display for ConfigResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigResource::Topic(name) => write!(f, "topic {name}"),
            ConfigResource::Broker(id) => write!(f, "broker {id}"),
            ConfigResource::Group(id) => f.write_str(&crate::cluster::shown(id)),
        }
    }
}

impl ConfigResource {
    fn parts(&self) -> (i8, String) {
        match self {
            ConfigResource::Topic(name) => (2, name.clone()),
            ConfigResource::Broker(id) => (4, id.to_string()),
            ConfigResource::Group(id) => (32, id.clone()),
        }
    }
}

/// A setting as a broker describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigEntry {
    /// Kafka's name.
    pub name: String,
    /// The value; `None` if it is secret or has none.
    pub value: Option<String>,
    /// Whether nobody set it.
    pub is_default: bool,
    /// Kafka's number for where the value comes from: 1 topic, 2 broker, 3 all brokers, 4 start of the broker, 5 default,
    /// 8 group; −1 unknown.
    pub source: i8,
    /// Whether it can't be changed while the broker runs.
    pub is_read_only: bool,
    /// Whether its value is secret.
    pub is_sensitive: bool,
    /// What it does, if the broker says so.
    pub documentation: Option<String>,
}

/// A change of a setting (KIP-339).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigChange {
    /// Sets it to this value.
    Set(String),
    /// Back to the default.
    Delete,
    /// Adds to a list.
    Append(String),
    /// Takes out of a list.
    Subtract(String),
}

impl ConfigChange {
    fn parts(&self) -> (i8, Option<String>) {
        match self {
            ConfigChange::Set(value) => (0, Some(value.clone())),
            ConfigChange::Delete => (1, None),
            ConfigChange::Append(value) => (2, Some(value.clone())),
            ConfigChange::Subtract(value) => (3, Some(value.clone())),
        }
    }
}

impl Admin {
    /// All settings of a topic, broker or group, by name.
    pub async fn describe_configs(&self, resource: &ConfigResource) -> Result<Vec<ConfigEntry>> {
        let (resource_type, resource_name) = resource.parts();
        let request = DescribeConfigsRequest {
            resources: vec![DescribeConfigsResource {
                resource_type,
                resource_name,
                configuration_keys: None,
            }],
            include_synonyms: false,
            include_documentation: true,
        };
        let subject = resource.to_string();
        let mut entries: Vec<_> = self
            .retrying(&format!("describing the settings of {subject}"), || async {
                let connection = self.home(resource).await?;
                let response = connection
                    .call(
                        &without_documentation(&request, &connection)?,
                        self.config.client.request_timeout,
                    )
                    .await?;
                let result = only("DescribeConfigs", &subject, response.results)?;
                check(
                    "DescribeConfigs",
                    &subject,
                    result.error_code,
                    result.error_message,
                )?;
                Ok(result.configs)
            })
            .await?
            .into_iter()
            .map(|config| ConfigEntry {
                name: config.name,
                value: config.value,
                is_default: config.config_source == DEFAULT,
                source: config.config_source,
                is_read_only: config.read_only,
                is_sensitive: config.is_sensitive,
                documentation: config.documentation,
            })
            .collect();
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// Changes settings of a topic, broker or group; the others stay as they are.
    pub async fn alter_configs(
        &self,
        resource: &ConfigResource,
        changes: &[(&str, ConfigChange)],
    ) -> Result<()> {
        self.change_configs(resource, changes, false).await
    }

    /// Whether [`alter_configs`](Self::alter_configs) would do it; nothing is changed.
    pub async fn check_configs(
        &self,
        resource: &ConfigResource,
        changes: &[(&str, ConfigChange)],
    ) -> Result<()> {
        self.change_configs(resource, changes, true).await
    }

    async fn change_configs(
        &self,
        resource: &ConfigResource,
        changes: &[(&str, ConfigChange)],
        validate_only: bool,
    ) -> Result<()> {
        let (resource_type, resource_name) = resource.parts();
        let configs = changes.iter().map(|(name, change)| {
            let (config_operation, value) = change.parts();
            IncrementalAlterableConfig {
                name: (*name).to_owned(),
                config_operation,
                value,
            }
        });
        let request = IncrementalAlterConfigsRequest {
            resources: vec![IncrementalAlterConfigsResource {
                resource_type,
                resource_name,
                configs: configs.collect(),
            }],
            validate_only,
        };
        let subject = resource.to_string();
        self.retrying(&format!("changing the settings of {subject}"), || async {
            let connection = self.home(resource).await?;
            let response = connection
                .call(&request, self.config.client.request_timeout)
                .await?;
            let result = only("IncrementalAlterConfigs", &subject, response.responses)?;
            check(
                "IncrementalAlterConfigs",
                &subject,
                result.error_code,
                result.error_message,
            )
        })
        .await
    }

    /// Who knows a resource's settings: a broker its own, the controller the others.
    async fn home(&self, resource: &ConfigResource) -> Result<Arc<Connection>> {
        match resource {
            ConfigResource::Topic(_) | ConfigResource::Group(_) => self.controller().await,
            ConfigResource::Broker(id) => {
                self.cluster.current().await?;
                self.cluster.connection(*id, Purpose::Ask).await
            }
        }
    }
}

/// `ConfigSource` of a setting that nobody set.
const DEFAULT: i8 = 5;

/// Brokers before version 3 of the API can't be asked for documentation.
fn without_documentation(
    request: &DescribeConfigsRequest,
    connection: &Connection,
) -> Result<DescribeConfigsRequest> {
    let include_documentation = connection.version::<DescribeConfigsRequest>()? >= 3;
    Ok(DescribeConfigsRequest {
        include_documentation,
        ..request.clone()
    })
}
