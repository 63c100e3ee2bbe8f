//! The image: everything that all brokers of a cluster agree on, at one moment.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use kafkalite_wire::CodedError;
use uuid::Uuid;

use crate::topic_key::TopicKey;
use crate::unknown::{unknown_partition, unknown_topic, unknown_topic_id};

/// The brokers that hold a partition, the preferred leader first.
pub type Replicas = Arc<[i32]>;

/// The cluster at one moment. A change makes a new image, which shares what has not changed.
#[derive(Debug, Clone, Default)]
pub struct ClusterImage {
    /// The brokers that are there, by their ids (`node.id`).
    pub brokers: BTreeMap<i32, BrokerImage>,
    /// The broker that decides for all, if there is one.
    pub controller: Option<i32>,
    by_name: HashMap<Arc<str>, Arc<TopicImage>>,
    by_id: HashMap<Uuid, Arc<TopicImage>>,
}

/// A broker that is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BrokerImage {
    /// Where clients reach it; `None` where they have reached it already.
    pub endpoint: Option<Endpoint>,
    /// `broker.rack`.
    pub rack: Option<String>,
}

/// An address that clients are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Name or IP address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// A topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicImage {
    /// Its name.
    pub name: Arc<str>,
    /// Its id; a later topic of the name has another.
    pub id: Uuid,
    /// Its partitions, in order of their numbers, without gaps.
    pub partitions: Vec<PartitionImage>,
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionImage {
    /// The broker that leads it; `None` while none can.
    pub leader: Option<i32>,
    /// Grows with every change of the leader.
    pub leader_epoch: i32,
    /// Who holds it.
    pub replicas: Replicas,
    /// Who of them has everything.
    pub in_sync: Replicas,
}

impl PartitionImage {
    /// One whose preferred leader leads, and all of whose replicas have everything.
    pub fn healthy(replicas: Replicas, leader_epoch: i32) -> Self {
        Self {
            leader: replicas.first().copied(),
            leader_epoch,
            in_sync: Arc::clone(&replicas),
            replicas,
        }
    }
}

impl TopicImage {
    /// The partitions that lie on a broker, with their numbers.
    pub fn lying_on(&self, broker: i32) -> impl Iterator<Item = (i32, &PartitionImage)> {
        let numbered = (0..).zip(&self.partitions);
        numbered.filter(move |(_, partition)| partition.replicas.contains(&broker))
    }

    /// The partition of this number.
    pub fn partition(&self, index: i32) -> Option<&PartitionImage> {
        self.partitions.get(usize::try_from(index).ok()?)
    }

    /// The partition of this number, or the error for who asked.
    pub fn find(&self, index: i32) -> Result<&PartitionImage, CodedError> {
        self.partition(index)
            .ok_or_else(|| unknown_partition(&self.name, index))
    }
}

impl ClusterImage {
    /// A cluster without topics.
    pub fn new(brokers: BTreeMap<i32, BrokerImage>, controller: Option<i32>) -> Self {
        Self {
            brokers,
            controller,
            ..Self::default()
        }
    }

    /// The topic of this name.
    pub fn topic(&self, name: &str) -> Option<&Arc<TopicImage>> {
        self.by_name.get(name)
    }

    /// The topic with this id.
    pub fn topic_by_id(&self, id: Uuid) -> Option<&Arc<TopicImage>> {
        self.by_id.get(&id)
    }

    /// The topic of this name, or the error for who asked.
    pub fn find(&self, name: &str) -> Result<&Arc<TopicImage>, CodedError> {
        self.topic(name).ok_or_else(|| unknown_topic(name))
    }

    /// The topic with this id, or the error for who asked.
    pub fn find_by_id(&self, id: Uuid) -> Result<&Arc<TopicImage>, CodedError> {
        self.topic_by_id(id).ok_or_else(|| unknown_topic_id(id))
    }

    /// The topic that a request names.
    pub fn by_key(&self, key: &TopicKey) -> Option<&Arc<TopicImage>> {
        match key {
            TopicKey::Name(name) => self.topic(name),
            TopicKey::Id(id) => self.topic_by_id(*id),
        }
    }

    /// All topics, in no particular order.
    pub fn topics(&self) -> impl ExactSizeIterator<Item = &Arc<TopicImage>> {
        self.by_name.values()
    }

    /// The broker that leads a partition, if it is there: one that has just gone is its leader until that is decided anew.
    pub fn leader(&self, partition: &PartitionImage) -> Option<i32> {
        let is_there = |id: &i32| self.brokers.contains_key(id);
        partition.leader.filter(is_there)
    }

    /// Who of those that hold a partition is not there now.
    pub fn offline(&self, partition: &PartitionImage) -> Vec<i32> {
        let is_away = |id: &&i32| !self.brokers.contains_key(id);
        partition.replicas.iter().filter(is_away).copied().collect()
    }

    /// The names of all topics, in order.
    pub fn names(&self) -> Vec<Arc<str>> {
        let mut names: Vec<_> = self.by_name.keys().cloned().collect();
        names.sort_unstable();
        names
    }

    /// Puts a topic into the image, in the place of an earlier image of it.
    pub fn insert(&mut self, topic: Arc<TopicImage>) {
        self.by_id.insert(topic.id, Arc::clone(&topic));
        self.by_name.insert(Arc::clone(&topic.name), topic);
    }

    /// Takes a topic out of the image.
    pub fn remove(&mut self, topic: &TopicImage) {
        self.by_name.remove(&topic.name);
        self.by_id.remove(&topic.id);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A cluster of these brokers, with these topics of one partition each on the first.
    pub(crate) fn image(brokers: &[i32], topics: &[&str]) -> ClusterImage {
        let known = brokers.iter().map(|id| (*id, BrokerImage::default()));
        let mut image = ClusterImage::new(known.collect(), brokers.first().copied());
        for (number, name) in topics.iter().enumerate() {
            image.insert(Arc::new(TopicImage {
                name: (*name).into(),
                id: Uuid::from_u128(number as u128 + 1),
                partitions: vec![PartitionImage::healthy([brokers[0]].into(), 0)],
            }));
        }
        image
    }

    #[test]
    fn a_topic_is_found_by_name_and_by_id_until_it_is_removed() {
        let mut image = image(&[1], &["b", "a"]);
        assert_eq!(image.names(), ["a".into(), "b".into()]);
        let a = Arc::clone(image.find("a").unwrap());
        assert_eq!(image.find_by_id(a.id), Ok(&a));
        assert!(a.find(0).is_ok() && a.find(1).is_err() && a.find(-1).is_err());
        image.remove(&a);
        assert!(image.find("a").is_err() && image.find_by_id(a.id).is_err());
        assert!(image.find("b").is_ok());
    }
}
