//! `range`: topic by topic, neighbours together.

use kafkalite_names::TopicPartition;

use super::streams::StreamsOfGroup;
use super::{Owners, Topics};
use crate::registries::ThreadId;

pub(super) fn divide(group: &StreamsOfGroup<'_>, topics: &Topics) -> Owners {
    let mut owners = Owners::new();
    for (topic, partitions) in topics {
        let threads = subscribed(group, topic);
        if threads.is_empty() {
            continue;
        }
        let each = partitions.len() / threads.len();
        let larger = partitions.len() % threads.len();
        let mut rest = partitions.iter();
        for (place, thread) in threads.into_iter().enumerate() {
            let share = each + usize::from(place < larger);
            for partition in rest.by_ref().take(share) {
                owners.insert(
                    TopicPartition::new(topic.clone(), *partition),
                    thread.clone(),
                );
            }
        }
    }
    owners
}

/// The streams that read a topic, in order.
fn subscribed(group: &StreamsOfGroup<'_>, topic: &str) -> Vec<ThreadId> {
    let members = 0..group.len();
    let mut threads: Vec<_> = members
        .flat_map(|member| group.threads(member, group.streams(member, topic)))
        .collect();
    threads.sort_unstable();
    threads
}
