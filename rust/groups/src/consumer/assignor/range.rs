//! Neighbouring partitions, topic by topic.

use super::{Places, Subscriber, Topic, wanted_by};

pub(super) fn assign(topics: &[Topic], subscribers: &[Subscriber<'_>]) -> Vec<Places> {
    let mut given = vec![Places::new(); subscribers.len()];
    for (topic, mut wanting) in topics.iter().zip(wanted_by(topics, subscribers)) {
        wanting.sort_unstable_by_key(|&index| subscribers[index].rank);
        let count = wanting.len() as i32;
        let mut next = 0;
        for (position, index) in wanting.into_iter().enumerate() {
            // The first ones take one more each where it does not divide evenly.
            let more = i32::from((position as i32) < topic.partitions % count);
            let end = next + topic.partitions / count + more;
            given[index].extend((next..end).map(|partition| (topic.id, partition)));
            next = end;
        }
    }
    given
}
