//! Says that records wait for what the cluster does not have: they would wait for `delivery.timeout.ms` in silence.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafkalite_names::counted;
use tokio::time::Instant;

use super::Sender;
use crate::cluster::Missing;

/// What waits for one topic.
#[derive(Debug)]
struct Waiting {
    partition: i32,
    missing: Missing,
    records: u64,
    oldest: Instant,
    is_due: bool,
}

impl Sender {
    /// Warns, once for each topic, of records that wait for a topic or a partition that the cluster does not have.
    pub(super) fn tell_of_missing(&self) {
        let now = Instant::now();
        let mut topics: BTreeMap<&Arc<str>, Waiting> = BTreeMap::new();
        for stranded in self.dispatcher.stranded() {
            let (topic, partition, missing) =
                (stranded.topic, stranded.partition, stranded.missing);
            let absences = &self.shared.cluster.absences;
            let waiting = topics.entry(topic).or_insert(Waiting {
                partition,
                missing,
                records: 0,
                oldest: stranded.oldest,
                is_due: false,
            });
            waiting.records += stranded.records;
            waiting.oldest = waiting.oldest.min(stranded.oldest);
            waiting.is_due |= absences.is_due(topic, partition, missing, now);
        }
        for (topic, waiting) in topics.iter().filter(|(_, waiting)| waiting.is_due) {
            let limit = self.shared.config.delivery_timeout;
            let left = (waiting.oldest + limit).saturating_duration_since(now);
            let (what, remedy) = match waiting.missing {
                Missing::Topic => (
                    format!("topic {topic} does not exist any more"),
                    "Create it, or send elsewhere",
                ),
                Missing::Partition(count) => (
                    format!(
                        "topic {topic} has {} now, and no partition {} any more",
                        counted(count, "partition"),
                        waiting.partition
                    ),
                    "Add partitions to it, or choose another partition",
                ),
            };
            let records = match waiting.records {
                1 => "1 record waits".to_owned(),
                records => format!("{records} records wait"),
            };
            tracing::warn!(
                "{what}: {records} for it, and what is not sent when delivery.timeout.ms={} are over fails, the oldest in {} s. \
                 {remedy}",
                limit.as_millis(),
                left.as_secs(),
            );
        }
    }
}
