//! What the controller has to do: decided from the view, and done through its term, so that one that is no longer the controller
//! does nothing.
//!
//! - A partition that has no state yet is led by the first of its replicas that is there.
//! - One whose leader is gone is led by another that has everything, or by nobody until one of those is back.
//! - A topic that is to be deleted is, with all that stands of it.
//! - A topic without an id, which Kafka wrote before 2.8, gets one: the one that it had, if that is known.

use std::collections::{BTreeMap, BTreeSet};

use kafkalite_coordination::election::{ControllerTerm, ControllerWriteError};
use kafkalite_coordination::registries::{
    PartitionStateZnode, SettingsOf, TopicZnode, Znode, paths,
};
use kafkalite_coordination::session::{MultiWrite, ZooKeeperSession};
use kafkalite_world::Dice;
use uuid::Uuid;

use super::view::{Seen, SeenTopic, View};

/// Partitions in one request: a few hundred bytes each, of the megabyte that there may be.
const AT_ONCE: usize = 500;

/// Something that the controller has to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Errand {
    /// A topic gets an id.
    Name {
        topic: String,
        node: TopicZnode,
        version: i32,
    },
    /// Partitions get their first leaders. Nothing is done if the topic's node is no longer at the version, or another topic's.
    Begin {
        topic: String,
        id: Uuid,
        version: i32,
        leaders: Vec<(i32, i32)>,
    },
    /// Partitions get other leaders, or none.
    Lead { topic: String, states: Vec<Change> },
    /// A topic is deleted: its nodes with their versions.
    Delete {
        topic: String,
        version: i32,
        settings: Option<i32>,
        states: BTreeMap<i32, i32>,
    },
    /// What was to be deleted is gone.
    Forget { topic: String },
}

/// The next state of a partition, and the version of the last.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) number: i32,
    pub(super) state: PartitionStateZnode,
    pub(super) version: i32,
}

/// What is to be done now.
pub(super) fn errands(view: &View, epoch: i32) -> Vec<Errand> {
    let Some(alive) = view.brokers() else {
        return Vec::new();
    };
    let alive: BTreeSet<i32> = alive.into_keys().collect();
    let mut errands = Vec::new();
    for topic in &view.deletions {
        match view.topics.get(topic.as_str()) {
            None => errands.push(Errand::Forget {
                topic: topic.clone(),
            }),
            Some(seen) => errands.extend(deletion(topic, seen)),
        }
    }
    for (name, topic) in &view.topics {
        let Some((node, version)) = topic.node.found() else {
            continue;
        };
        if view.deletions.contains(&**name) {
            continue;
        }
        let name = name.to_string();
        let Some(id) = topic.id() else {
            errands.push(Errand::Name {
                topic: name,
                node: node.clone(),
                version,
            });
            continue;
        };
        let leaders = first_leaders(topic, node, &alive);
        if !leaders.is_empty() {
            errands.push(Errand::Begin {
                topic: name.clone(),
                id,
                version,
                leaders,
            });
        }
        let states: Vec<Change> = (topic.numbers())
            .filter_map(|number| change(number, topic.state(number), &alive, epoch))
            .collect();
        if !states.is_empty() {
            errands.push(Errand::Lead {
                topic: name,
                states,
            });
        }
    }
    errands
}

fn deletion(name: &str, topic: &SeenTopic) -> Option<Errand> {
    let (_, version) = topic.node.found()?;
    let states = topic.states.iter();
    Some(Errand::Delete {
        topic: name.to_owned(),
        version,
        settings: topic.settings.found().map(|(_, version)| version),
        states: states
            .filter_map(|(number, state)| Some((*number, state.found()?.1)))
            .collect(),
    })
}

/// The leaders of partitions that have no state yet.
fn first_leaders(topic: &SeenTopic, node: &TopicZnode, alive: &BTreeSet<i32>) -> Vec<(i32, i32)> {
    let leader = |number: i32| {
        let replicas = &node.partitions.get(&number)?.replicas;
        let leader = replicas.iter().find(|id| alive.contains(id))?;
        Some((number, *leader))
    };
    let stateless = |number: &i32| *topic.state(*number) == Seen::Absent;
    topic
        .numbers()
        .filter(stateless)
        .filter_map(leader)
        .collect()
}

/// Another state, if brokers have come or gone.
fn change(
    number: i32,
    state: &Seen<PartitionStateZnode>,
    alive: &BTreeSet<i32>,
    controller_epoch: i32,
) -> Option<Change> {
    let (state, version) = state.found()?;
    let is_led = state.leader.is_some_and(|leader| alive.contains(&leader));
    let next = state.in_sync.iter().find(|id| alive.contains(id)).copied();
    if is_led || next == state.leader {
        return None;
    }
    // Whoever leads is alone until others have caught up with it.
    let in_sync = next.map_or_else(|| state.in_sync.clone(), |next| vec![next]);
    Some(Change {
        number,
        version,
        state: PartitionStateZnode {
            leader: next,
            leader_epoch: state.leader_epoch.checked_add(1)?,
            in_sync,
            controller_epoch,
        },
    })
}

/// Does it, if no other controller has begun a term.
pub(super) async fn run(
    errand: Errand,
    session: &ZooKeeperSession,
    term: &ControllerTerm,
    dice: &Dice,
) -> Result<(), ControllerWriteError> {
    match errand {
        Errand::Name {
            topic,
            mut node,
            version,
        } => {
            node.id = node.id.or_else(|| Some(dice.id()));
            let write = MultiWrite::new().set(paths::topic(&topic), node.write(), version);
            term.commit(session, write).await
        }
        Errand::Begin {
            topic,
            id,
            version,
            leaders,
        } => begin(session, term, (&topic, id, version), &leaders).await,
        Errand::Lead { topic, states } => {
            for some in states.chunks(AT_ONCE) {
                let set = |all: MultiWrite, one: &Change| {
                    let path = paths::partition_state(&topic, one.number);
                    all.set(path, one.state.write(), one.version)
                };
                term.commit(session, some.iter().fold(MultiWrite::new(), set))
                    .await?;
            }
            Ok(())
        }
        Errand::Delete {
            topic,
            version,
            settings,
            states,
        } => delete(session, term, &topic, version, settings, &states).await,
        Errand::Forget { topic } => {
            let write = MultiWrite::new().delete(paths::topic_deletion(&topic), 0);
            term.commit(session, write).await
        }
    }
}

async fn begin(
    session: &ZooKeeperSession,
    term: &ControllerTerm,
    (topic, id, version): (&str, Uuid, i32),
    leaders: &[(i32, i32)],
) -> Result<(), ControllerWriteError> {
    // A topic that was deleted and created again is at the same versions. None is from here on, as only a controller deletes.
    let found = session.get(&paths::topic(topic)).await?;
    let found = found.and_then(|node| node.value::<TopicZnode>().ok());
    if found.is_none_or(|node| node.id != Some(id)) {
        return Ok(());
    }
    let parent = paths::partitions(topic);
    for some in leaders.chunks(AT_ONCE) {
        let there = session.children(&parent).await?;
        // Or a topic that was deleted meanwhile would come back, without partitions.
        let mut all = MultiWrite::new().check(paths::topic(topic), version);
        if there.is_none() {
            all = all.create(parent.clone(), Vec::new());
        }
        for &(number, leader) in some {
            let named = number.to_string();
            if there.as_ref().is_none_or(|there| !there.contains(&named)) {
                all = all.create(paths::partition(topic, number), Vec::new());
            }
            let state = PartitionStateZnode {
                leader: Some(leader),
                leader_epoch: 0,
                in_sync: vec![leader],
                controller_epoch: term.epoch(),
            };
            all = all.create(paths::partition_state(topic, number), state.write());
        }
        term.commit(session, all).await?;
    }
    Ok(())
}

/// First the states, then what they stand in: everything at once would be more than ZooKeeper takes where partitions are many.
async fn delete(
    session: &ZooKeeperSession,
    term: &ControllerTerm,
    topic: &str,
    version: i32,
    settings: Option<i32>,
    states: &BTreeMap<i32, i32>,
) -> Result<(), ControllerWriteError> {
    let states: Vec<_> = states.iter().collect();
    for some in states.chunks(AT_ONCE) {
        let delete = |all: MultiWrite, (number, version): &(&i32, &i32)| {
            all.delete(paths::partition_state(topic, **number), **version)
        };
        term.commit(session, some.iter().fold(MultiWrite::new(), delete))
            .await?;
    }
    let parent = paths::partitions(topic);
    let there = session.children(&parent).await?;
    let numbers: Vec<_> = there
        .iter()
        .flatten()
        .filter_map(|name| paths::number(name))
        .collect();
    for some in numbers.chunks(AT_ONCE) {
        let delete =
            |all: MultiWrite, number: &i32| all.delete(paths::partition(topic, *number), 0);
        term.commit(session, some.iter().fold(MultiWrite::new(), delete))
            .await?;
    }
    let mut all = MultiWrite::new();
    if there.is_some() {
        all = all.delete(parent, 0);
    }
    all = all.delete(paths::topic(topic), version);
    if let Some(version) = settings {
        all = all.delete(SettingsOf::Topic(topic.to_owned()).path(), version);
    }
    all = all.delete(paths::topic_deletion(topic), 0);
    term.commit(session, all).await
}
