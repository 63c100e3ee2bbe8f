//! A rebalance as a sentence: who came and left, what moved.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::Arc;

use super::assignors::Counts;
use super::division::Divided;
use super::membership::Partitions;

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

/// What a rebalance changed: for this member, and if it leads for the group.
pub(super) fn settled(
    divided: Option<&Divided>,
    gained: &Partitions,
    given_up: &Partitions,
    owned: usize,
) -> String {
    let (new, gone): (Vec<_>, Vec<_>) = (
        gained.difference(given_up).collect(),
        given_up.difference(gained).collect(),
    );
    let mut parts = vec![format!("this member has {owned} partitions")];
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
        self.known = Some(last.division.keys().cloned().collect());
    }

    fn sentence(&self) -> String {
        let now: BTreeSet<_> = self.division.keys().cloned().collect();
        let mut parts = vec![format!("{} members", now.len())];
        if let Some(known) = &self.known {
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
                    Some(format!("topic {topic} has {now} partitions, not {before}"))
                }
                (None, _) => Some(format!("topic {topic} exists now")),
                (_, None) => Some(format!("topic {topic} does not exist any more")),
            })
    }
}
