//! `roundrobin`: the partitions of all topics, mixed, dealt to all streams in turn.

use std::sync::Arc;

use kafkalite_names::TopicPartition;

use super::streams::StreamsOfGroup;
use super::{Owners, Topics};
use crate::registries::ThreadId;

/// A stream, and whose.
struct Player {
    thread: ThreadId,
    member: usize,
}

pub(super) fn deal(group: &StreamsOfGroup<'_>, topics: &Topics) -> Owners {
    let players = players(group, topics);
    let mut owners = Owners::new();
    let mut next = 0;
    for partition in mixed(topics) {
        // Who does not read the topic is passed over, and waits for the next round.
        let reads = |player: &Player| {
            player.thread.stream() < group.streams(player.member, &partition.topic)
        };
        let turn = (next..players.len())
            .chain(0..next)
            .find(|place| reads(&players[*place]));
        if let Some(place) = turn {
            owners.insert(partition, players[place].thread.clone());
            next = (place + 1) % players.len();
        }
    }
    owners
}

/// All streams that read anything that there is, in order.
fn players(group: &StreamsOfGroup<'_>, topics: &Topics) -> Vec<Player> {
    let mut players = Vec::new();
    for member in 0..group.len() {
        let most = topics
            .keys()
            .map(|topic| group.streams(member, topic))
            .max();
        let threads = group.threads(member, most.unwrap_or(0));
        players.extend(threads.map(|thread| Player { thread, member }));
    }
    players.sort_unstable_by(|a, b| a.thread.cmp(&b.thread));
    players
}

/// In the order of Java's hash of `topic-partition`. Two that have the same hash stand in no order that the old consumer
/// promises; here, by topic and number.
fn mixed(topics: &Topics) -> Vec<TopicPartition> {
    let of = |(topic, partitions): (&Arc<str>, &Vec<i32>)| {
        let topic = topic.clone();
        let partitions = partitions.clone().into_iter();
        partitions.map(move |partition| TopicPartition::new(topic.clone(), partition))
    };
    let mut all: Vec<_> = topics.iter().flat_map(of).collect();
    all.sort_by_cached_key(|partition| (java_hash(&partition.to_string()), partition.clone()));
    all
}

/// `String.hashCode`.
fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0_i32, |hash, unit| {
        hash.wrapping_mul(31).wrapping_add(unit.into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_javas() {
        // As jshell answers them.
        for (text, hash) in [
            ("", 0),
            ("a", 97),
            ("hello", 99_162_322),
            ("polygenelubricants", i32::MIN),
        ] {
            assert_eq!(java_hash(text), hash, "{text}");
        }
    }

    #[test]
    fn numbers_of_two_digits_come_first() {
        let topics = Topics::from([("t24".into(), (0..24).collect())]);
        let order: Vec<_> = mixed(&topics)
            .into_iter()
            .map(|each| each.partition)
            .collect();
        assert_eq!(order, (10..24).chain(0..10).collect::<Vec<_>>());
    }
}
