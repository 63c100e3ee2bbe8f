//! All partitions in order, dealt out to the members in turn; who does not want a topic is passed over.

use super::{Counts, Division, Member, nothing, sorted};
use kafkalite_names::TopicPartition;

pub(super) fn divide(members: &[Member], counts: &Counts) -> Division {
    let mut division = nothing(members);
    let members = sorted(members);
    let mut next = 0;
    for (topic, &count) in counts {
        if !members.iter().any(|member| member.topics.contains(topic)) {
            continue;
        }
        for partition in 0..count {
            while !members[next].topics.contains(topic) {
                next = (next + 1) % members.len();
            }
            let mine = division.entry(members[next].id.clone()).or_default();
            mine.push(TopicPartition::new(topic.clone(), partition));
            next = (next + 1) % members.len();
        }
    }
    division
}
