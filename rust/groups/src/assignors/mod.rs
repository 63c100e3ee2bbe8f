//! Dividing partitions among members: pure functions, with the results that Java's assignors and librdkafka's have.

#[cfg(test)]
mod oracle;
mod range;
mod round_robin;
mod sticky;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kafkalite_names::TopicPartition;

/// How the leader of a group divides its partitions among the members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClassicAssignor {
    /// Each topic by itself: the first members get the first partitions (P13 of the paper, Algorithm 1).
    Range,
    /// All partitions of all topics, dealt out one after the other.
    RoundRobin,
    /// Balanced, and what a member has it keeps; only what moves is given up (KIP-429).
    CooperativeSticky,
}

impl ClassicAssignor {
    /// Its name among all Kafka clients.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ClassicAssignor::Range => "range",
            ClassicAssignor::RoundRobin => "roundrobin",
            ClassicAssignor::CooperativeSticky => "cooperative-sticky",
        }
    }
}

/// A member, as the leader knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: Arc<str>,
    /// A static member's name. Where there is one it gives the order, so that a restart changes nothing.
    pub instance: Option<Arc<str>>,
    /// What it subscribes to.
    pub topics: BTreeSet<Arc<str>>,
    /// What it has at the moment.
    pub owned: Vec<TopicPartition>,
    /// The generation from which it has that; −1 if not said.
    pub generation: i32,
}

impl Member {
    /// Static members by their names and before the others, as Java sorts them.
    fn order(&self) -> (bool, &str) {
        match &self.instance {
            Some(instance) => (false, instance),
            None => (true, &self.id),
        }
    }
}

/// Partitions by topic; topics that do not exist are left out.
pub type Counts = BTreeMap<Arc<str>, i32>;

/// Partitions by member, every member included.
pub type Division = BTreeMap<Arc<str>, Vec<TopicPartition>>;

/// Divides all partitions of the topics that somebody subscribes to. With the cooperative assignor, a partition that moves is
/// left out until whoever has it has given it up.
pub fn divide(assignor: ClassicAssignor, members: &[Member], counts: &Counts) -> Division {
    match assignor {
        ClassicAssignor::Range => range::divide(members, counts),
        ClassicAssignor::RoundRobin => round_robin::divide(members, counts),
        ClassicAssignor::CooperativeSticky => {
            let mut division = sticky::divide(members, counts);
            withhold_what_moves(members, &mut division);
            division
        }
    }
}

/// Every member, with nothing yet.
fn nothing<'a>(members: impl IntoIterator<Item = &'a Member>) -> Division {
    let members = members.into_iter();
    members.map(|it| (Arc::clone(&it.id), Vec::new())).collect()
}

fn sorted(members: &[Member]) -> Vec<&Member> {
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_by(|one, other| one.order().cmp(&other.order()));
    sorted
}

/// KIP-429: what one member has and another shall get is nobody's in this generation.
fn withhold_what_moves(members: &[Member], division: &mut Division) {
    let mut owners: BTreeMap<&TopicPartition, Vec<&Member>> = BTreeMap::new();
    for member in members {
        for of in &member.owned {
            owners.entry(of).or_default().push(member);
        }
    }
    for (id, partitions) in division {
        partitions.retain(|of| {
            let Some(owners) = owners.get(of) else {
                return true;
            };
            // Several have it only where one of them missed a generation: then the latest one counts.
            let latest = owners.iter().map(|owner| owner.generation).max();
            let mut latest = owners.iter().filter(|it| Some(it.generation) == latest);
            latest.next().is_some_and(|owner| owner.id == *id) && latest.next().is_none()
        });
    }
}
