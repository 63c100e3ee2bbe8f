//! Reading `__consumer_offsets` at the start: the last record of each key counts.
//!
//! Also what Apache Kafka wrote is read: in any compression, and with offsets committed in transactions, which count from the
//! marker that ends the transaction, or never.

use std::collections::HashMap;

use bytes::Bytes;
use kafkalite_log::{LogError, ReadUpTo, limits};
use kafkalite_records::{ControlKind, DecodedBatch, Decompressor, RecordsError, batches};

use super::storage::TOPIC;
use crate::replicas::Replicas;
use crate::replicas::partition::Partition;
use kafkalite_groups::consumer::StoredGroup;
use kafkalite_groups::offsets::Offsets;
use kafkalite_groups::records::{GroupMetadata, Key, OffsetValue, decode_value};
use kafkalite_names::counted;

const READ_BYTES: usize = 1 << 20;

/// What was stored of one group.
#[derive(Debug, Default)]
pub(super) struct Stored {
    pub(super) metadata: Option<GroupMetadata>,
    pub(super) consumer: StoredGroup,
    pub(super) offsets: Offsets,
}

impl Stored {
    fn is_empty(&self) -> bool {
        self.metadata.is_none() && !self.consumer.is_there() && self.offsets.is_empty()
    }
}

/// Reads all partitions of the topic, if it is there.
pub(super) fn load(replicas: &Replicas) -> Result<HashMap<String, Stored>, LogError> {
    let mut loading = Loading::default();
    let topic = replicas.by_name(TOPIC);
    for partition in topic.iter().flat_map(|topic| &topic.partitions) {
        loading.read(partition)?;
    }
    if loading.skipped > 0 {
        tracing::info!(
            "left out {} of {TOPIC}, about kinds of groups that are not known here",
            counted(loading.skipped, "record")
        );
    }
    loading.groups.retain(|_, stored| !stored.is_empty());
    Ok(loading.groups)
}

/// A record that takes effect.
struct Change {
    key: Key,
    value: Option<Bytes>,
}

#[derive(Default)]
struct Loading {
    groups: HashMap<String, Stored>,
    /// Of transactions that have not ended, by producer id.
    pending: HashMap<i64, Vec<Change>>,
    skipped: usize,
    decompressor: Decompressor,
}

impl Loading {
    fn read(&mut self, partition: &Partition) -> Result<(), LogError> {
        let log = &partition.log;
        let mut offset = log.start_offset();
        while offset < log.end_offset() {
            let slice = log.read(offset, READ_BYTES, ReadUpTo::End, true)?;
            let mut buffer = Vec::with_capacity(slice.len());
            slice.read_into(&mut buffer)?;
            let bytes = Bytes::from(buffer);
            let before = offset;
            for batch in batches(&bytes) {
                let Ok(batch) = batch else { break };
                offset = batch.header().next_offset();
                if let Err(error) = self.take(&bytes.slice_ref(batch.bytes())) {
                    let at = batch.header().base_offset;
                    tracing::error!(
                        "{TOPIC}-{}: the batch at {at} cannot be read: {error}",
                        partition.index
                    );
                }
            }
            if offset == before {
                tracing::error!(
                    "{TOPIC}-{}: nothing can be read from {offset} on",
                    partition.index
                );
                break;
            }
        }
        self.pending.clear();
        Ok(())
    }

    fn take(&mut self, batch: &Bytes) -> Result<(), RecordsError> {
        let batch = DecodedBatch::decode(batch, &mut self.decompressor, limits::READ)?;
        let header = *batch.header();
        for record in batch.records() {
            let record = record?;
            if header.is_control() {
                let marker = ControlKind::of(&record);
                self.end(header.producer_id, marker == Ok(ControlKind::Commit));
                marker?;
                continue;
            }
            let Some(Ok(key)) = record.key.map(Key::decode) else {
                tracing::warn!(
                    "{TOPIC}: the record at {} has no key that makes sense",
                    record.offset
                );
                continue;
            };
            let change = Change {
                key,
                value: record.value.map(Bytes::copy_from_slice),
            };
            if header.is_transactional() {
                self.pending
                    .entry(header.producer_id)
                    .or_default()
                    .push(change);
            } else {
                self.apply_now(change);
            }
        }
        Ok(())
    }

    /// A record of no transaction. What was committed before it, in a transaction that is still open, is older than it
    /// however that ends.
    fn apply_now(&mut self, change: Change) {
        for open in self.pending.values_mut() {
            open.retain(|older| older.key != change.key);
        }
        self.apply(change);
    }

    /// The end of a producer's transaction: what it committed takes effect, or never does.
    fn end(&mut self, producer_id: i64, committed: bool) {
        let ended = self.pending.remove(&producer_id).unwrap_or_default();
        for change in ended.into_iter().filter(|_| committed) {
            self.apply(change);
        }
    }

    fn apply(&mut self, Change { key, value }: Change) {
        let malformed = |key: &Key, error: &kafkalite_wire::Error| {
            tracing::warn!("{TOPIC}: the value of {key:?} is malformed: {error}");
        };
        match key {
            Key::Group(ref group) => match value.as_deref().map(decode_value).transpose() {
                Ok(metadata) => self.groups.entry(group.clone()).or_default().metadata = metadata,
                Err(error) => malformed(&key, &error),
            },
            Key::Offset {
                ref group,
                ref topic,
                partition,
            } => {
                match value
                    .as_deref()
                    .map(decode_value::<OffsetValue>)
                    .transpose()
                {
                    Ok(Some(offset)) => {
                        self.groups
                            .entry(group.clone())
                            .or_default()
                            .offsets
                            .put(topic, partition, offset);
                    }
                    Ok(None) => {
                        if let Some(stored) = self.groups.get_mut(group) {
                            stored.offsets.remove(topic, partition);
                        }
                    }
                    Err(error) => malformed(&key, &error),
                }
            }
            Key::Consumer(group, key) => {
                match value
                    .as_deref()
                    .map(|bytes| key.decode_value(bytes))
                    .transpose()
                {
                    Ok(value) => self
                        .groups
                        .entry(group)
                        .or_default()
                        .consumer
                        .apply(key, value),
                    Err(error) => {
                        tracing::warn!(
                            "{TOPIC}: the value of {key:?} of {group} is malformed: {error}"
                        );
                    }
                }
            }
            Key::Other(_) => self.skipped += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafkalite_groups::records::offset_entry;

    fn commit(partition: i32, offset: Option<i64>) -> Change {
        let value = offset.map(|offset| OffsetValue {
            offset,
            ..Default::default()
        });
        let entry = offset_entry("g", "t", partition, value.as_ref()).unwrap();
        Change {
            key: Key::decode(&entry.key).unwrap(),
            value: entry.value,
        }
    }

    #[test]
    fn a_transaction_that_ends_later_does_not_undo_what_was_committed_after_it() {
        let mut loading = Loading::default();
        let in_transaction = (0..3).map(|partition| commit(partition, Some(5)));
        loading.pending.insert(1, in_transaction.collect());
        loading.apply_now(commit(0, Some(9)));
        loading.apply_now(commit(1, None));
        loading.end(1, true);
        let offsets = &loading.groups["g"].offsets;
        let of = |partition| offsets.of("t", partition).map(|found| found.offset);
        assert_eq!((of(0), of(1), of(2)), (Some(9), None, Some(5)));
    }
}
