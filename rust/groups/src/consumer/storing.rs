//! What has changed, as records.

use std::collections::BTreeSet;

use kafkalite_wire::Result;

use super::Consumer;
use super::limits::MAX_RECORD;
use super::records::{ConsumerKey, ConsumerValue, GroupRecord, RegexRecord, TargetsRecord};
use crate::stored_record::StoredRecord;

impl Consumer {
    /// The records of these keys as the group is now. Kafka reads what is removed before what is new, and of a member first what
    /// it owned.
    pub fn entries(&self, group: &str, keys: &BTreeSet<ConsumerKey>) -> Result<Vec<StoredRecord>> {
        let (there, gone): (Vec<_>, Vec<_>) = keys
            .iter()
            .map(|key| (key, self.stored(key)))
            .partition(|(_, value)| value.is_some());
        let gone = gone.iter().rev();
        gone.chain(&there)
            .map(|(key, value)| key.entry(group, value.as_ref()))
            .collect()
    }

    /// The tombstones of all that may be stored, also of what is gone and could not be removed yet.
    pub fn tombstones(&self, group: &str) -> Result<Vec<StoredRecord>> {
        let mut keys = self.all_keys();
        keys.extend(self.changes.keys.iter().cloned());
        keys.iter()
            .rev()
            .map(|key| key.entry(group, None))
            .collect()
    }

    fn stored(&self, key: &ConsumerKey) -> Option<ConsumerValue> {
        let member = |id: &String| self.members.get(id);
        Some(match key {
            ConsumerKey::Member(id) => ConsumerValue::Member(member(id)?.to_record()),
            ConsumerKey::Target(id) => ConsumerValue::Target(member(id)?.to_target()),
            ConsumerKey::Current(id) => ConsumerValue::Current(member(id)?.to_current()),
            ConsumerKey::Group => ConsumerValue::Group(GroupRecord {
                epoch: self.epochs.group,
                topics_hash: self.topics_hash,
            }),
            ConsumerKey::Targets => ConsumerValue::Targets(TargetsRecord {
                epoch: self.epochs.targets,
            }),
            ConsumerKey::Regex(regex) => ConsumerValue::Regex(RegexRecord {
                topics: storable(self.regexes.get(regex)?.topics()?),
                ..Default::default()
            }),
            ConsumerKey::Topics => return None,
        })
    }
}

/// As many topics as a record has room for. All are found again after a start, so the record is only for others to read; one
/// that fits into no batch would keep the whole group from being stored.
fn storable(topics: &BTreeSet<String>) -> Vec<String> {
    let mut room = MAX_RECORD;
    let fitting = topics.iter().take_while(|topic| {
        let left = room.checked_sub(topic.len() + 4);
        room = left.unwrap_or(0);
        left.is_some()
    });
    fitting.cloned().collect()
}
