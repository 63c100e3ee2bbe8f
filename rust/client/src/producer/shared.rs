//! What the threads that produce share with the task that sends.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kafkalite_world::{Clock, World};
use tokio::time::timeout;

use super::accumulator::Intake;
use super::batch::BatchPlace;
use super::budget::Budget;
use super::topic::KnownTopic;
use super::topics::KnownTopics;
use crate::close_signal::CloseSignal;
use crate::cluster::Cluster;
use crate::config::ProducerConfig;
use crate::error::{ClientError, Result};

#[derive(Debug)]
pub(super) struct ProducerShared {
    pub(super) config: ProducerConfig,
    pub(super) cluster: Cluster,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) topics: Arc<KnownTopics>,
    pub(super) intake: Intake,
    pub(super) budget: Budget,
    pub(super) closing: CloseSignal,
    /// Give up what is left.
    pub(super) abort: AtomicBool,
    /// Closed before all was delivered: who flushes meanwhile is told so, also if `close` reports the failures.
    pub(super) cut_off: AtomicBool,
}

impl ProducerShared {
    pub(super) fn new(config: ProducerConfig, cluster: Cluster, world: &World) -> Self {
        Self {
            cluster,
            clock: Arc::clone(&world.clock),
            topics: Arc::new(KnownTopics::new(world.dice.fork())),
            intake: Intake::new(config.batch_size, Arc::clone(&world.clock)),
            budget: Budget::new(config.buffer_memory),
            closing: CloseSignal::new("producer"),
            abort: AtomicBool::new(false),
            cut_off: AtomicBool::new(false),
            config,
        }
    }

    /// A batch was delivered or failed: its memory is free.
    pub(super) fn settled(&self, batch: BatchPlace, memory: usize) {
        self.intake.ledger.settled(batch);
        self.budget.release(memory);
    }

    /// Waits until `bytes` of the buffer are free.
    pub(super) async fn room(&self, bytes: usize) -> Result<()> {
        let _hurry = self.intake.bell.hurry();
        self.budget.room(bytes, self.config.max_block).await
    }

    /// Waits until every batch that exists now is settled.
    pub(super) async fn drained(&self) {
        let _hurry = self.intake.bell.hurry();
        self.intake.ledger.drained().await;
    }

    /// Waits until a topic's partitions are known.
    pub(super) async fn learn(&self, name: &str) -> Result<Arc<KnownTopic>> {
        let interest = self.cluster.interest(&name.into());
        let found = self
            .cluster
            .topic(name, true, self.config.max_block, "max.block.ms")
            .await?;
        Ok(self.topics.learn(&found, interest))
    }

    /// Looks at the cluster again for a partition that the topic did not have when it was last looked at.
    pub(super) async fn grown(&self, topic: &KnownTopic, partition: i32) -> Result<()> {
        let limit = self.config.max_block;
        let refreshed = timeout(limit, self.cluster.refresh(&self.cluster.metadata())).await;
        let metadata = refreshed.map_err(|_| ClientError::TimedOut {
            what: format!("finding partition {partition} of {}", topic.name).into(),
            setting: "max.block.ms",
            limit,
            cause: None,
        })??;
        self.topics.learn_all(&metadata);
        if usize::try_from(partition).is_ok_and(|number| number < topic.partition_count()) {
            Ok(())
        } else {
            Err(topic.lacks(partition))
        }
    }
}
