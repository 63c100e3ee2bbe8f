//! Each topic by itself: members in order get equal ranges, the first ones one more (Algorithm 1 of the paper).

use super::{Counts, Division, Member, nothing, sorted};
use kafkalite_names::TopicPartition;

pub(super) fn divide(members: &[Member], counts: &Counts) -> Division {
    let mut division = nothing(members);
    let members = sorted(members);
    for (topic, &count) in counts {
        let wanting: Vec<_> = members
            .iter()
            .filter(|member| member.topics.contains(topic))
            .collect();
        if wanting.is_empty() {
            continue;
        }
        let (each, more) = (
            count as usize / wanting.len(),
            count as usize % wanting.len(),
        );
        let mut partitions =
            (0..count).map(|partition| TopicPartition::new(topic.clone(), partition));
        for (place, member) in wanting.into_iter().enumerate() {
            let share = each + usize::from(place < more);
            let mine = division.entry(member.id.clone()).or_default();
            mine.extend(partitions.by_ref().take(share));
        }
    }
    division
}
