//! What all connections share: configuration, topics, the data directory, the signal to stop.

use std::sync::Arc;

use tokio::sync::watch;

use crate::config::Configs;

/// One broker's shared state. Handlers reach it as `context.broker`.
pub(crate) struct BrokerState {
    /// Settings now in force, and the file that keeps what was altered at run time.
    pub(crate) configs: Arc<Configs>,
    /// `node.id`: also the leader of every partition and the controller.
    pub(crate) node_id: i32,
    /// The cluster's id, from `meta.properties`.
    pub(crate) cluster_id: String,
    /// True once the broker stops.
    pub(crate) stopping: watch::Sender<bool>,
}
