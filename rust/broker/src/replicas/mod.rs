//! What lies on this broker: the partitions whose logs are in its data directory, by topic; opened, created, taken away; and what
//! the broker is to each.
//!
//! Looking up takes no lock: readers share a snapshot that changes replace as a whole. Which topics there are is not decided here
//! but in the [registry](crate::registry), which calls for each change, one after the other, on blocking threads.

mod checkpoints;
mod closing;
mod descriptors;
mod duty;
mod hosting;
mod inventory;
mod opening;
mod parallel;
pub(crate) mod partition;
mod removal;

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use kafkalite_cluster::TopicKey;
use kafkalite_log::PartitionName;
use kafkalite_log::datadir::DataDir;
use kafkalite_world::World;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::config::{Configs, TopicSettings};
pub(crate) use descriptors::Room;
pub(crate) use duty::Duty;
pub(crate) use opening::Lying;
pub(crate) use partition::Partition;
pub(crate) use removal::{discard, remove_partitions};

/// No broker hands out producer ids from here on. A producer that made one up must not use up all that are below it.
const MADE_UP: i64 = 1 << 62;

/// A topic of which partitions lie here. One that gets more of them is replaced by a new one that shares those it had.
#[derive(Debug)]
pub(crate) struct HostedTopic {
    pub(crate) name: Arc<str>,
    pub(crate) id: Uuid,
    /// Settings in force, as of the last change.
    pub(crate) settings: Arc<ArcSwap<TopicSettings>>,
    /// In order of their numbers; those that lie on other brokers only are not among them.
    pub(crate) partitions: Vec<Arc<Partition>>,
}

impl HostedTopic {
    /// The partition of this number, if it lies here.
    pub(crate) fn partition(&self, index: i32) -> Option<&Arc<Partition>> {
        // It stands at its number, or before that where others are missing.
        let most = self.partitions.len().min(usize::try_from(index).ok()?);
        let at_its_number = self.partitions.get(most);
        at_its_number.filter(|one| one.index == index).or_else(|| {
            let before = &self.partitions[..most];
            let at = before.binary_search_by_key(&index, |one| one.index).ok()?;
            before.get(at)
        })
    }
}

/// All that lies here, at one moment.
#[derive(Debug, Default, Clone)]
pub(crate) struct Hosted {
    by_name: HashMap<Arc<str>, Arc<HostedTopic>>,
    by_id: HashMap<Uuid, Arc<HostedTopic>>,
}

impl Hosted {
    pub(crate) fn by_name(&self, name: &str) -> Option<&Arc<HostedTopic>> {
        self.by_name.get(name)
    }

    fn by_id(&self, id: Uuid) -> Option<&Arc<HostedTopic>> {
        self.by_id.get(&id)
    }

    pub(crate) fn by_key(&self, key: &TopicKey) -> Option<&Arc<HostedTopic>> {
        match key {
            TopicKey::Name(name) => self.by_name(name),
            TopicKey::Id(id) => self.by_id(*id),
        }
    }

    /// All topics, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<HostedTopic>> {
        self.by_name.values()
    }

    fn insert(&mut self, topic: Arc<HostedTopic>) {
        self.by_id.insert(topic.id, Arc::clone(&topic));
        self.by_name.insert(Arc::clone(&topic.name), topic);
    }

    fn remove(&mut self, topic: &HostedTopic) {
        self.by_name.remove(&topic.name);
        self.by_id.remove(&topic.id);
    }
}

/// The partitions of this broker.
pub(crate) struct Replicas {
    configs: Arc<Configs>,
    current: ArcSwap<Hosted>,
    /// Held by whoever changes what lies in it. `None` once it is closed.
    dir: Mutex<Option<DataDir>>,
    world: World,
}

impl Replicas {
    /// What lies here now; for work that looks up more than one.
    pub(crate) fn snapshot(&self) -> Guard<Arc<Hosted>> {
        self.current.load()
    }

    pub(crate) fn by_name(&self, name: &str) -> Option<Arc<HostedTopic>> {
        self.current.load().by_name(name).cloned()
    }

    pub(crate) fn by_key(&self, key: &TopicKey) -> Option<Arc<HostedTopic>> {
        self.current.load().by_key(key).cloned()
    }

    /// Every partition of every topic; for housekeeping and the end.
    pub(crate) fn partitions(&self) -> Vec<Arc<Partition>> {
        self.current
            .load()
            .iter()
            .flat_map(|topic| topic.partitions.iter().cloned())
            .collect()
    }

    /// A producer id above all that the logs remember.
    pub(crate) fn unused_producer_id(&self) -> i64 {
        let largest = self
            .partitions()
            .iter()
            .filter_map(|partition| partition.log.largest_producer_id())
            .filter(|&id| id < MADE_UP)
            .max();
        largest.map_or(0, |id| id.saturating_add(1))
    }

    /// Reads the settings of a topic, or of all, again and hands them to the logs. Call it in turn with changes of topics.
    pub(crate) fn apply_settings(&self, only: Option<&str>) {
        let snapshot = self.current.load();
        for topic in snapshot
            .iter()
            .filter(|topic| only.is_none_or(|name| *topic.name == *name))
        {
            let settings = self.configs.topic_settings(&topic.name);
            for partition in &topic.partitions {
                partition.log.reconfigure(Partition::log_config(&settings));
            }
            topic.settings.store(Arc::new(settings));
        }
    }

    fn publish(&self, edit: impl Fn(&mut Hosted)) {
        self.current.rcu(|current| {
            let mut next = Hosted::clone(current);
            edit(&mut next);
            next
        });
    }
}

fn named(topic: &str, index: i32) -> PartitionName {
    PartitionName::new(topic, index)
        .expect("the registry holds checked names, and partitions count from 0")
}
