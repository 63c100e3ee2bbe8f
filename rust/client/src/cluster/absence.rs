//! What somebody waits for and the cluster does not have: when it is time to say so, once.
//!
//! Clients that share a cluster (the streams of one consumer) say it once together.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::metadata::{Metadata, Missing};

/// How long a cluster that creates topics by itself may take to do so before a missing one is spoken of.
pub(crate) const CREATION: Duration = Duration::from_secs(1);

/// What is missing.
#[derive(Debug, Default)]
pub(crate) struct Absences(Mutex<HashMap<Absent, Absence>>);

/// A topic, or a partition of one that is there.
type Absent = (Arc<str>, Option<i32>);

#[derive(Debug)]
struct Absence {
    since: Instant,
    is_told: bool,
}

impl Absences {
    /// Somebody waits for a partition that is missing: whether that is to be said now. It is once, when it has been missing for
    /// longer than creating it takes.
    pub(crate) fn is_due(
        &self,
        topic: &Arc<str>,
        partition: i32,
        missing: Missing,
        now: Instant,
    ) -> bool {
        let partition = match missing {
            Missing::Topic => None,
            Missing::Partition(_) => Some(partition),
        };
        let mut absences = self.0.lock();
        let absence = absences.entry((Arc::clone(topic), partition));
        let absence = absence.or_insert(Absence {
            since: now,
            is_told: false,
        });
        let is_due = !absence.is_told && now >= absence.since + CREATION;
        absence.is_told |= is_due;
        is_due
    }

    /// It is certain that a topic has gone: whether that is still to be said.
    pub(crate) fn is_gone(&self, topic: &Arc<str>, now: Instant) -> bool {
        let mut absences = self.0.lock();
        let told = Absence {
            since: now,
            is_told: true,
        };
        let before = absences.insert((Arc::clone(topic), None), told);
        !before.is_some_and(|absence| absence.is_told)
    }

    /// Forgets what is there again, or is waited for by nobody.
    pub(super) fn look(&self, metadata: &Metadata, is_wanted: impl Fn(&str) -> bool) {
        self.0.lock().retain(|(topic, partition), _| {
            let missing = metadata.missing(topic, partition.unwrap_or(0));
            let is_same = match partition {
                None => missing == Some(Missing::Topic),
                Some(_) => matches!(missing, Some(Missing::Partition(_))),
            };
            is_same && is_wanted(topic)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{PartitionMetadata, TopicMetadata};
    use kafkalite_wire::ErrorCode;

    fn having(partitions: usize) -> Metadata {
        let partition = PartitionMetadata {
            leader: Some(1),
            leader_epoch: 0,
        };
        let topic = TopicMetadata {
            name: "t".into(),
            id: uuid::Uuid::nil(),
            error: match partitions {
                0 => ErrorCode::UnknownTopicOrPartition,
                _ => ErrorCode::None,
            },
            partitions: vec![partition; partitions],
        };
        let mut metadata = Metadata::unknown();
        metadata.topics.insert("t".into(), Arc::new(topic));
        metadata
    }

    #[test]
    fn what_is_missing_is_told_once_until_it_was_there_in_between() {
        let (absences, topic) = (Absences::default(), "t".into());
        let start = Instant::now();
        let due = |seconds, missing| {
            let now = start + CREATION * seconds;
            absences.is_due(&topic, 2, missing, now)
        };
        assert!(!due(0, Missing::Topic), "it may be in creation");
        assert!(due(1, Missing::Topic));
        absences.look(&having(0), |_| true);
        assert!(!due(2, Missing::Topic), "told");
        absences.look(&having(2), |_| true);
        assert!(!due(2, Missing::Partition(2)), "this is something else");
        assert!(due(3, Missing::Partition(2)));
        absences.look(&having(3), |_| true);
        assert!(!due(4, Missing::Topic) && due(5, Missing::Topic), "again");
    }

    #[test]
    fn what_nobody_waits_for_any_more_is_forgotten() {
        let (absences, topic) = (Absences::default(), "t".into());
        let now = Instant::now();
        assert!(absences.is_gone(&topic, now) && !absences.is_gone(&topic, now));
        absences.look(&having(0), |_| false);
        assert!(absences.0.lock().is_empty());
    }
}
