//! One such topic, as its keeper writes it and reads it.

use std::sync::Arc;

use kafkalite_cluster::{TopicKey, elsewhere};
use kafkalite_log::LogError;
use kafkalite_wire::ErrorCode;

use super::batches::batches;
use super::keeper::{is_undecided, keeper};
use super::partitioner::partition_of;
use super::replay::Replay;
use super::{InternalTopic, StoredUpTo};
use crate::refusal::Refusal;
use crate::registry::Registry;
use crate::replicas::Replicas;

/// What a record may have until there is a topic whose `max.message.bytes` says it: Kafka's default.
const MAX_RECORD: usize = 1_048_588;

/// A topic that the broker keeps for itself, which may not be there yet.
pub(crate) struct InternalLog {
    topic: InternalTopic,
    registry: Arc<Registry>,
    replicas: Arc<Replicas>,
}

impl InternalLog {
    pub(crate) fn new(
        topic: InternalTopic,
        registry: Arc<Registry>,
        replicas: Arc<Replicas>,
    ) -> Self {
        Self {
            topic,
            registry,
            replicas,
        }
    }

    /// Creates the topic unless it is there. Call it before anything that may have to be stored.
    pub(crate) async fn ready(&self) -> Result<(), Refusal> {
        if self.registry.topic(self.topic.name).is_some() {
            return Ok(());
        }
        let new = self.topic.to_create(&self.registry);
        match self.registry.create_own(new).await {
            Err(refusal) if refusal.code != ErrorCode::TopicAlreadyExists => Err(refusal),
            _ => Ok(()),
        }
    }

    /// The broker that keeps an owner's records; `None` while there is none.
    pub(crate) fn keeper(&self, owner: &str) -> Option<i32> {
        keeper(&self.registry.image(), self.topic.name, owner)
    }

    /// Whether nobody keeps anything before the topic is spread over several brokers.
    pub(crate) fn is_undecided(&self) -> bool {
        is_undecided(&self.registry.image(), self.topic.name)
    }

    /// Most bytes of one record, which has a batch to itself then.
    pub(crate) fn max_record(&self) -> usize {
        let topic = self.replicas.by_name(self.topic.name);
        let own = topic.map(|topic| topic.settings.load().log.max_message_bytes as usize);
        own.unwrap_or(MAX_RECORD)
    }

    /// Appends records, keys with values or with `None` for a tombstone, to the partition that keeps those of an owner, in as
    /// few batches as they fit into: to the page cache, without waiting. Whoever acts on them waits until they are visible.
    pub(crate) fn append<'a>(
        &self,
        owner: &str,
        records: impl IntoIterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    ) -> Result<StoredUpTo, Refusal> {
        let name = self.topic.name;
        let image = self.registry.image();
        let index = partition_of(owner, image.find(name)?.partitions.len());
        let topic = self.replicas.by_name(name);
        let here = topic.as_deref();
        let here = here.and_then(|topic| Some((topic, topic.partition(index)?)));
        let (topic, partition) = here.ok_or_else(|| {
            let key = TopicKey::Name(name.into());
            Refusal::from(elsewhere(&image, &key, index))
        })?;
        let max_bytes = topic.settings.load().log.max_message_bytes as usize;
        let mut end = 0;
        for batch in batches(records, max_bytes, partition.clock.now_ms())? {
            let appended = partition.append(&batch);
            end = appended
                .map_err(|error| partition.explain(error))?
                .last_offset
                + 1;
        }
        Ok(StoredUpTo::new(Arc::clone(partition), end))
    }

    /// Reads all that is stored, if anything is: what records are about by `decode`, `None` for what makes no sense; then `apply`
    /// takes them one by one, in the order in which they take effect. Blocks.
    pub(crate) fn replay<K: PartialEq>(
        &self,
        decode: impl Fn(&[u8]) -> Option<K>,
        apply: impl FnMut(K, Option<&[u8]>),
    ) -> Result<(), LogError> {
        let mut replay = Replay::new(decode, apply);
        let topic = self.replicas.by_name(self.topic.name);
        for partition in topic.iter().flat_map(|topic| &topic.partitions) {
            replay.read(partition)?;
        }
        Ok(())
    }
}
