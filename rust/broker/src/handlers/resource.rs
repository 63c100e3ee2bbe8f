//! What has settings: topics, this broker and groups. Shared by the three APIs that read and change them.

use std::collections::HashMap;

use kafkalite_cluster::unknown_topic;
use kafkalite_wire::ErrorCode;

use super::Context;
use crate::refusal::Refusal;

pub(super) const TOPIC: i8 = 2;
pub(super) const BROKER: i8 = 4;
pub(super) const BROKER_LOGGER: i8 = 8;
pub(super) const CLIENT_METRICS: i8 = 16;
pub(super) const GROUP: i8 = 32;

/// Something that has settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Resource {
    /// A topic that exists.
    Topic(String),
    /// This broker, or what is set for all brokers of the cluster.
    Broker {
        /// All of them: the request left the name empty.
        cluster: bool,
    },
    /// A group, which need not exist.
    Group(String),
}

impl Resource {
    /// What a request means, or why it means nothing.
    pub(super) fn of(context: &Context, kind: i8, name: &str) -> Result<Self, Refusal> {
        match kind {
            TOPIC if context.broker.registry.topic(name).is_some() => {
                Ok(Self::Topic(name.to_owned()))
            }
            TOPIC => Err(Refusal::from(unknown_topic(name))),
            BROKER if name.is_empty() => Ok(Self::Broker { cluster: true }),
            BROKER if name.parse() == Ok(context.broker.node_id) => {
                Ok(Self::Broker { cluster: false })
            }
            BROKER => Err(Refusal::new(
                ErrorCode::InvalidRequest,
                elsewhere(context, name),
            )),
            GROUP if name.is_empty() => Err(Refusal::new(
                ErrorCode::InvalidRequest,
                "settings of a group need the group's name; those of all are the broker's",
            )),
            GROUP => Ok(Self::Group(name.to_owned())),
            _ => Err(Refusal::new(
                ErrorCode::InvalidRequest,
                format!(
                    "resources of type {kind} have no settings here; topics (2), brokers (4) and groups (32) have"
                ),
            )),
        }
    }
}

/// Why the settings of this broker are not those of the one that is named.
fn elsewhere(context: &Context, name: &str) -> String {
    let image = context.broker.registry.image();
    let is_there = name.parse().is_ok_and(|id| image.brokers.contains_key(&id));
    let why = if is_there {
        format!("settings of broker {name} are asked of that broker")
    } else {
        format!("there is no broker '{name}'")
    };
    format!("{why}; this is broker {}", context.broker.node_id)
}

/// A refusal for each resource that stands more than once in a request: which of them is meant?
pub(super) fn refuse_repeated(
    resources: impl Iterator<Item = (i8, String)> + Clone,
) -> Vec<Result<(), Refusal>> {
    let mut times: HashMap<(i8, String), usize> = HashMap::new();
    for resource in resources.clone() {
        *times.entry(resource).or_default() += 1;
    }
    let once = |resource: (i8, String)| match times[&resource] {
        1 => Ok(()),
        _ => Err(Refusal::new(
            ErrorCode::InvalidRequest,
            format!("'{}' stands twice in the request", resource.1),
        )),
    };
    resources.map(once).collect()
}
