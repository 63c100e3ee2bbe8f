//! What one consumer of a group is to own, by what stands in the registries (P16, steps 4 to 8). Pure.

use std::collections::BTreeMap;

use kafkalite_coordination::assignment::{OwnershipStrategy, Topics, assign};
use kafkalite_coordination::registries::{ConsumerId, ConsumerSubscription, ThreadId};
use kafkalite_names::TopicPartition;

/// Partitions, and which of the consumer's streams reads each.
pub(in crate::registries) type Threads = BTreeMap<TopicPartition, ThreadId>;

/// Who is there and what there is.
#[derive(Debug, Clone, Default)]
pub(in crate::registries) struct Registries {
    /// Consumers whose nodes can be read.
    pub(in crate::registries) members: BTreeMap<ConsumerId, ConsumerSubscription>,
    /// Topics whose nodes can be read.
    pub(in crate::registries) topics: Topics,
    /// What is wrong with the other nodes. It harms nobody else.
    pub(in crate::registries) garbage: Vec<String>,
}

/// What is one consumer's.
#[derive(Debug, Clone, Default)]
pub(in crate::registries) struct Share {
    /// Whether the consumer is in the registry.
    pub(in crate::registries) is_member: bool,
    pub(in crate::registries) threads: Threads,
    /// What is wrong with nodes, and with what others subscribe to.
    pub(in crate::registries) garbage: Vec<String>,
}

impl Registries {
    /// One consumer's share. The whole group is divided for that, as everybody in it does.
    pub(in crate::registries) fn share_of(
        self,
        consumer: &ConsumerId,
        strategy: OwnershipStrategy,
        exclude_internal: bool,
    ) -> Share {
        let divided = assign(strategy, &self.members, &self.topics, exclude_internal);
        let misunderstood = divided.misunderstood.iter();
        let said = misunderstood.map(|(id, invalid)| {
            format!("consumer {id} gets nothing, for what it subscribes to is no list: {invalid}")
        });
        let owners = divided.owners.into_iter();
        Share {
            is_member: self.members.contains_key(consumer),
            threads: owners.filter(|(_, it)| it.is_of(consumer)).collect(),
            garbage: self.garbage.into_iter().chain(said).collect(),
        }
    }
}
