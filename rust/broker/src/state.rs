//! What all connections share: configuration, topics, the data directory, the signal to stop.

use std::path::PathBuf;
use std::sync::Arc;

use kafkalite_world::World;
use tokio::sync::watch;

use crate::config::Configs;
use crate::down_conversion::DownConversion;
use crate::fetch_sessions::FetchSessions;
use crate::groups::Groups;
use crate::opening::Opening;
use crate::producer_ids::ProducerIds;
use crate::quotas::Quotas;
use crate::registry::Registry;
use crate::replicas::Replicas;
use crate::warnings::Warnings;

/// One broker's shared state. Handlers reach it as `context.broker`.
pub(crate) struct BrokerState {
    /// Settings now in force, and the file that keeps what was altered at run time.
    pub(crate) configs: Arc<Configs>,
    /// Which brokers and topics there are, and where.
    pub(crate) registry: Arc<Registry>,
    /// What lies here.
    pub(crate) replicas: Arc<Replicas>,
    /// What each consumer is being told step by step.
    pub(crate) fetch_sessions: FetchSessions,
    /// Who consumes together, and how far they are.
    pub(crate) groups: Arc<Groups>,
    /// Where producers get their ids.
    pub(crate) producer_ids: ProducerIds,
    /// Batches of producers that are opened away from the runtime's threads.
    pub(crate) opening: Opening,
    /// What is read for consumers of before Kafka 0.11.
    pub(crate) down_conversion: DownConversion,
    /// What is said of peers and groups.
    pub(crate) warnings: Arc<Warnings>,
    /// How much clients may do; kept only.
    pub(crate) quotas: Quotas,
    /// The data directory, absolute.
    pub(crate) data_dir: PathBuf,
    /// `node.id`.
    pub(crate) node_id: i32,
    /// The cluster's id, from `meta.properties`.
    pub(crate) cluster_id: String,
    /// The time, files and random numbers.
    pub(crate) world: World,
    /// True once the broker stops.
    pub(crate) stopping: watch::Sender<bool>,
}
