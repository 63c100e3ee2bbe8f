//! A group from its records.

use std::collections::BTreeMap;

use super::records::{
    ConsumerKey, ConsumerValue, CurrentRecord, GroupRecord, MemberRecord, TargetRecord,
    TargetsRecord,
};
use super::{Consumer, ConsumerRules, Member, Now};

/// What was read of a group, record by record.
#[derive(Debug, Default)]
pub struct StoredGroup {
    group: Option<GroupRecord>,
    targets: Option<TargetsRecord>,
    members: BTreeMap<String, StoredMember>,
    regexes: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Default)]
struct StoredMember {
    metadata: Option<MemberRecord>,
    target: Option<TargetRecord>,
    current: Option<CurrentRecord>,
}

impl StoredGroup {
    /// Takes one record over; no value is a tombstone.
    pub fn apply(&mut self, key: ConsumerKey, value: Option<ConsumerValue>) {
        match (key, value) {
            (ConsumerKey::Member(id), value) => {
                self.member(id).metadata = match value {
                    Some(ConsumerValue::Member(record)) => Some(record),
                    _ => None,
                };
            }
            (ConsumerKey::Target(id), value) => {
                self.member(id).target = match value {
                    Some(ConsumerValue::Target(record)) => Some(record),
                    _ => None,
                };
            }
            (ConsumerKey::Current(id), value) => {
                self.member(id).current = match value {
                    Some(ConsumerValue::Current(record)) => Some(record),
                    _ => None,
                };
            }
            (ConsumerKey::Group, Some(ConsumerValue::Group(record))) => self.group = Some(record),
            (ConsumerKey::Group, _) => self.group = None,
            (ConsumerKey::Targets, Some(ConsumerValue::Targets(record))) => {
                self.targets = Some(record);
            }
            (ConsumerKey::Targets, _) => self.targets = None,
            (ConsumerKey::Regex(regex), Some(ConsumerValue::Regex(record))) => {
                self.regexes.insert(regex, record.topics);
            }
            (ConsumerKey::Regex(regex), _) => {
                self.regexes.remove(&regex);
            }
            (ConsumerKey::Topics, _) => {}
        }
    }

    fn member(&mut self, id: String) -> &mut StoredMember {
        self.members.entry(id).or_default()
    }

    /// Whether there is a group at all.
    pub fn is_there(&self) -> bool {
        self.group.is_some()
    }
}

impl Consumer {
    /// The group that was stored. Its members have a session timeout's time to be heard of. Their regular expressions stand for
    /// what is stored of them until their patterns are handed in.
    pub fn from_stored(stored: StoredGroup, rules: &ConsumerRules, now: Now) -> Self {
        let mut group = Self::default();
        if let Some(record) = stored.group {
            (group.epochs.group, group.topics_hash) = (record.epoch, record.topics_hash);
        }
        group.epochs.targets = stored.targets.map_or(0, |record| record.epoch);
        for (id, stored) in stored.members {
            let Some(metadata) = stored.metadata else {
                continue;
            };
            let mut member = Member::from_record(metadata);
            member.restore(stored.target, stored.current);
            member.renew(rules, now);
            member.revoke_by = member.deadline_to_revoke(now);
            group.insert(id, member);
        }
        group.restore_regexes(stored.regexes);
        group
    }
}
