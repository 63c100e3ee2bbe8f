//! Says that records wait for what the cluster does not have: they would wait for `delivery.timeout.ms` in silence.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::Sender;
use crate::cluster::{Metadata, Missing};

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
    pub(super) fn tell_of_missing(&self, metadata: &Metadata) {
        let now = Instant::now();
        let mut topics: BTreeMap<&Arc<str>, Waiting> = BTreeMap::new();
        let active = self.active.iter().filter_map(|lane| self.lanes.get(lane));
        for lane in active {
            let (topic, partition) = (&lane.accumulator.topic, lane.accumulator.partition);
            let Some(missing) = metadata.missing(topic, partition) else {
                continue;
            };
            let (records, Some(oldest)) = lane.unsent() else {
                continue;
            };
            let absences = &self.shared.cluster.absences;
            let waiting = topics.entry(topic).or_insert(Waiting {
                partition,
                missing,
                records: 0,
                oldest,
                is_due: false,
            });
            waiting.records += records;
            waiting.oldest = waiting.oldest.min(oldest);
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
                        "topic {topic} has no partition {} any more, but {count}",
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
