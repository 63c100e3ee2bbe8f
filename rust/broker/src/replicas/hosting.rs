//! More comes to lie here, or this broker becomes something else to what lies here.

use std::sync::Arc;

use arc_swap::ArcSwap;
use kafkalite_log::LogError;

use super::opening::{Known, Lying, Wanted, open_partitions};
use super::{HostedTopic, Partition, Replicas};
use crate::refusal::Refusal;

impl Replicas {
    /// Has these partitions lie here, and this broker be to them what it is told: those that are not there are created, a topic's
    /// all or none, and then seen by everybody. An outcome for each topic, in order. Call it in turn with changes of settings.
    pub(crate) fn host(&self, topics: &[Lying]) -> Vec<Result<(), Refusal>> {
        let before = self.current.load_full();
        let mut wanted = Vec::new();
        let mut additions = Vec::with_capacity(topics.len());
        for topic in topics {
            // Not an earlier one of the name: its partitions are another topic's.
            let there = before.by_id(topic.id);
            let settings = match there {
                Some(there) => Arc::clone(&there.settings),
                None => Arc::new(ArcSwap::from_pointee(
                    self.configs.topic_settings(&topic.name),
                )),
            };
            let is_there = |index| there.is_some_and(|there| there.partition(index).is_some());
            let known = |index| (!is_there(index)).then_some(Known::NOTHING);
            let added = topic.wanted(&settings.load_full(), known);
            additions.push((there, settings, added.len()));
            wanted.extend(added);
        }
        let mut opened = match self.create(&wanted) {
            Ok(opened) => opened.into_iter(),
            Err(refusal) => return topics.iter().map(|_| Err(refusal.clone())).collect(),
        };
        let mut grown = Vec::new();
        let mut outcomes = Vec::with_capacity(topics.len());
        for (topic, (there, settings, count)) in topics.iter().zip(additions) {
            // To the end, also of one that failed: the next topic's partitions follow.
            let added: Vec<_> = opened.by_ref().take(count).collect();
            let outcome = added.into_iter().collect::<Result<Vec<_>, LogError>>();
            let outcome = outcome.and_then(|added| {
                if let Some(there) = there {
                    take_duties(there, topic)?;
                }
                Ok(added)
            });
            outcomes.push(outcome.map_err(Refusal::from).map(|added| {
                if !added.is_empty() {
                    let kept = there
                        .iter()
                        .flat_map(|there| there.partitions.iter().cloned());
                    grown.push(topic.hosted(settings, kept.chain(added).collect()));
                }
            }));
        }
        if !grown.is_empty() {
            self.publish(|hosted| {
                for topic in &grown {
                    hosted.insert(Arc::clone(topic));
                }
            });
        }
        outcomes
    }

    fn create(&self, wanted: &[Wanted]) -> Result<Vec<Result<Arc<Partition>, LogError>>, Refusal> {
        match &*self.dir.lock() {
            Some(data_dir) => Ok(open_partitions(data_dir, wanted, &self.world)?),
            None => Err(Refusal::stopping()),
        }
    }
}

/// Has this broker be to the partitions that were there what it is told.
fn take_duties(there: &HostedTopic, told: &Lying) -> Result<(), LogError> {
    for &(index, duty) in &told.partitions {
        if let Some(partition) = there.partition(index) {
            partition.take(duty)?;
        }
    }
    Ok(())
}
