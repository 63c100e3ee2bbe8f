//! What the process that a broker lives in may ask of it without a socket: its topics.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::{
    Broker, refusal::Refusal, registry::NewTopic, replicas::HostedTopic, state::BrokerState,
};

use kafkalite_cluster::names;
use kafkalite_wire::ErrorCode;

/// A topic at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSummary {
    /// Its name.
    pub name: String,
    /// Whether compaction may have left gaps: the policy has it now, or had it. Then there are fewer messages than offsets.
    pub compacted: bool,
    /// Its partitions, by number.
    pub partitions: Vec<PartitionSummary>,
}

/// A partition at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionSummary {
    /// Offset of the first message that is kept.
    pub start_offset: i64,
    /// Offset that the next message gets.
    pub end_offset: i64,
    /// Segment files.
    pub segments: usize,
    /// Bytes in them.
    pub size: u64,
}

impl Broker {
    /// All topics, by name, without those that the broker keeps for itself.
    #[allow(clippy::unused_async)] // asked like its siblings
    pub async fn topics(&self) -> Result<Vec<TopicSummary>, Refusal> {
        let state = self.serving()?;
        let mut topics: Vec<_> = state
            .replicas
            .snapshot()
            .iter()
            .filter(|topic| !names::is_internal(&topic.name))
            .map(|topic| summary(topic))
            .collect();
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(topics)
    }

    /// Creates a topic with these settings (Kafka's names), of as many partitions as `num.partitions` says if it is not said.
    /// It is usable when this returns.
    pub async fn create_topic<'a>(
        &self,
        name: &str,
        partitions: Option<i32>,
        settings: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), Refusal> {
        let state = self.serving()?;
        let overrides = state
            .configs
            .check_topic(settings)
            .map_err(|error| Refusal::new(ErrorCode::InvalidConfig, error.to_string()))?;
        let partitions = partitions.unwrap_or(state.configs.settings().num_partitions);
        let new = NewTopic {
            name: name.to_owned(),
            wish: state.registry.anywhere(partitions),
            overrides,
        };
        one(state.registry.create(vec![new]).await).map(|_| ())
    }

    /// Deletes a topic. It is gone when this returns, its files some time later.
    pub async fn delete_topic(&self, name: &str) -> Result<(), Refusal> {
        let state = self.serving()?;
        one(state.registry.delete(vec![name.to_owned()]).await)?;
        let names = HashSet::from([name.to_owned()]);
        state.groups.topics_deleted(names).await;
        Ok(())
    }

    fn serving(&self) -> Result<Arc<BrokerState>, Refusal> {
        self.state().ok_or_else(Refusal::stopping)
    }
}

fn one<T>(mut outcomes: Vec<Result<T, Refusal>>) -> Result<T, Refusal> {
    outcomes.pop().expect("one outcome for one topic")
}

fn summary(topic: &HostedTopic) -> TopicSummary {
    let partitions = topic.partitions.iter().map(|partition| PartitionSummary {
        start_offset: partition.log.start_offset(),
        end_offset: partition.log.end_offset(),
        segments: partition.log.segment_bases().len(),
        size: partition.log.size(),
    });
    let was_compacted = || {
        let mut partitions = topic.partitions.iter();
        partitions.any(|partition| {
            partition.has_been_compacted.load(Ordering::Relaxed)
                || partition.compacted_to.load(Ordering::Relaxed) > 0
        })
    };
    TopicSummary {
        name: topic.name.to_string(),
        compacted: topic.settings.load().compact || was_compacted(),
        partitions: partitions.collect(),
    }
}
