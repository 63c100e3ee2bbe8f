//! What has been read of the registries so far, and the image that it makes. Pure: what was read comes in, the image goes out.
//!
//! Nodes are read one by one, so what is known is of several moments. A topic is in the image when its node, its settings and the
//! states of its partitions have been read, all of them after the node that gives its id; until then it is as it was before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kafkalite_cluster::{
    BrokerImage, ClusterImage, Endpoint, MAX_PARTITIONS, PartitionImage, TopicImage,
};
use kafkalite_coordination::election::{ControllerTerm, Leadership};
use kafkalite_coordination::registries::{
    BrokerZnode, PartitionStateZnode, SettingsZnode, TopicZnode, Znode, paths,
};
use kafkalite_coordination::session::StoredNode;
use kafkalite_names::check_topic_name;
use uuid::Uuid;

use crate::config::Overrides;

/// Something was read. What is said of a topic's parts is of one generation of the topic.
#[derive(Debug)]
pub(super) enum News {
    Brokers(Option<Vec<String>>),
    Broker(i32, Option<StoredNode>),
    Topics(Option<Vec<String>>),
    Deletions(Option<Vec<String>>),
    Topic(Arc<str>, Option<StoredNode>),
    TopicSettings(Arc<str>, u64, Option<StoredNode>),
    State(Arc<str>, u64, i32, Option<StoredNode>),
    Controller(Leadership),
}

/// What is known of a node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Seen<T> {
    #[default]
    NotYet,
    Absent,
    /// It holds what does not belong there, which was said when it was read.
    Garbage,
    Found {
        value: T,
        version: i32,
    },
}

impl<T: Znode> Seen<T> {
    fn of(node: Option<StoredNode>) -> Self {
        let Some(node) = node else {
            return Self::Absent;
        };
        match node.value() {
            Ok(value) => Self::Found {
                value,
                version: node.version,
            },
            Err(garbage) => {
                tracing::error!("{garbage}");
                Self::Garbage
            }
        }
    }
}

impl<T> Seen<T> {
    pub(super) fn found(&self) -> Option<(&T, i32)> {
        match self {
            Self::Found { value, version } => Some((value, *version)),
            _ => None,
        }
    }

    fn is_read(&self) -> bool {
        !matches!(self, Self::NotYet)
    }
}

/// A topic as far as it has been read.
#[derive(Debug, Default)]
pub(super) struct SeenTopic {
    /// Another one for another topic of the name.
    pub(super) generation: u64,
    pub(super) node: Seen<TopicZnode>,
    pub(super) settings: Seen<SettingsZnode>,
    pub(super) states: BTreeMap<i32, Seen<PartitionStateZnode>>,
}

/// All that has been read in one session.
#[derive(Debug, Default)]
pub(super) struct View {
    listed: Option<BTreeSet<i32>>,
    registered: BTreeMap<i32, Seen<BrokerZnode>>,
    are_topics_listed: bool,
    pub(super) topics: BTreeMap<Arc<str>, SeenTopic>,
    pub(super) deletions: BTreeSet<String>,
    controller: Option<i32>,
    /// The term in which this broker is the controller.
    pub(super) term: Option<ControllerTerm>,
    generations: u64,
}

impl SeenTopic {
    /// Its id, once that has been read.
    pub(super) fn id(&self) -> Option<Uuid> {
        self.node.found().and_then(|(node, _)| node.id)
    }

    /// The numbers of its partitions, as far as they have no gap.
    pub(super) fn numbers(&self) -> impl Iterator<Item = i32> {
        let node = self.node.found().map(|(node, _)| node);
        let known =
            move |number: &i32| node.is_some_and(|node| node.partitions.contains_key(number));
        (0..MAX_PARTITIONS).take_while(known)
    }

    pub(super) fn state(&self, number: i32) -> &Seen<PartitionStateZnode> {
        self.states.get(&number).unwrap_or(&Seen::NotYet)
    }

    /// What is set on it, if that is known.
    pub(super) fn overrides(&self) -> Option<Overrides> {
        match &self.settings {
            Seen::NotYet | Seen::Garbage => None,
            Seen::Found { value, .. } => Some(value.settings.clone()),
            Seen::Absent => Some(Overrides::new()),
        }
    }

    /// Whether nothing of it is still to be read.
    fn is_read(&self) -> bool {
        let is_known = |number| self.state(number).is_read();
        let parts = || self.settings.is_read() && self.numbers().all(is_known);
        self.node.is_read() && (self.id().is_none() || parts())
    }

    /// The topic, if enough of it is known; `before` is what it was until now.
    fn image(&self, name: &Arc<str>, before: Option<&Arc<TopicImage>>) -> Option<Arc<TopicImage>> {
        let (node, _) = self.node.found()?;
        let id = node.id?;
        let before = before.filter(|before| before.id == id);
        if !self.is_read() {
            return before.cloned();
        }
        let partition = |number: i32| match self.state(number).found() {
            Some((state, _)) => Some(PartitionImage {
                leader: state.leader,
                leader_epoch: state.leader_epoch,
                replicas: node.partitions.get(&number)?.replicas.as_slice().into(),
                in_sync: state.in_sync.as_slice().into(),
            }),
            // It has no leader yet, or it is being deleted, or nobody can read what stands there.
            None => before?.partition(number).cloned(),
        };
        let partitions: Vec<_> = self.numbers().map_while(partition).collect();
        let topic = TopicImage {
            name: Arc::clone(name),
            id,
            partitions,
        };
        match before {
            Some(before) if **before == topic => Some(Arc::clone(before)),
            // Nobody takes a topic's last partition away: it is not believed.
            _ if topic.partitions.is_empty() => before.cloned(),
            _ => Some(Arc::new(topic)),
        }
    }
}

impl View {
    /// Takes news in.
    pub(super) fn take(&mut self, news: News, me: i32) {
        match news {
            News::Brokers(names) => {
                let names = names.unwrap_or_default();
                let ids: BTreeSet<i32> = names
                    .iter()
                    .filter_map(|name| paths::number(name))
                    .collect();
                self.registered.retain(|id, _| ids.contains(id));
                self.listed = Some(ids);
            }
            News::Broker(id, node) => {
                if self.listed.as_ref().is_some_and(|ids| ids.contains(&id)) {
                    self.registered.insert(id, Seen::of(node));
                }
            }
            News::Topics(Some(names)) => {
                self.are_topics_listed = true;
                let mut kept = std::mem::take(&mut self.topics);
                let is_name = |name: &String| check_topic_name(name).is_ok();
                for name in names.into_iter().filter(is_name) {
                    let name: Arc<str> = name.into();
                    let topic = kept.remove(&name);
                    let topic = topic.unwrap_or_else(|| self.new_topic());
                    self.topics.insert(name, topic);
                }
            }
            // Somebody has deleted what every broker makes: nothing is concluded from that.
            News::Topics(None) => {
                tracing::error!("ZooKeeper has no node {} any more", paths::TOPICS);
            }
            News::Deletions(names) => {
                self.deletions = names.unwrap_or_default().into_iter().collect();
            }
            News::Topic(name, node) => {
                let node = Seen::<TopicZnode>::of(node);
                let Some(topic) = self.topics.get_mut(&name) else {
                    return;
                };
                let id = node.found().and_then(|(node, _)| node.id);
                let is_garbage = matches!(node, Seen::Garbage);
                if id != topic.id() && !is_garbage {
                    // What was read of its parts may be of the one before.
                    self.generations += 1;
                    *topic = SeenTopic {
                        generation: self.generations,
                        ..SeenTopic::default()
                    };
                }
                topic.node = node;
            }
            News::TopicSettings(name, generation, node) => {
                if let Some(topic) = self.of_generation(&name, generation) {
                    topic.settings = Seen::of(node);
                }
            }
            News::State(name, generation, number, node) => {
                if let Some(topic) = self.of_generation(&name, generation) {
                    topic.states.insert(number, Seen::of(node));
                }
            }
            News::Controller(leadership) => {
                (self.controller, self.term) = match leadership {
                    Leadership::Ours(term) => (Some(me), Some(term)),
                    Leadership::Broker(id) => (Some(id), None),
                    Leadership::Unknown(garbage) => {
                        tracing::error!("no broker can become the controller: {garbage}");
                        (None, None)
                    }
                };
            }
        }
    }

    fn new_topic(&mut self) -> SeenTopic {
        self.generations += 1;
        SeenTopic {
            generation: self.generations,
            ..SeenTopic::default()
        }
    }

    fn of_generation(&mut self, name: &str, generation: u64) -> Option<&mut SeenTopic> {
        let topic = self.topics.get_mut(name);
        topic.filter(|topic| topic.generation == generation)
    }

    /// The brokers that have registered, as far as they are known.
    pub(super) fn listed(&self) -> impl Iterator<Item = i32> {
        self.listed.iter().flatten().copied()
    }

    /// The brokers that are there; `None` before that is known.
    pub(super) fn brokers(&self) -> Option<BTreeMap<i32, BrokerImage>> {
        let mut brokers = BTreeMap::new();
        for &id in self.listed.as_ref()? {
            match self.registered.get(&id)? {
                Seen::NotYet => return None,
                Seen::Found { value, .. } => {
                    brokers.insert(id, broker(value));
                }
                Seen::Absent | Seen::Garbage => {}
            }
        }
        Some(brokers)
    }

    /// Whether everything has been read that was there when the session began.
    pub(super) fn is_read(&self) -> bool {
        let topics = self.are_topics_listed && self.topics.values().all(SeenTopic::is_read);
        topics && self.brokers().is_some()
    }

    /// The image that follows `before`. What is not known yet is in it as it was.
    pub(super) fn image(&self, before: &ClusterImage) -> ClusterImage {
        let brokers = self.brokers().unwrap_or_else(|| before.brokers.clone());
        let mut image = ClusterImage::new(brokers, self.controller);
        if self.are_topics_listed {
            for (name, topic) in &self.topics {
                let known = before.topic(name);
                let kept = || {
                    known
                        .filter(|_| !matches!(topic.node, Seen::Absent))
                        .cloned()
                };
                let now = topic.image(name, known);
                // Tools of Kafka before 2.8 write a topic that has an id without it: the controller gives it back.
                let unreadable = topic.id().is_none();
                if let Some(topic) = now.or_else(|| kept().filter(|_| unreadable)) {
                    image.insert(topic);
                }
            }
        } else {
            before
                .topics()
                .for_each(|topic| image.insert(Arc::clone(topic)));
        }
        image
    }
}

/// A broker, at the address that has no encryption.
fn broker(node: &BrokerZnode) -> BrokerImage {
    let mut endpoints = node.endpoints.iter();
    let plain = endpoints.find(|one| one.protocol == "PLAINTEXT");
    BrokerImage {
        endpoint: plain.or(node.endpoints.first()).map(|one| Endpoint {
            host: one.host.clone(),
            port: one.port,
        }),
        rack: node.rack.clone(),
    }
}
