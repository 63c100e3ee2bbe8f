//! The view and the controller's decisions among random changes, which are read late, together, and out of order among nodes.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::sync::Arc;

use kafkalite_cluster::ClusterImage;
use kafkalite_coordination::registries::{
    PartitionStateZnode, SettingsOf, TopicReplicas, TopicZnode, Znode, paths,
};
use kafkalite_coordination::session::StoredNode;
use kafkalite_world::Dice;
use uuid::Uuid;

use super::controlling::{Errand, errands};
use super::joining::registration;
use super::view::{News, View};
use crate::config::Listener;

const BROKERS: i32 = 3;
const TOPICS: [&str; 2] = ["a", "b"];
const ME: i32 = 1;

/// What is to be read again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Changed {
    Brokers,
    Broker(i32),
    Topics,
    Deletions,
    Topic(&'static str),
    Settings(&'static str),
    State(&'static str, i32),
}

/// A ZooKeeper, and a broker that watches it.
struct Model {
    dice: fastrand::Rng,
    nodes: BTreeMap<String, StoredNode>,
    changed: BTreeSet<Changed>,
    /// Read, and not taken in yet.
    coming: VecDeque<News>,
    view: View,
    image: ClusterImage,
    /// Every state that a partition of a topic has ever had.
    states: HashSet<(Uuid, i32, Option<i32>, i32)>,
}

fn name_of(topic: &str) -> &'static str {
    TOPICS.into_iter().find(|known| *known == topic).unwrap()
}

impl Model {
    fn new(seed: u64) -> Self {
        Self {
            dice: fastrand::Rng::with_seed(seed),
            nodes: BTreeMap::new(),
            changed: [Changed::Brokers, Changed::Topics, Changed::Deletions].into(),
            coming: VecDeque::new(),
            view: View::default(),
            image: ClusterImage::default(),
            states: HashSet::new(),
        }
    }

    fn write(&mut self, path: String, data: Vec<u8>) {
        let version = self.nodes.get(&path).map_or(0, |node| node.version + 1);
        let node = StoredNode {
            path: path.clone(),
            data,
            version,
            owner: None,
        };
        self.nodes.insert(path, node);
    }

    fn topic(&self, topic: &str) -> Option<TopicZnode> {
        let node = self.nodes.get(&paths::topic(topic))?;
        Some(node.value().unwrap())
    }

    /// Somebody does something.
    fn act(&mut self) {
        let (broker, topic) = (
            self.dice.i32(1..=BROKERS),
            TOPICS[self.dice.usize(..TOPICS.len())],
        );
        match self.dice.u8(..5) {
            0 => {
                let path = paths::broker(broker);
                if self.nodes.remove(&path).is_none() {
                    let address = Listener {
                        host: "h".to_owned(),
                        port: 1,
                    };
                    self.write(path, registration(&address, None, 0));
                }
                self.changed
                    .extend([Changed::Brokers, Changed::Broker(broker)]);
            }
            1 | 2 => {
                let mut node = self.topic(topic).unwrap_or_else(|| TopicZnode {
                    id: Some(Uuid::from_u128(self.dice.u128(..))),
                    partitions: BTreeMap::new(),
                });
                let number = node.partitions.len() as i32;
                if number < 4 {
                    let replicas = TopicReplicas {
                        replicas: vec![broker],
                        ..TopicReplicas::default()
                    };
                    node.partitions.insert(number, replicas);
                    self.write(paths::topic(topic), node.write());
                    self.changed
                        .extend([Changed::Topics, Changed::Topic(topic)]);
                }
            }
            3 if self.topic(topic).is_some() => {
                self.write(paths::topic_deletion(topic), Vec::new());
                self.changed.insert(Changed::Deletions);
            }
            _ => {}
        }
    }

    /// Something that has changed is read.
    fn read(&mut self) {
        let Some(what) = self
            .changed
            .iter()
            .nth(self.dice.usize(..self.changed.len().max(1)))
            .cloned()
        else {
            return;
        };
        self.changed.remove(&what);
        let children = |parent: &str| {
            let prefix = format!("{parent}/");
            let names = self
                .nodes
                .keys()
                .filter_map(|path| path.strip_prefix(&prefix));
            Some(
                names
                    .filter(|name| !name.contains('/'))
                    .map(str::to_owned)
                    .collect(),
            )
        };
        let node = |path: String| self.nodes.get(&path).cloned();
        // What nobody knows of is not watched.
        let generation = |topic: &str| {
            let seen = self
                .view
                .topics
                .get(topic)
                .filter(|seen| seen.id().is_some());
            seen.map(|seen| seen.generation)
        };
        let news = match what {
            Changed::Brokers => News::Brokers(children(paths::BROKER_IDS)),
            Changed::Broker(id) => News::Broker(id, node(paths::broker(id))),
            Changed::Topics => News::Topics(children(paths::TOPICS)),
            Changed::Deletions => News::Deletions(children(paths::DELETED_TOPICS)),
            Changed::Topic(topic) => News::Topic(topic.into(), node(paths::topic(topic))),
            Changed::Settings(topic) => {
                let Some(generation) = generation(topic) else {
                    return;
                };
                let path = SettingsOf::Topic(topic.to_owned()).path();
                News::TopicSettings(topic.into(), generation, node(path))
            }
            Changed::State(topic, number) => {
                let Some(generation) = generation(topic) else {
                    return;
                };
                News::State(
                    topic.into(),
                    generation,
                    number,
                    node(paths::partition_state(topic, number)),
                )
            }
        };
        self.coming.push_back(news);
    }

    /// What was read first is taken in, and what has come to be known of is read.
    fn take_in(&mut self) {
        let Some(news) = self.coming.pop_front() else {
            return;
        };
        let seen = |view: &View| -> BTreeMap<Arc<str>, (u64, usize)> {
            let topics = view.topics.iter();
            topics
                .map(|(name, topic)| {
                    (
                        Arc::clone(name),
                        (topic.generation, topic.numbers().count()),
                    )
                })
                .collect()
        };
        let (before, listed) = (seen(&self.view), self.view.listed().collect::<Vec<_>>());
        self.view.take(news, ME);
        for (name, now) in seen(&self.view) {
            let topic = name_of(&name);
            match before.get(&name) {
                None => self.changed.extend([Changed::Topic(topic)]),
                Some(known) if *known != now => {
                    let states = (0..now.1 as i32).map(|number| Changed::State(topic, number));
                    self.changed
                        .extend(states.chain([Changed::Settings(topic)]));
                }
                Some(_) => {}
            }
        }
        let new = self.view.listed().filter(|id| !listed.contains(id));
        self.changed
            .extend(new.map(Changed::Broker).collect::<Vec<_>>());
        self.follow();
    }

    /// The image becomes the next one, in which no partition goes back.
    fn follow(&mut self) {
        let next = self.view.image(&self.image);
        for topic in next.topics() {
            for (number, partition) in (0..).zip(&topic.partitions) {
                let state = (topic.id, number, partition.leader, partition.leader_epoch);
                assert!(self.states.contains(&state), "never written: {state:?}");
                let known = self.image.topic_by_id(topic.id);
                if let Some(known) = known.and_then(|known| known.partition(number)) {
                    let same = known.leader == partition.leader;
                    assert!(
                        known.leader_epoch < partition.leader_epoch
                            || same && known.leader_epoch == partition.leader_epoch,
                        "{known:?}, then {partition:?}"
                    );
                }
            }
            let known = self.image.topic_by_id(topic.id);
            let known = known.map_or(0, |known| known.partitions.len());
            assert!(topic.partitions.len() >= known, "partitions were lost");
        }
        self.image = next;
    }

    /// The controller does what it sees that it has to; a write by version that is not the node's is not done.
    fn control(&mut self) -> bool {
        let errands = errands(&self.view, 1);
        let busy = !errands.is_empty();
        for errand in errands {
            self.run(errand);
        }
        busy
    }

    fn run(&mut self, errand: Errand) {
        let version = |model: &Self, path: &str| model.nodes.get(path).map(|node| node.version);
        match errand {
            Errand::Name { .. } => panic!("every topic has an id"),
            Errand::Begin {
                topic,
                id,
                version: expected,
                leaders,
            } => {
                let topic = name_of(&topic);
                let same = self.topic(topic).is_some_and(|node| node.id == Some(id));
                if !same || version(self, &paths::topic(topic)) != Some(expected) {
                    return;
                }
                let taken = |(number, _): &(i32, i32)| {
                    self.nodes
                        .contains_key(&paths::partition_state(topic, *number))
                };
                if leaders.iter().any(taken) {
                    return;
                }
                for (number, leader) in leaders {
                    let state = PartitionStateZnode {
                        leader: Some(leader),
                        leader_epoch: 0,
                        in_sync: vec![leader],
                        controller_epoch: 1,
                    };
                    self.lead(topic, number, &state);
                }
            }
            Errand::Lead { topic, states } => {
                let topic = name_of(&topic);
                let fits = states.iter().all(|change| {
                    version(self, &paths::partition_state(topic, change.number))
                        == Some(change.version)
                });
                for change in states.iter().filter(|_| fits) {
                    self.lead(topic, change.number, &change.state);
                }
            }
            Errand::Delete {
                topic,
                version: expected,
                states,
                ..
            } => {
                let topic = name_of(&topic);
                let fits = states.iter().all(|(number, expected)| {
                    version(self, &paths::partition_state(topic, *number)) == Some(*expected)
                });
                if !(fits && self.nodes.contains_key(&paths::topic_deletion(topic))) {
                    return;
                }
                for number in states.keys() {
                    self.nodes.remove(&paths::partition_state(topic, *number));
                    self.changed.insert(Changed::State(topic, *number));
                }
                let prefix = format!("{}/", paths::topic(topic));
                let is_empty = !self.nodes.keys().any(|path| path.starts_with(&prefix));
                if is_empty && version(self, &paths::topic(topic)) == Some(expected) {
                    self.nodes.remove(&paths::topic(topic));
                    self.nodes.remove(&paths::topic_deletion(topic));
                    self.changed.extend([
                        Changed::Topics,
                        Changed::Topic(topic),
                        Changed::Deletions,
                    ]);
                }
            }
            Errand::Forget { topic } => {
                self.nodes.remove(&paths::topic_deletion(&topic));
                self.changed.insert(Changed::Deletions);
            }
        }
    }

    fn lead(&mut self, topic: &'static str, number: i32, state: &PartitionStateZnode) {
        let id = self.topic(topic).unwrap().id.unwrap();
        self.states
            .insert((id, number, state.leader, state.leader_epoch));
        self.write(paths::partition_state(topic, number), state.write());
        self.changed.insert(Changed::State(topic, number));
    }

    /// When all is read and done, the image is what stands there, and every partition whose broker is there is led by it.
    fn assert_settled(&mut self) {
        for _ in 0..10_000 {
            while !(self.changed.is_empty() && self.coming.is_empty()) {
                self.read();
                self.take_in();
            }
            if !self.control() {
                break;
            }
        }
        assert!(self.view.is_read());
        let alive: BTreeSet<i32> = (1..=BROKERS)
            .filter(|id| self.nodes.contains_key(&paths::broker(*id)))
            .collect();
        assert!(self.image.brokers.keys().eq(&alive));
        for topic in TOPICS {
            let Some(node) = self.topic(topic) else {
                assert!(self.image.topic(topic).is_none(), "{topic} is still there");
                continue;
            };
            let has_state = |number: &i32| {
                self.nodes
                    .contains_key(&paths::partition_state(topic, *number))
            };
            let begun = (0..node.partitions.len() as i32)
                .take_while(has_state)
                .count();
            let Some(image) = self.image.topic(topic) else {
                assert_eq!(begun, 0, "{topic} is not told of");
                continue;
            };
            assert_eq!((Some(image.id), image.partitions.len()), (node.id, begun));
            for (number, partition) in (0..).zip(&image.partitions) {
                let lies_on = node.partitions[&number].replicas[0];
                assert_eq!(
                    partition.leader,
                    alive.contains(&lies_on).then_some(lies_on)
                );
            }
        }
    }
}

#[test]
fn partitions_are_led_by_brokers_that_are_there_and_no_image_goes_back() {
    for seed in 0..300 {
        let mut model = Model::new(seed);
        for _ in 0..20 {
            for _ in 0..model.dice.usize(..40) {
                match model.dice.u8(..8) {
                    0 => model.act(),
                    1..4 => model.read(),
                    4..7 => model.take_in(),
                    _ => drop(model.control()),
                }
            }
            model.assert_settled();
        }
    }
}

/// Both topics on broker 1, and all of it read.
fn settled() -> Model {
    let mut model = Model::new(1);
    let dice = Dice::seeded(1);
    let address = Listener {
        host: "h".to_owned(),
        port: 1,
    };
    model.write(paths::broker(1), registration(&address, None, 0));
    for topic in TOPICS {
        let node = TopicZnode {
            id: Some(dice.id()),
            partitions: [(
                0,
                TopicReplicas {
                    replicas: vec![1],
                    ..TopicReplicas::default()
                },
            )]
            .into(),
        };
        model.write(paths::topic(topic), node.write());
    }
    model.assert_settled();
    model
}

#[test]
fn what_nobody_can_read_harms_its_topic_only_and_takes_nothing_away() {
    let mut model = settled();
    let before = model.image.clone();
    model.write(paths::topic("a"), b"garbage".to_vec());
    model.write(paths::partition_state("b", 0), b"garbage".to_vec());
    model.write(paths::broker(2), b"garbage".to_vec());
    model.changed.extend([
        Changed::Topic("a"),
        Changed::State("b", 0),
        Changed::Brokers,
    ]);
    while !(model.changed.is_empty() && model.coming.is_empty()) {
        model.read();
        model.take_in();
    }
    for topic in TOPICS {
        assert_eq!(model.image.topic(topic), before.topic(topic));
    }
    assert_eq!(model.image.brokers, before.brokers);
    assert!(!model.control(), "nothing is made of garbage");
}

#[test]
fn a_topic_that_an_older_tool_writes_without_its_id_or_that_lists_no_partitions_stays() {
    let mut model = settled();
    let before = model.image.clone();
    let nameless = TopicZnode {
        id: None,
        ..model.topic("a").unwrap()
    };
    let empty = TopicZnode {
        partitions: BTreeMap::new(),
        ..model.topic("b").unwrap()
    };
    model.write(paths::topic("a"), nameless.write());
    model.write(paths::topic("b"), empty.write());
    let changed = [Changed::Topic("a"), Changed::Topic("b")];
    model.changed.extend(changed);
    while !(model.changed.is_empty() && model.coming.is_empty()) {
        model.read();
        model.take_in();
    }
    for topic in TOPICS {
        assert_eq!(model.image.topic(topic), before.topic(topic));
    }
}
