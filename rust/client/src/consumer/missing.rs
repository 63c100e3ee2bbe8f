//! Says that a consumer waits for what the cluster does not have: nothing else would tell why nothing comes.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafkalite_names::counted;
use tokio::time::Instant;

use super::shared::ConsumerShared;
use crate::cluster::{Metadata, Missing, shown};
use crate::config::OffsetReset;

/// What is waited for of one topic.
#[derive(Debug)]
struct Waiting {
    /// One of the partitions that are missing.
    partition: i32,
    missing: Missing,
    /// It was there before.
    was_there: bool,
    /// A group gave it to this consumer.
    in_group: bool,
    is_due: bool,
}

impl ConsumerShared {
    /// Warns, once for each topic, of partitions that the cluster does not have.
    pub(super) fn tell_of_missing(&self, metadata: &Metadata) {
        for (topic, waiting) in self.missing(metadata) {
            if waiting.is_due {
                self.tell(&topic, &waiting);
            }
        }
    }

    fn missing(&self, metadata: &Metadata) -> BTreeMap<Arc<str>, Waiting> {
        let now = Instant::now();
        self.look(|partitions| {
            let mut topics = BTreeMap::new();
            for (of, partition) in partitions {
                let Some(missing) = metadata.missing(&of.topic, of.partition) else {
                    continue;
                };
                let waiting = topics.entry(Arc::clone(&of.topic)).or_insert(Waiting {
                    partition: of.partition,
                    missing,
                    was_there: false,
                    in_group: partition.claim.is_some(),
                    is_due: false,
                });
                waiting.was_there |= !partition.topic_id.is_nil();
                let absences = &self.cluster.absences;
                waiting.is_due |= absences.is_due(&of.topic, of.partition, missing, now);
            }
            topics
        })
    }

    fn tell(&self, topic: &str, waiting: &Waiting) {
        let config = &self.config;
        let what = match (waiting.missing, waiting.was_there) {
            (Missing::Topic, true) => format!("topic {topic} does not exist any more"),
            (Missing::Topic, false) => format!("there is no topic {topic}"),
            (Missing::Partition(count), _) => {
                let partition = waiting.partition;
                format!(
                    "topic {topic} has {} now, and no partition {partition}",
                    counted(count, "partition")
                )
            }
        };
        let again = match config.auto_offset_reset {
            OffsetReset::None => "with auto.offset.reset=none you have to seek then",
            _ => "if it is created anew, from its beginning",
        };
        if waiting.in_group {
            tracing::warn!(
                "{}: {what}; nothing is read of it, and the group divides anew without it when its leader notices, after \
                 metadata.max.age.ms={} at the latest. What is published there is read as soon as it exists",
                shown(&config.group_id),
                config.client.metadata_max_age.as_millis(),
            );
        } else {
            tracing::warn!(
                "{what}; this consumer waits for it, and reads on as soon as it exists: {again}. Create it, or read something else"
            );
        }
    }
}
