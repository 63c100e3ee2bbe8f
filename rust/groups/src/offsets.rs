//! What one group has committed: by topic and partition.

use std::collections::BTreeMap;

use super::records::OffsetValue;

/// A group's committed offsets.
#[derive(Debug, Default)]
pub struct Offsets(BTreeMap<String, BTreeMap<i32, OffsetValue>>);

impl Offsets {
    /// Keeps what was committed for a partition, instead of what was before.
    pub fn put(&mut self, topic: &str, partition: i32, offset: OffsetValue) {
        match self.0.get_mut(topic) {
            Some(partitions) => partitions.insert(partition, offset),
            None => self
                .0
                .entry(topic.to_owned())
                .or_default()
                .insert(partition, offset),
        };
    }

    /// Forgets what was committed for a partition.
    pub fn remove(&mut self, topic: &str, partition: i32) {
        if let Some(partitions) = self.0.get_mut(topic) {
            partitions.remove(&partition);
            if partitions.is_empty() {
                self.0.remove(topic);
            }
        }
    }

    /// What was committed for a partition.
    pub fn of(&self, topic: &str, partition: i32) -> Option<&OffsetValue> {
        self.0.get(topic)?.get(&partition)
    }

    /// Nothing is committed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All, by topic.
    pub fn topics(&self) -> impl Iterator<Item = (&str, &BTreeMap<i32, OffsetValue>)> {
        self.0
            .iter()
            .map(|(topic, partitions)| (topic.as_str(), partitions))
    }

    /// The places of all that `which` says yes to.
    pub fn places(
        &self,
        mut which: impl FnMut(&str, i32, &OffsetValue) -> bool,
    ) -> Vec<(String, i32)> {
        let mut places = Vec::new();
        for (topic, partitions) in &self.0 {
            for (&partition, offset) in partitions {
                if which(topic, partition, offset) {
                    places.push((topic.clone(), partition));
                }
            }
        }
        places
    }
}

/// Whether an offset that ages from this moment on is due to be forgotten.
pub fn is_expired(offset: &OffsetValue, ages_from: i64, now_ms: i64, retention_ms: i64) -> bool {
    match offset.expire_timestamp {
        ..0 => now_ms.saturating_sub(ages_from) >= retention_ms,
        // Clients until 2018 could say themselves how long.
        expires => now_ms >= expires,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(offset: i64) -> OffsetValue {
        OffsetValue {
            offset,
            ..Default::default()
        }
    }

    #[test]
    fn the_last_commit_counts_and_nothing_is_left_of_what_was_removed() {
        let mut offsets = Offsets::default();
        offsets.put("t", 0, at(1));
        offsets.put("t", 0, at(2));
        offsets.put("t", 1, at(3));
        assert_eq!(offsets.of("t", 0).unwrap().offset, 2);
        assert_eq!(offsets.of("t", 2), None);
        assert_eq!(
            offsets.places(|_, _, offset| offset.offset > 2),
            [("t".to_owned(), 1)]
        );
        offsets.remove("t", 0);
        offsets.remove("t", 1);
        offsets.remove("u", 1);
        assert!(offsets.is_empty() && offsets.topics().next().is_none());
    }

    #[test]
    fn an_offset_expires_after_the_retention_unless_it_says_otherwise() {
        assert!(!is_expired(&at(1), 100, 199, 100));
        assert!(is_expired(&at(1), 100, 200, 100));
        let own = OffsetValue {
            expire_timestamp: 150,
            ..at(1)
        };
        assert!(is_expired(&own, 100, 150, 1_000_000) && !is_expired(&own, 0, 149, 1));
    }
}
