//! Which ways of assigning a group's members have in common, and which of them they elect.

use std::collections::HashMap;

use super::member::Member;

/// How many members support each protocol.
#[derive(Debug, Clone, Default)]
pub(super) struct Support(HashMap<String, usize>);

impl Support {
    pub(super) fn add(&mut self, member: &Member) {
        for protocol in &member.protocols {
            *self.0.entry(protocol.name.clone()).or_default() += 1;
        }
    }

    pub(super) fn remove(&mut self, member: &Member) {
        for protocol in &member.protocols {
            if let Some(count) = self.0.get_mut(&protocol.name) {
                *count -= 1;
                if *count == 0 {
                    self.0.remove(&protocol.name);
                }
            }
        }
    }

    /// Whether `count` members, all of the group, support it.
    pub(super) fn is_common(&self, protocol: &str, count: usize) -> bool {
        self.0.get(protocol) == Some(&count)
    }
}

/// The protocol with the most votes: each member votes for what it likes best of what all support. Where votes are
/// equal the leader's preference decides.
pub(super) fn elect<'a>(
    support: &Support,
    leader: Option<&Member>,
    members: impl ExactSizeIterator<Item = &'a Member>,
) -> Option<String> {
    let count = members.len();
    let mut votes: HashMap<&str, usize> = HashMap::new();
    for member in members {
        let own = member.protocols.iter().map(|protocol| &*protocol.name);
        if let Some(vote) = own.into_iter().find(|name| support.is_common(name, count)) {
            *votes.entry(vote).or_default() += 1;
        }
    }
    let rank = |name: &str| {
        leader.and_then(|leader| leader.protocols.iter().position(|own| own.name == name))
    };
    votes
        .into_iter()
        .min_by_key(|&(name, count)| (usize::MAX - count, rank(name), name))
        .map(|(name, _)| name.to_owned())
}
