//! The topics that a producer sends to.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kafkalite_world::Dice;
use parking_lot::RwLock;

use super::accumulator::Accumulator;
use super::topic::KnownTopic;
use crate::cluster::{Interest, Metadata, TopicMetadata};

/// Those that are known, by name.
#[derive(Debug)]
pub(super) struct KnownTopics {
    dice: Dice,
    known: RwLock<HashMap<Arc<str>, Arc<KnownTopic>>>,
    /// Counts the accumulators of all topics.
    lanes: AtomicUsize,
}

impl KnownTopics {
    /// None. `dice` choose partitions for records without a key.
    pub(super) fn new(dice: Dice) -> Self {
        Self {
            dice,
            known: RwLock::default(),
            lanes: AtomicUsize::new(0),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<Arc<KnownTopic>> {
        self.known.read().get(name).cloned()
    }

    /// The accumulators of all topics.
    pub(super) fn accumulators(&self) -> Vec<Arc<Accumulator>> {
        let topics: Vec<_> = self.known.read().values().cloned().collect();
        topics
            .iter()
            .flat_map(|topic| topic.accumulators())
            .collect()
    }

    /// Takes over what was found of a topic, which may be new.
    pub(super) fn learn(&self, found: &TopicMetadata, interest: Interest) -> Arc<KnownTopic> {
        let mut known = self.known.write();
        let topic = known
            .entry(Arc::clone(&found.name))
            .or_insert_with(|| KnownTopic::new(interest, self.dice.fork()));
        topic.learn(found, || self.next_lane());
        Arc::clone(topic)
    }

    /// Takes over what a refresh found.
    pub(super) fn learn_all(&self, metadata: &Metadata) {
        for topic in self.known.read().values() {
            if let Some(found) = metadata.topics.get(&topic.name) {
                topic.learn(found, || self.next_lane());
            }
        }
    }

    fn next_lane(&self) -> usize {
        self.lanes.fetch_add(1, Ordering::Relaxed)
    }

    /// Forgets the topics that nothing was sent to since the last so many looks, unless `keep` says otherwise or something
    /// comes just now; their names.
    pub(super) fn forget_unused(
        &self,
        looks: u32,
        keep: impl Fn(&str) -> bool,
    ) -> HashSet<Arc<str>> {
        let mut forgotten = HashSet::new();
        // Whoever finds nothing more taken in waits here, and then finds the topic gone, or open again.
        self.known.write().retain(|name, topic| {
            let goes = topic.is_unused(looks) && !keep(name) && topic.retire();
            if goes {
                forgotten.insert(Arc::clone(name));
            }
            !goes
        });
        forgotten
    }
}
