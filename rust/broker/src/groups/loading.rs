//! What stands in `__consumer_offsets` at the start: the last record of each key counts.

use std::collections::HashMap;

use kafkalite_log::LogError;

use super::TOPIC;
use crate::internal_log::InternalLog;
use kafkalite_groups::consumer::StoredGroup;
use kafkalite_groups::offsets::Offsets;
use kafkalite_groups::records::{GroupMetadata, Key, OffsetValue, decode_value};
use kafkalite_names::counted;

/// What was stored of one group.
#[derive(Debug, Default)]
pub(super) struct LoadedGroup {
    pub(super) metadata: Option<GroupMetadata>,
    pub(super) consumer: StoredGroup,
    pub(super) offsets: Offsets,
}

impl LoadedGroup {
    fn is_empty(&self) -> bool {
        self.metadata.is_none() && !self.consumer.is_there() && self.offsets.is_empty()
    }
}

/// Reads the topic, if it is there.
pub(super) fn load(log: &InternalLog) -> Result<HashMap<String, LoadedGroup>, LogError> {
    let mut loading = Loading::default();
    let key = |bytes: &[u8]| Key::decode(bytes).ok();
    log.replay(key, |key, value| loading.apply(key, value))?;
    if loading.skipped > 0 {
        tracing::info!(
            "left out {} of {TOPIC}, about kinds of groups that are not known here",
            counted(loading.skipped, "record")
        );
    }
    loading.groups.retain(|_, stored| !stored.is_empty());
    Ok(loading.groups)
}

#[derive(Default)]
struct Loading {
    groups: HashMap<String, LoadedGroup>,
    skipped: usize,
}

impl Loading {
    /// Takes one record over; no value is a tombstone.
    fn apply(&mut self, key: Key, value: Option<&[u8]>) {
        let malformed = |key: &Key, error: &kafkalite_wire::Error| {
            tracing::warn!("{TOPIC}: the value of {key:?} is malformed: {error}");
        };
        match key {
            Key::Group(ref group) => match value.map(decode_value).transpose() {
                Ok(metadata) => self.groups.entry(group.clone()).or_default().metadata = metadata,
                Err(error) => malformed(&key, &error),
            },
            Key::Offset {
                ref group,
                ref topic,
                partition,
            } => match value.map(decode_value::<OffsetValue>).transpose() {
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
            },
            Key::Consumer(group, key) => {
                match value.map(|bytes| key.decode_value(bytes)).transpose() {
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
