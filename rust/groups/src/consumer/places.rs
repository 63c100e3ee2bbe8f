//! Partitions by topic id: as sets here, by topic in messages and records.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::once;

use kafkalite_wire::api::consumer_group_heartbeat::{
    AssignedTopicPartitions, HeartbeatAssignment, OwnedTopicPartitions,
};
use uuid::Uuid;

use crate::epochs::Assigned;

/// A partition: its topic's id and its number.
pub(crate) type Place = (Uuid, i32);

/// Partitions.
pub(crate) type Places = BTreeSet<Place>;

/// Partitions that a member holds, each with the epoch in which it was given to it.
pub(crate) type Holding = BTreeMap<Place, i32>;

impl Assigned for Place {
    type Exclusive = Self;

    fn excludes(&self) -> impl Iterator<Item = Self> {
        once(*self)
    }
}

/// Grouped by topic, in order.
pub(crate) fn by_topic<'a>(places: impl IntoIterator<Item = &'a Place>) -> Vec<(Uuid, Vec<i32>)> {
    let mut topics: Vec<(Uuid, Vec<i32>)> = Vec::new();
    for &(topic, partition) in places {
        match topics.last_mut() {
            Some((last, partitions)) if *last == topic => partitions.push(partition),
            _ => topics.push((topic, vec![partition])),
        }
    }
    topics
}

/// What a member says it owns.
pub(super) fn owned(topics: &[OwnedTopicPartitions]) -> Places {
    let of = |topic: &OwnedTopicPartitions| {
        let id = topic.topic_id;
        let places: Vec<Place> = topic.partitions.iter().map(|&index| (id, index)).collect();
        places
    };
    topics.iter().flat_map(of).collect()
}

/// As the answer to a heartbeat tells it.
pub(super) fn to_answer(held: &Holding) -> HeartbeatAssignment {
    let topics = by_topic(held.keys()).into_iter();
    let topic = |(topic_id, partitions)| AssignedTopicPartitions {
        topic_id,
        partitions,
    };
    HeartbeatAssignment {
        topic_partitions: topics.map(topic).collect(),
    }
}
