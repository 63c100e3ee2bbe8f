//! A consumer over ZooKeeper, as programs use it.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use kafkalite_coordination::assignment::OwnershipStrategy;
use kafkalite_coordination::registries::{ConsumerId, ConsumerSubscription, GroupPaths};
use kafkalite_coordination::session::{Ensemble, EnsembleSettings, ZooKeeperError};
use kafkalite_names::TopicPartition;
use kafkalite_world::World;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::membership::{RegistryEvent, RegistryTerms};
use super::questions;
use super::shared::RegistryShared;
use super::task::{self, RegistryTaskParts};
use crate::config::{ConfigError, ConsumerConfig, ZooKeeperConfig};
use crate::consumer::{Batch, Consumer};
use crate::error::{ClientError, Result};

/// How often a reader looks whether the session lasts after all.
const LOOKS: Duration = Duration::from_millis(50);

/// A consumer of a group without a master (P14 to P17 of the paper): it finds brokers and partners in ZooKeeper. Each of its streams
/// reads partitions of its own (P2).
#[derive(Debug)]
pub struct ZooKeeperConsumer {
    shared: Arc<RegistryShared>,
}

impl ZooKeeperConsumer {
    /// Finds the brokers, and joins the group of `group.id` with this subscription and its number of streams.
    ///
    /// # Errors
    /// [`ClientError::ZooKeeper`] if none answers, or if no broker has registered there; [`ClientError::Config`] for an address or a
    /// group's name that cannot be.
    pub async fn open(
        config: ConsumerConfig,
        settings: &ZooKeeperConfig,
        subscription: ConsumerSubscription,
        world: &World,
        runtime: &Handle,
    ) -> Result<Self> {
        let paths = GroupPaths::new(&config.group_id).map_err(unusable)?;
        let strategy: OwnershipStrategy = settings.strategy.parse().map_err(unusable)?;
        let ensemble = EnsembleSettings {
            session_timeout: settings.session_timeout,
            connect_timeout: settings.connection_timeout,
            creates_chroot: false,
        };
        let ensemble = Ensemble::new(&settings.connect, ensemble).map_err(unusable)?;
        let first = ensemble.connect().await?;
        let brokers = questions::brokers(&first).await?;
        if brokers.is_empty() {
            return Err(said(format!(
                "no broker has registered in ZooKeeper at {}: is one started there, with a listener of PLAINTEXT?",
                settings.connect
            )));
        }
        let mut config = config;
        config.client.bootstrap_servers = brokers;
        config.auto_offset_reset = settings.offset_reset;
        let host = rustix::system::uname();
        let host = host.nodename().to_string_lossy();
        let random = world.dice.rng().u32(..);
        let id = ConsumerId::unique(paths.group(), &host, world.now_ms(), random).map_err(said)?;
        let terms = RegistryTerms {
            max_tries: settings.max_retries,
            backoff: settings.backoff,
            commit_interval: config
                .enable_auto_commit
                .then_some(config.auto_commit_interval),
        };
        let consumer = Consumer::new_in(config, world, runtime)?;
        let mut streams = vec![consumer];
        for _ in 1..count(&subscription) {
            streams.push(streams[0].sibling(runtime));
        }
        let (orders, ordered) = mpsc::unbounded_channel();
        let shared = Arc::new(RegistryShared::new(streams, orders));
        let parts = RegistryTaskParts {
            shared: Arc::clone(&shared),
            ensemble: Arc::new(ensemble),
            first,
            paths: Arc::new(paths),
            id,
            strategy,
            excludes_internal: settings.exclude_internal_topics,
            terms,
            world: world.clone(),
        };
        runtime.spawn(task::run(parts, ordered));
        let consumer = Self { shared };
        consumer.order(RegistryEvent::Subscribed(Some(subscription)));
        Ok(consumer)
    }

    fn order(&self, order: RegistryEvent) {
        // The task has ended only if the consumer has: nothing is to be done any more.
        let _ = self.shared.orders.send(order);
    }

    /// How many streams share what is read.
    pub fn streams(&self) -> usize {
        self.shared.streams.len()
    }

    /// The partitions that one of the streams reads, sorted.
    pub fn assignment(&self, stream: usize) -> Vec<TopicPartition> {
        let mut assignment = self.shared.streams[stream].assignment();
        assignment.sort_unstable();
        assignment
    }

    /// The next batch of a stream, as [`Consumer::next_batch`](crate::Consumer::next_batch); `None` when the time is up.
    ///
    /// Each batch carries its [`Claim`](crate::Claim): store how far you are there, and drop the rest of a batch whose claim is revoked.
    /// Nothing is handed out while it is not certain that the session with ZooKeeper lasts: it may be another's by then.
    pub async fn next_batch(&self, stream: usize, limit: Duration) -> Result<Option<Batch>> {
        let deadline = Instant::now() + limit;
        let consumer = &self.shared.streams[stream];
        loop {
            let arrived = consumer.arrived();
            if self.shared.may_hand_out()
                && let Some(next) = consumer.try_next_batch()
            {
                return next.map(Some);
            }
            if consumer.is_closed() {
                return Err(ClientError::Closed("consumer"));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            let look = deadline.min(Instant::now() + LOOKS);
            tokio::select! {
                () = arrived => {}
                () = sleep_until(look) => {}
            }
        }
    }

    /// Commits what was consumed, gives up all partitions and leaves the group; returns when that is done.
    pub async fn close(&self) {
        self.order(RegistryEvent::Close);
        let mut has_ended = self.shared.has_ended.subscribe();
        // The sender lives as long as this.
        let _ = has_ended.wait_for(|ended| *ended).await;
    }
}

impl Drop for ZooKeeperConsumer {
    fn drop(&mut self) {
        self.order(RegistryEvent::Close);
    }
}

/// The most streams that a subscription has for a topic.
fn count(subscription: &ConsumerSubscription) -> u32 {
    match subscription {
        ConsumerSubscription::Topics(topics) => topics.values().copied().max().unwrap_or(1),
        ConsumerSubscription::WhiteList { streams, .. }
        | ConsumerSubscription::BlackList { streams, .. } => *streams,
    }
}

/// A setting that cannot be.
fn unusable(reason: impl Display) -> ClientError {
    ConfigError::Unusable(format!("{reason}")).into()
}

fn said(reason: impl Display) -> ClientError {
    ClientError::ZooKeeper(format!("{reason}").into())
}

impl From<ZooKeeperError> for ClientError {
    fn from(error: ZooKeeperError) -> Self {
        said(error)
    }
}
