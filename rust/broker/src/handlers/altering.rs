//! Changing what is set on a topic, on a group or on this broker, for both APIs that do it.

use std::sync::Arc;

use kafkalite_wire::ErrorCode;
use tokio::task::spawn_blocking;

use super::Context;
use super::resource::{Resource, refuse_repeated};
use crate::config::Overrides;
use crate::error::BrokerError;
use crate::refusal::Refusal;

/// What is to be made of what is set.
pub(super) type Edit = Box<dyn FnOnce(Overrides) -> Result<Overrides, Refusal> + Send>;

/// A resource that is to be changed.
pub(super) struct Alteration {
    pub(super) resource_type: i8,
    pub(super) resource_name: String,
    pub(super) edit: Edit,
}

/// A resource, and what became of its change.
pub(super) struct Altered {
    pub(super) resource_type: i8,
    pub(super) resource_name: String,
    pub(super) error_code: ErrorCode,
    pub(super) error_message: Option<String>,
}

/// Changes each resource by itself, or checks that it could be changed.
pub(super) async fn alter_each(
    context: &Context,
    wanted: Vec<Alteration>,
    validate_only: bool,
) -> Vec<Altered> {
    let names = wanted
        .iter()
        .map(|one| (one.resource_type, one.resource_name.clone()));
    let repeated = refuse_repeated(names);
    let mut altered = Vec::with_capacity(wanted.len());
    for (one, repeated) in wanted.into_iter().zip(repeated) {
        let Alteration {
            resource_type,
            resource_name,
            edit,
        } = one;
        let outcome = match repeated {
            Ok(()) => alter(context, resource_type, &resource_name, validate_only, edit).await,
            refused => refused,
        };
        let refusal = outcome.err();
        altered.push(Altered {
            resource_type,
            resource_name,
            error_code: refusal.as_ref().map_or(ErrorCode::None, |one| one.code),
            error_message: refusal.map(|one| one.message),
        });
    }
    altered
}

async fn alter(
    context: &Context,
    kind: i8,
    name: &str,
    validate_only: bool,
    edit: Edit,
) -> Result<(), Refusal> {
    let resource = Resource::of(context, kind, name)?;
    let broker = Arc::clone(&context.broker);
    #[cfg(feature = "zookeeper")]
    let edit = match &resource {
        Resource::Topic(name) if !validate_only => {
            match broker.registry.alter_topic(name, edit).await {
                Ok(altered) => return altered,
                Err(edit) => edit,
            }
        }
        _ => edit,
    };
    // Writes a file and flushes it; once begun it is finished, whoever goes away.
    let change = move || {
        let configs = &broker.configs;
        match resource {
            Resource::Topic(name) if validate_only => configs.check_alter_topic(&name, edit),
            Resource::Topic(name) => {
                configs.alter_topic(&name, edit)?;
                broker.registry.apply_settings(Some(&name));
                if broker.registry.topic(&name).is_none() {
                    // Deleted meanwhile: a later topic of the name shall not inherit this.
                    configs.forget_topics(&[&name])?;
                }
                Ok(())
            }
            Resource::Group(name) if validate_only => configs.check_alter_group(&name, edit),
            // Members are told at their next heartbeat.
            Resource::Group(name) => configs.alter_group(&name, edit),
            Resource::Broker { cluster } if validate_only => configs
                .check_alter_broker(cluster, |set| edit(set).map_err(OfBroker))
                .map_err(|OfBroker(refusal)| refusal),
            Resource::Broker { cluster } => {
                configs
                    .alter_broker(cluster, |set| edit(set).map_err(OfBroker))
                    .map_err(|OfBroker(refusal)| refusal)?;
                broker.registry.apply_settings(None);
                Ok(())
            }
        }
    };
    spawn_blocking(change)
        .await
        .unwrap_or_else(|_| Err(Refusal::stopping()))
}

/// Why a change of the broker was refused. A wrong value has another code there than one of a topic, as in Apache Kafka.
struct OfBroker(Refusal);

impl From<BrokerError> for OfBroker {
    fn from(error: BrokerError) -> Self {
        let refusal = Refusal::from(error);
        Self(match refusal.code {
            ErrorCode::InvalidConfig => Refusal::new(ErrorCode::InvalidRequest, refusal.message),
            _ => refusal,
        })
    }
}
