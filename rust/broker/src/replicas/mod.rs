//! What lies on this broker: the partitions whose logs are in its data directory, by topic; opened, created, taken away.
//!
//! Looking up takes no lock: readers share a snapshot that changes replace as a whole. Which topics there are is not decided here
//! but in the [registry](crate::registry), which calls for each change, one after the other, on blocking threads.

mod checkpoints;
mod closing;
mod descriptors;
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
pub(crate) use opening::Lying;
pub(crate) use partition::Partition;
pub(crate) use removal::{discard, remove_partitions};

/// No broker hands out producer ids from here on. A producer that made one up must not use up all that are below it.
const MADE_UP: i64 = 1 << 62;

/// A topic of which there are partitions here. One that grows is replaced by a new one that shares the partitions.
#[derive(Debug)]
pub(crate) struct HostedTopic {
    pub(crate) name: Arc<str>,
    pub(crate) id: Uuid,
    /// Settings in force, as of the last change.
    pub(crate) settings: Arc<ArcSwap<TopicSettings>>,
    /// In order of their numbers, without gaps.
    pub(crate) partitions: Vec<Arc<Partition>>,
}

impl HostedTopic {
    /// The partition of this number.
    pub(crate) fn partition(&self, index: i32) -> Option<&Arc<Partition>> {
        self.partitions.get(usize::try_from(index).ok()?)
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
