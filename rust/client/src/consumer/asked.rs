//! What one fetch asked for, by which its answer is understood.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::session::Want;
use kafkalite_names::TopicPartition;

/// The partitions that a fetch asked for, each in the generation that it had then.
#[derive(Debug)]
pub(super) struct Asked {
    generations: HashMap<TopicPartition, u64>,
    /// Of the topics that were asked for by id.
    names: HashMap<Uuid, Arc<str>>,
}

impl Asked {
    pub(super) fn new<'a>(wanted: impl IntoIterator<Item = &'a (Want, u64)>) -> Self {
        let mut names = HashMap::new();
        let generations = wanted.into_iter().map(|(want, generation)| {
            if !want.topic_id.is_nil() {
                names
                    .entry(want.topic_id)
                    .or_insert_with(|| Arc::clone(&want.of.topic));
            }
            (want.of.clone(), *generation)
        });
        let generations = generations.collect();
        Self { generations, names }
    }

    /// The topic that an answer names, by id or, where it has none, by name.
    pub(super) fn topic(&self, name: &str, id: Uuid) -> Option<Arc<str>> {
        if id.is_nil() {
            Some(name.into())
        } else {
            self.names.get(&id).cloned()
        }
    }

    /// The generation in which this partition was asked for.
    pub(super) fn generation(&self, of: &TopicPartition) -> Option<u64> {
        self.generations.get(of).copied()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&TopicPartition, u64)> {
        let each = self.generations.iter();
        each.map(|(of, generation)| (of, *generation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn want(topic: &str, id: u128) -> (Want, u64) {
        let want = Want {
            of: TopicPartition::new(topic, 0),
            topic_id: Uuid::from_u128(id),
            offset: 0,
            leader_epoch: 0,
            max_bytes: 0,
        };
        (want, id as u64)
    }

    #[test]
    fn topics_are_found_by_id_or_by_name_and_strangers_are_not() {
        let asked = Asked::new(&[want("a", 1), want("b", 0)]);
        let generation = |name, id| {
            let topic = asked.topic(name, Uuid::from_u128(id))?;
            asked.generation(&TopicPartition::new(topic, 0))
        };
        assert_eq!(generation("", 1), Some(1));
        assert_eq!(generation("b", 0), Some(0));
        assert_eq!(generation("", 2), None, "another topic of that name");
        assert_eq!(generation("c", 0), None);
    }
}
