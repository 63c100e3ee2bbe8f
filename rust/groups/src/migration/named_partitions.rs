//! Partitions by their topics' names, as members of the classic protocol say and are told them.

use kafkalite_wire::consumer_protocol::{ConsumerProtocolAssignment, ConsumerProtocolPartitions};

use crate::consumer::{Holding, Place, Places, Topology, by_topic};

/// Partitions that are named by topic. Topics that are not there are left out.
pub(super) fn places_of(named: &[ConsumerProtocolPartitions], topics: &dyn Topology) -> Places {
    let of = |named: &ConsumerProtocolPartitions| {
        let (id, count) = topics.topic(&named.topic)?;
        let indexes = named.partitions.iter();
        let there = indexes.filter(|index| (0..count).contains(*index));
        Some(there.map(|&index| (id, index)).collect::<Vec<Place>>())
    };
    named.iter().filter_map(of).flatten().collect()
}

/// Partitions as a classic member is told of them.
pub(super) fn named(held: &Holding, topics: &dyn Topology) -> ConsumerProtocolAssignment {
    let named = |(topic, partitions)| {
        let topic = topics.name_of(topic)?.to_string();
        Some(ConsumerProtocolPartitions { topic, partitions })
    };
    let topics = by_topic(held.keys()).into_iter();
    ConsumerProtocolAssignment {
        assigned_partitions: topics.filter_map(named).collect(),
        user_data: None,
    }
}
