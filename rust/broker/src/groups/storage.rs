//! The topic `__consumer_offsets`, as groups write it.

use std::sync::Arc;

use bytes::Bytes;
use kafkalite_cluster::{unknown_partition, unknown_topic};
use kafkalite_records::{BatchBuilder, BatchOrigin, Compression, Compressor};
use kafkalite_wire::ErrorCode;

use crate::config::{Configs, LEAST_SEGMENT_BYTES, Overrides};
use crate::refusal::Refusal;
use crate::registry::{NewTopic, Registry};
use crate::replicas::partition::Partition;
use crate::replicas::{HostedTopic, Replicas};
use kafkalite_groups::stored_record::StoredRecord;

/// The topic's name.
pub(crate) const TOPIC: &str = "__consumer_offsets";

/// What a record may have until there is a topic whose `max.message.bytes` says it: Kafka's default.
const MAX_RECORD: usize = 1_048_588;

/// Where groups are stored.
pub(super) struct Storage {
    pub(super) registry: Arc<Registry>,
    pub(super) replicas: Arc<Replicas>,
    pub(super) configs: Arc<Configs>,
}

/// Records that are in the log, perhaps not yet where a power cut spares them.
#[derive(Debug, Clone)]
#[must_use = "an answer waits until its records are visible"]
pub(super) struct StoredUpTo {
    partition: Arc<Partition>,
    end: i64,
}

impl StoredUpTo {
    pub(super) fn is_visible(&self) -> bool {
        self.partition.log.high_watermark() >= self.end
    }

    pub(super) async fn until_visible(&self) -> Result<(), Refusal> {
        self.partition.until_visible(self.end).await
    }
}

impl Storage {
    /// Creates the topic unless it is there. Call it before anything that may have to be stored.
    pub(super) async fn ready(&self) -> Result<(), Refusal> {
        if self.registry.topic(TOPIC).is_some() {
            return Ok(());
        }
        let settings = self.configs.settings();
        let segment_bytes = settings.offsets_topic_segment_bytes;
        let overrides = [
            ("cleanup.policy", "compact".to_owned()),
            ("compression.type", "producer".to_owned()),
            // Kafka takes small ones here, too, and then refuses its own topic for ever.
            (
                if segment_bytes < LEAST_SEGMENT_BYTES {
                    "internal.segment.bytes"
                } else {
                    "segment.bytes"
                },
                segment_bytes.to_string(),
            ),
        ];
        let new = NewTopic {
            name: TOPIC.to_owned(),
            partitions: settings.offsets_topic_num_partitions,
            overrides: Overrides::from(overrides.map(|(name, value)| (name.to_owned(), value))),
        };
        match self.registry.create_own(new).await {
            Err(refusal) if refusal.code != ErrorCode::TopicAlreadyExists => Err(refusal),
            _ => Ok(()),
        }
    }

    /// Most bytes of one record, which has a batch to itself then.
    pub(super) fn max_record(&self) -> usize {
        let topic = self.replicas.by_name(TOPIC);
        let own = topic.map(|topic| topic.settings.load().log.max_message_bytes as usize);
        own.unwrap_or(MAX_RECORD)
    }

    /// Appends a group's records to its partition, in as few batches as they fit into.
    pub(super) fn append(
        &self,
        group: &str,
        entries: &[StoredRecord],
    ) -> Result<StoredUpTo, Refusal> {
        let topic = self
            .replicas
            .by_name(TOPIC)
            .ok_or_else(|| Refusal::from(unknown_topic(TOPIC)))?;
        let partition = partition_of(&topic, group)?;
        let max_bytes = topic.settings.load().log.max_message_bytes as usize;
        let mut end = 0;
        for batch in batches(entries, max_bytes, partition.clock.now_ms())? {
            let appended = partition.append(&batch);
            end = appended
                .map_err(|error| partition.explain(error))?
                .last_offset
                + 1;
        }
        Ok(StoredUpTo {
            partition: Arc::clone(partition),
            end,
        })
    }
}

fn batches(entries: &[StoredRecord], max_bytes: usize, now_ms: i64) -> Result<Vec<Bytes>, Refusal> {
    let too_large = || {
        Refusal::new(
            ErrorCode::InvalidCommitOffsetSize,
            "a record of this group is too large",
        )
    };
    let mut compressor = Compressor::new(Compression::None, None)
        .map_err(|error| Refusal::new(ErrorCode::UnknownServerError, error.to_string()))?;
    let mut builder = BatchBuilder::new(max_bytes);
    let mut batches = Vec::new();
    for StoredRecord { key, value } in entries {
        let mut fits = builder.try_append(now_ms, Some(key), value.as_deref(), &[]);
        if !fits {
            batches.extend(builder.build(0, BatchOrigin::ANONYMOUS, &mut compressor));
            fits = builder.try_append(now_ms, Some(key), value.as_deref(), &[]);
        }
        if !fits {
            return Err(too_large());
        }
    }
    batches.extend(builder.build(0, BatchOrigin::ANONYMOUS, &mut compressor));
    Ok(batches)
}

/// The partition that keeps a group: as in Kafka, so that a directory of its is read right.
fn partition_of<'a>(topic: &'a HostedTopic, group: &str) -> Result<&'a Arc<Partition>, Refusal> {
    let hash = match java_hash(group) {
        // The one number whose absolute value Java does not have.
        i32::MIN => 0,
        hash => hash.unsigned_abs(),
    };
    let index = hash.checked_rem(topic.partitions.len() as u32).unwrap_or(0) as i32;
    topic
        .partition(index)
        .ok_or_else(|| Refusal::from(unknown_partition(TOPIC, index)))
}

/// Java's `String.hashCode`.
fn java_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0, |hash: i32, unit| {
        hash.wrapping_mul(31).wrapping_add(i32::from(unit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_javas() {
        assert_eq!(
            (java_hash(""), java_hash("a"), java_hash("hello")),
            (0, 97, 99_162_322)
        );
        assert_eq!(java_hash("Aa"), java_hash("BB"));
        assert_eq!(java_hash("polygenelubricants"), i32::MIN);
    }

    #[test]
    fn many_records_are_split_over_batches_of_the_allowed_size() {
        let entry = StoredRecord {
            key: Bytes::from(vec![1; 100]),
            value: Some(Bytes::from(vec![2; 100])),
        };
        let batches = batches(&vec![entry; 100], 1000, 0).unwrap();
        assert!(batches.len() > 10 && batches.iter().all(|batch| batch.len() <= 1000));
    }
}
