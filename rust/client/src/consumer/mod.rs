//! Reads the partitions that it is given, ahead of the application (P7 of the paper).
//!
//! The application's side takes batches out of buffers; it never waits for the network unless all are empty. A fetcher for
//! each leader fills them; a partition whose buffer is full is left out of the next fetch. One task keeps track of
//! leaders. There is no group here: who reads what is decided by whoever calls [`Consumer::assign`], or by the group's
//! task, which adds and takes out partitions one by one (`claims`).

mod asked;
mod batch;
mod buffering;
mod claim;
mod claims;
mod decode;
mod fetcher;
mod fetchers;
mod leaders;
mod losses;
mod missing;
mod offsets;
mod partition;
mod plan;
mod session;
mod shared;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kafkalite_names::TopicPartition;
use kafkalite_world::World;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use crate::cluster::Cluster;
use crate::config::{ConsumerConfig, OffsetReset};
use crate::error::{ClientError, Result};
pub use batch::{Batch, BatchLayouts};
pub use claim::Claim;
pub use offsets::OffsetAndTimestamp;
pub(crate) use offsets::find_offsets;
use shared::ConsumerShared;

/// Where to start reading a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartAt {
    /// At this offset. If it is not in the log, `auto.offset.reset` decides.
    Offset(i64),
    /// At the oldest record.
    Beginning,
    /// At the end: only what comes from now on.
    End,
    /// At the first record that is not older than this, in ms since 1970; at the end if all are.
    Timestamp(i64),
    /// Where `auto.offset.reset` says.
    Reset,
}

/// Reads partitions of any Kafka cluster. Shared by reference among threads; each batch goes to one of them.
#[derive(Debug)]
pub struct Consumer {
    shared: Arc<ConsumerShared>,
}

impl Consumer {
    /// Starts a consumer whose background work runs on `runtime`. Nothing is connected before it is needed.
    pub fn new(config: ConsumerConfig, runtime: &Handle) -> Result<Self> {
        Self::new_in(config, &World::real(), runtime)
    }

    /// As [`new`](Self::new), in a world of the caller's.
    pub fn new_in(config: ConsumerConfig, world: &World, runtime: &Handle) -> Result<Self> {
        let cluster = Arc::new(Cluster::to_read(config.client.clone(), &world.dice)?);
        Ok(Self::of(config, cluster, runtime))
    }

    fn of(config: ConsumerConfig, cluster: Arc<Cluster>, runtime: &Handle) -> Self {
        let shared = Arc::new(ConsumerShared::new(config, cluster));
        runtime.spawn(leaders::run(Arc::clone(&shared)));
        Self { shared }
    }

    /// A further consumer of the same cluster, with positions and buffers of its own: it shares what is known about the
    /// cluster.
    #[must_use]
    pub fn sibling(&self, runtime: &Handle) -> Self {
        let cluster = Arc::clone(&self.shared.cluster);
        Self::of(self.shared.config.clone(), cluster, runtime)
    }

    /// Reads these partitions from now on, and no others. What was fetched and not taken is dropped.
    pub fn assign(&self, partitions: impl IntoIterator<Item = (TopicPartition, StartAt)>) {
        self.shared.assign(partitions);
    }

    /// The partitions that are read.
    pub fn assignment(&self) -> Vec<TopicPartition> {
        self.shared
            .look(|partitions| partitions.keys().cloned().collect())
    }

    /// Whether a partition is read.
    pub fn is_assigned(&self, partition: &TopicPartition) -> bool {
        self.shared
            .look(|partitions| partitions.contains_key(partition))
    }

    /// The next batch that is there, without waiting.
    pub fn try_next_batch(&self) -> Option<Result<Batch>> {
        if self.shared.is_closed() {
            return Some(Err(self.shared.closing.error()));
        }
        self.shared.take()
    }

    /// The next batch of any partition, partitions taking turns; `None` when the time is up.
    ///
    /// Batches of a partition come in order, without gaps but for records that no longer exist. An error is about one
    /// partition, which is not read until it is sought; the others go on. Cancelling this loses nothing.
    pub async fn next_batch(&self, limit: Duration) -> Result<Option<Batch>> {
        let deadline = Instant::now() + limit;
        loop {
            let arrived = self.shared.arrived.notified();
            match self.try_next_batch() {
                Some(Ok(batch)) => return Ok(Some(batch)),
                Some(Err(error)) => return Err(error),
                None => {}
            }
            if timeout_at(deadline, arrived).await.is_err() {
                return self.try_next_batch().transpose();
            }
        }
    }

    /// Why nothing comes at the moment, if something is wrong that may pass: a broker that can't be reached, a leader
    /// that moved.
    pub fn trouble(&self) -> Option<ClientError> {
        self.shared.trouble()
    }

    /// Goes on reading a partition elsewhere. What was fetched of it and not taken is dropped.
    pub fn seek(&self, partition: &TopicPartition, to: StartAt) -> Result<()> {
        self.shared.change(partition, |state| state.seek(to))
    }

    /// Stops or resumes handing out, and fetching, a partition.
    pub fn set_paused(&self, partition: &TopicPartition, paused: bool) -> Result<()> {
        self.shared.change(partition, |state| state.paused = paused)
    }

    /// Whether a partition is assigned, and paused.
    pub fn is_paused(&self, partition: &TopicPartition) -> bool {
        self.shared
            .look(|partitions| partitions.get(partition).is_some_and(|state| state.paused))
    }

    /// The offset behind the last batch that was taken, where reading would go on; `None` while the start is being asked
    /// for, or if the partition is not assigned.
    pub fn position(&self, partition: &TopicPartition) -> Option<i64> {
        self.shared
            .look(|partitions| partitions.get(partition)?.position)
    }

    /// The offset behind a partition's last record that may be read, as the last answer to a fetch told; `None` before that,
    /// and when the cluster says that there is no such partition.
    pub fn end(&self, partition: &TopicPartition) -> Option<i64> {
        self.shared
            .look(|partitions| partitions.get(partition)?.high_watermark)
    }

    /// The partitions of a topic, sorted; waits until the topic is there, for `limit` at the most.
    pub async fn partitions(&self, topic: &str, limit: Duration) -> Result<Vec<i32>> {
        let asked = self.shared.cluster.topic(topic, true, limit, "timeout");
        let topic = self.shared.closing.or_closed(asked).await?;
        Ok((0..topic.partitions.len() as i32).collect())
    }

    /// The offset that each start stands for now; `None` for a time that all records are older than. An explicit offset is
    /// returned as it is.
    pub async fn offsets(
        &self,
        starts: &[(TopicPartition, StartAt)],
        limit: Duration,
    ) -> Result<HashMap<TopicPartition, Option<OffsetAndTimestamp>>> {
        let reset = match self.shared.config.auto_offset_reset {
            OffsetReset::None => OffsetReset::Earliest,
            reset => reset,
        };
        let asked = find_offsets(&self.shared.cluster, starts, reset, limit);
        self.shared.closing.or_closed(asked).await
    }

    /// Ends at once: whoever waits for something gets [`ClientError::Closed`]. Fetch sessions are given back in the background
    /// ([`ended`](Self::ended)). A second call does nothing.
    pub fn close(&self) {
        self.shared.close();
    }

    /// Waits until the background work of a closed consumer is done: brokers are told that its fetch sessions are free (KIP-227),
    /// as far as they answer within a second.
    pub async fn ended(&self) {
        self.shared.ended().await;
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.close();
    }
}
