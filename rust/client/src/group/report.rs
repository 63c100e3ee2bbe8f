//! A rebalance as a sentence: who came and left, what moved.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Arc;

use super::division::Divided;
use super::membership::PartitionSet;
use crate::cluster::shown;
use kafkalite_groups::assignors::Counts;

/// How many names a sentence has; the others are counted.
const MOST: usize = 5;

/// `a-0, a-1 and 3 more`.
pub(super) fn names<T: Display>(all: impl ExactSizeIterator<Item = T>) -> String {
    let count = all.len();
    if count == 0 {
        return "nothing".to_owned();
    }
    let some: Vec<_> = all.take(MOST).map(|it| it.to_string()).collect();
    match count - some.len() {
        0 => some.join(", "),
        more => format!("{} and {more} more", some.join(", ")),
    }
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// That a topic which the member reads was deleted.
pub(super) fn gone(group: &str, topic: &str) -> String {
    format!(
        "{}: topic {topic} does not exist any more, and the group divides anew without it; what is published there is read as \
         soon as it exists",
        shown(group)
    )
}

/// What a rebalance changed: for this member, and if it leads for the group.
pub(super) fn settled(
    divided: Option<&Divided>,
    gained: &PartitionSet,
    given_up: &PartitionSet,
    owned: usize,
) -> String {
    let (new, gone): (Vec<_>, Vec<_>) = (
        gained.difference(given_up).collect(),
        given_up.difference(gained).collect(),
    );
    let mut parts = vec![format!("this member has {}", counted(owned, "partition"))];
    if !new.is_empty() {
        parts.push(format!("new are {}", names(new.into_iter())));
    }
    if !gone.is_empty() {
        parts.push(format!("gone are {}", names(gone.into_iter())));
    }
    let mine = parts.join(", ");
    match divided {
        Some(divided) => format!("{mine}; it leads {}", divided.sentence()),
        None => mine,
    }
}

impl Divided {
    /// Takes over what the last generation is still known for, where members did not say it themselves.
    pub(super) fn take_over(&mut self, last: &Divided) {
        for (id, partitions) in &last.division {
            for of in partitions {
                let known = self.before.entry(of.clone());
                known.or_insert_with(|| Arc::clone(id));
            }
        }
        // What was nobody's for one generation, on its way from one member to another (KIP-429).
        for (of, id) in &last.before {
            let known = self.before.entry(of.clone());
            known.or_insert_with(|| Arc::clone(id));
        }
        self.known = Some(last.division.keys().cloned().collect());
    }

    fn sentence(&self) -> String {
        let now: BTreeSet<_> = self.division.keys().cloned().collect();
        let members = counted(now.len(), "member");
        // Who did not lead the generation before does not know whose a dead member's partitions were.
        let Some(known) = &self.known else {
            return members;
        };
        let mut parts = vec![members];
        let (came, left): (Vec<_>, Vec<_>) = (
            now.difference(known).collect(),
            known.difference(&now).collect(),
        );
        if !came.is_empty() {
            parts.push(format!("{} came", names(came.into_iter())));
        }
        if !left.is_empty() {
            parts.push(format!("{} left", names(left.into_iter())));
        }
        let moves = self.division.iter().flat_map(|(id, partitions)| {
            let before = partitions.iter().map(|of| (of, self.before.get(of)));
            let moved = before.filter(move |(_, before)| before.is_some_and(|it| it != id));
            moved.map(move |(of, _)| format!("{of} to {id}"))
        });
        let moves: Vec<_> = moves.collect();
        parts.push(format!("moved: {}", names(moves.into_iter())));
        parts.join(", ")
    }

    /// Whether a topic that a member wants does not exist yet.
    pub(super) fn lacks_a_topic(&self) -> bool {
        self.topics
            .iter()
            .any(|topic| !self.counts.contains_key(topic))
    }

    /// Why what was divided is not what there is.
    pub(super) fn difference(&self, now: &Counts) -> Option<String> {
        self.topics
            .iter()
            .find_map(|topic| match (self.counts.get(topic), now.get(topic)) {
                (before, now) if before == now => None,
                (Some(before), Some(now)) => {
                    let partitions = counted(*now as usize, "partition");
                    Some(format!("topic {topic} has {partitions}, not {before}"))
                }
                (None, _) => Some(format!("topic {topic} exists now")),
                (_, None) => Some(format!("topic {topic} does not exist any more")),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafkalite_names::TopicPartition;

    fn of(partitions: &[i32]) -> Vec<TopicPartition> {
        let partitions = partitions.iter();
        partitions.map(|&it| TopicPartition::new("t", it)).collect()
    }

    fn divided(members: &[(&str, &[i32])]) -> Divided {
        let members = members.iter();
        Divided {
            division: members.map(|(id, mine)| ((*id).into(), of(mine))).collect(),
            ..Divided::default()
        }
    }

    #[test]
    fn a_leader_says_who_came_and_left_and_what_moved() {
        let before = divided(&[("x", &[0, 1]), ("y", &[2, 3])]);
        let mut now = divided(&[("x", &[0, 1, 2]), ("z", &[3])]);
        now.take_over(&before);
        let partitions = |all: &[i32]| of(all).into_iter().collect();
        let told = settled(Some(&now), &partitions(&[0, 1, 2]), &partitions(&[0, 1]), 3);
        assert_eq!(
            told,
            "this member has 3 partitions, new are t-2; it leads 2 members, z came, y left, moved: t-2 to x, t-3 to z"
        );
    }

    #[test]
    fn a_leader_that_did_not_lead_before_says_nothing_of_what_moved() {
        let partitions = |all: &[i32]| of(all).into_iter().collect();
        let mut now = divided(&[("x", &[0, 1, 2, 3])]);
        now.before = of(&[2, 3]).into_iter().map(|it| (it, "x".into())).collect();
        assert_eq!(
            settled(
                Some(&now),
                &partitions(&[0, 1, 2, 3]),
                &partitions(&[2, 3]),
                4
            ),
            "this member has 4 partitions, new are t-0, t-1; it leads 1 member"
        );
    }

    #[test]
    fn what_was_nobodys_for_a_generation_has_moved_in_the_next() {
        let mut first = divided(&[("x", &[0, 1])]);
        first.take_over(&divided(&[("x", &[0, 1])]));
        let mut second = divided(&[("x", &[0]), ("y", &[])]);
        second.take_over(&first);
        let mut third = divided(&[("x", &[0]), ("y", &[1])]);
        third.take_over(&second);
        assert_eq!(third.sentence(), "2 members, moved: t-1 to y");
    }

    #[test]
    fn a_member_says_what_it_got_and_gave() {
        let partitions = |all: &[i32]| of(all).into_iter().collect();
        let told = settled(
            None,
            &partitions(&[7]),
            &partitions(&[0, 1, 2, 3, 4, 5, 6]),
            1,
        );
        assert_eq!(
            told,
            "this member has 1 partition, new are t-7, gone are t-0, t-1, t-2, t-3, t-4 and 2 more"
        );
    }

    #[test]
    fn what_changed_since_the_leader_counted_is_a_reason() {
        let counts = |all: &[(&str, i32)]| -> Counts {
            let all = all.iter();
            all.map(|&(topic, count)| (topic.into(), count)).collect()
        };
        let divided = Divided {
            counts: counts(&[("a", 1), ("b", 2)]),
            topics: ["a".into(), "b".into(), "c".into()].into(),
            ..Divided::default()
        };
        assert!(divided.lacks_a_topic());
        let difference = |now: &[(&str, i32)]| divided.difference(&counts(now)).unwrap_or_default();
        assert_eq!(difference(&[("a", 1), ("b", 2), ("other", 1)]), "");
        assert_eq!(
            difference(&[("a", 1), ("b", 3)]),
            "topic b has 3 partitions, not 2"
        );
        assert_eq!(
            difference(&[("a", 1), ("b", 2), ("c", 1)]),
            "topic c exists now"
        );
        assert_eq!(difference(&[("b", 2)]), "topic a does not exist any more");
    }
}
