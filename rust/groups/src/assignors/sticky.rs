//! As balanced as the subscriptions allow, and with as few moves as that takes (KIP-54).
//!
//! Everybody keeps what they have; what nobody has goes to whoever has least; then partitions move from members that have
//! more to members that have less by two or more, until there is no such pair.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Counts, Division, Member, nothing, sorted};
use kafkalite_names::TopicPartition;

pub(super) fn divide(members: &[Member], counts: &Counts) -> Division {
    let mut table = Table::new(members, counts);
    table.keep();
    table.fill();
    while table.balance() {}
    table.into_division()
}

/// Members by their place in the order, partitions by theirs.
struct Table<'a> {
    members: Vec<&'a Member>,
    /// How many partitions each member has.
    loads: Vec<usize>,
    /// Those whom a topic may go to.
    takers: Vec<Vec<usize>>,
    /// The partitions, each with its topic's place among `takers`. Those that few members want come first: they leave the
    /// least choice.
    partitions: Vec<(TopicPartition, usize)>,
    owners: Vec<Option<usize>>,
}

impl<'a> Table<'a> {
    fn new(members: &'a [Member], counts: &Counts) -> Self {
        let members = sorted(members);
        let mut takers = Vec::new();
        let mut partitions = Vec::new();
        for (topic, &count) in counts {
            let wanting = members.iter().enumerate();
            let wanting: Vec<_> = wanting
                .filter(|(_, member)| member.topics.contains(topic))
                .map(|(place, _)| place)
                .collect();
            if wanting.is_empty() {
                continue;
            }
            let named = |partition| TopicPartition::new(Arc::clone(topic), partition);
            partitions.extend((0..count).map(|partition| (named(partition), takers.len())));
            takers.push(wanting);
        }
        // Stable: topics and partitions stay in order among their likes.
        partitions.sort_by_key(|(_, topic)| takers[*topic].len());
        Self {
            loads: vec![0; members.len()],
            owners: vec![None; partitions.len()],
            members,
            takers,
            partitions,
        }
    }

    /// Gives everybody what they have. If several say that they have the same partition, it is that of the latest
    /// generation; if several of one generation say so, it is nobody's.
    fn keep(&mut self) {
        let mut claims: BTreeMap<&TopicPartition, (i32, Option<usize>)> = BTreeMap::new();
        for (place, member) in self.members.iter().enumerate() {
            for of in &member.owned {
                let claim = claims.entry(of).or_insert((member.generation, Some(place)));
                if claim.1 == Some(place) || claim.0 > member.generation {
                    continue;
                }
                let owner = (claim.0 < member.generation).then_some(place);
                *claim = (member.generation, owner);
            }
        }
        for (index, (of, topic)) in self.partitions.iter().enumerate() {
            if let Some((_, Some(place))) = claims.get(of)
                && self.takers[*topic].contains(place)
            {
                self.owners[index] = Some(*place);
                self.loads[*place] += 1;
            }
        }
    }

    fn fill(&mut self) {
        for index in 0..self.partitions.len() {
            if self.owners[index].is_none() {
                self.give(index);
            }
        }
    }

    /// One round; whether anything moved.
    fn balance(&mut self) -> bool {
        let mut moved = false;
        for index in 0..self.partitions.len() {
            let Some(owner) = self.owners[index] else {
                continue;
            };
            if self.loads[owner] > self.loads[self.least_loaded(index)] + 1 {
                self.loads[owner] -= 1;
                self.give(index);
                moved = true;
            }
        }
        moved
    }

    fn give(&mut self, index: usize) {
        let taker = self.least_loaded(index);
        self.owners[index] = Some(taker);
        self.loads[taker] += 1;
    }

    /// Of those who want it, the first one that has least.
    fn least_loaded(&self, index: usize) -> usize {
        let takers = self.takers[self.partitions[index].1].iter().copied();
        takers
            .min_by_key(|taker| self.loads[*taker])
            .expect("a topic that nobody wants has no partitions here")
    }

    fn into_division(self) -> Division {
        let mut division = nothing(self.members.iter().copied());
        for ((of, _), owner) in self.partitions.into_iter().zip(self.owners) {
            let owner = owner.expect("every partition was given to somebody");
            let mine = division.entry(Arc::clone(&self.members[owner].id));
            mine.or_default().push(of);
        }
        for partitions in division.values_mut() {
            partitions.sort_unstable();
        }
        division
    }
}
