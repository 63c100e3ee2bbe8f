//! What each member shall own.

use std::collections::BTreeMap;

use super::assignor::{Assignor, Subscriber, Topic};
use super::records::ConsumerKey;
use super::{Consumer, ConsumerRules, Topology};
use kafkalite_names::counted;

impl Consumer {
    /// Brings the targets up to the group's epoch.
    pub(crate) fn update_targets(&mut self, topics: &dyn Topology, rules: &ConsumerRules) {
        if !self.epochs.are_targets_due() {
            return;
        }
        let assignor = self.assignor(rules);
        let wanted = self.all_wanted().into_iter();
        let existing: Vec<(&str, Topic)> = wanted
            .filter_map(|name| {
                let (id, partitions) = topics.topic(name)?;
                Some((name, Topic { id, partitions }))
            })
            .collect();
        let numbers: BTreeMap<&str, usize> =
            existing.iter().map(|(name, _)| *name).zip(0..).collect();
        let subscribers: Vec<Subscriber<'_>> = self
            .members
            .iter()
            .map(|(id, member)| {
                let wanted = self.wanted(member);
                let mut topics: Vec<usize> = wanted
                    .filter_map(|name| numbers.get(name).copied())
                    .collect();
                topics.sort_unstable();
                topics.dedup();
                Subscriber {
                    rank: match &member.instance_id {
                        Some(instance) => (false, instance.as_str()),
                        None => (true, id.as_str()),
                    },
                    topics,
                    before: &member.assignment.target,
                }
            })
            .collect();
        let shapes: Vec<Topic> = existing.iter().map(|(_, topic)| *topic).collect();
        let targets = assignor.assign(&shapes, &subscribers);
        let mut changed = Vec::new();
        for ((id, member), target) in self.members.iter_mut().zip(targets) {
            if member.assignment.target != target {
                member.assignment.target = target;
                changed.push(ConsumerKey::Target(id.clone()));
            }
        }
        self.tell(format!(
            "shares {} among {} by {assignor}; another share for {}",
            counted(shapes.len(), "topic"),
            counted(self.members.len(), "member"),
            counted(changed.len(), "member")
        ));
        self.changes.keys.extend(changed);
        self.epochs.targets = self.epochs.group;
        self.store(ConsumerKey::Targets);
    }

    /// The one that most members ask for; the broker's first where nobody does.
    pub(super) fn assignor(&self, rules: &ConsumerRules) -> Assignor {
        let mut votes: BTreeMap<&str, usize> = BTreeMap::new();
        for name in self
            .members
            .values()
            .filter_map(|member| member.assignor.as_deref())
        {
            *votes.entry(name).or_default() += 1;
        }
        let elected = votes.into_iter().max_by_key(|(_, count)| *count);
        elected
            .and_then(|(name, _)| name.parse().ok())
            .filter(|assignor| rules.assignors.contains(assignor))
            .or_else(|| rules.assignors.first().copied())
            .unwrap_or(Assignor::Uniform)
    }
}
