//! Who of a group gets which partition, as every consumer of it computes for all of them (P16, steps 4 to 8): from who is there
//! and what there is, and from nothing else. Kafka's consumer until 1.1 does it so, and a group may have both.
//!
//! Each of a consumer's streams is a consumer of its own here. Partitions are sorted by their numbers, streams as texts.
//! The paper's blocks of ⌈N⌉ would leave the last ones with nothing; the remainder goes to the first, one each.

mod pattern;
mod range;
mod roundrobin;
mod streams;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use kafkalite_names::TopicPartition;

pub use pattern::{InvalidPattern, TopicPattern};

use crate::registries::{ConsumerId, ConsumerSubscription, ThreadId};
use streams::StreamsOfGroup;

/// Topics that there are, with the numbers of their partitions in order.
pub type Topics = BTreeMap<Arc<str>, Vec<i32>>;
/// Who owns what. A partition that nobody subscribes to is not in it.
pub type Owners = BTreeMap<TopicPartition, ThreadId>;

/// How partitions are divided (`partition.assignment.strategy`). All of a group must have the same: it is not in the registry, so
/// nobody notices otherwise until two claim the same partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OwnershipStrategy {
    /// Of each topic, every stream gets as many neighbours as every other, or one more.
    #[default]
    Range,
    /// The partitions of all topics, well mixed, are dealt out one by one.
    RoundRobin,
}

impl OwnershipStrategy {
    /// As the setting has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Range => "range",
            Self::RoundRobin => "roundrobin",
        }
    }
}

/// No strategy is called so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "partition.assignment.strategy={0:?}: a group over ZooKeeper divides by \"range\" or \"roundrobin\""
)]
pub struct UnknownStrategy(pub String);

impl FromStr for OwnershipStrategy {
    type Err = UnknownStrategy;

    fn from_str(name: &str) -> Result<Self, UnknownStrategy> {
        let known = [Self::Range, Self::RoundRobin].into_iter();
        let mut found = known.filter(|strategy| strategy.name() == name);
        found
            .next()
            .ok_or_else(|| UnknownStrategy(kafkalite_names::shown(name).into_owned()))
    }
}

impl fmt::Display for OwnershipStrategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a group is divided.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Assignment {
    /// Who owns what.
    pub owners: Owners,
    /// Consumers that are counted as if they subscribed to nothing, because what they subscribe to cannot be understood.
    pub misunderstood: BTreeMap<ConsumerId, InvalidPattern>,
}

/// Divides the topics among a group. Lists by pattern do not contain Kafka's internal topics if `exclude_internal`
/// (`exclude.internal.topics`).
pub fn assign(
    strategy: OwnershipStrategy,
    members: &BTreeMap<ConsumerId, ConsumerSubscription>,
    topics: &Topics,
    exclude_internal: bool,
) -> Assignment {
    let (group, misunderstood) = StreamsOfGroup::new(members, topics, exclude_internal);
    let owners = match strategy {
        OwnershipStrategy::Range => range::divide(&group, topics),
        OwnershipStrategy::RoundRobin => roundrobin::deal(&group, topics),
    };
    Assignment {
        owners,
        misunderstood,
    }
}
