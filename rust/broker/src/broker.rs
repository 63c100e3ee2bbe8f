//! A broker's life: open the directory, listen, serve, and end so that the next start has nothing to repair.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kafkalite_log::LogError;
use kafkalite_log::datadir::{DataDir, Expected};
use kafkalite_world::World;
use parking_lot::RwLock;
use tokio::sync::{Mutex, watch};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::cluster::Cluster;
use crate::config::{BrokerConfig, Configs, Listener, Settings};
use crate::down_conversion::DownConversion;
use crate::error::BrokerError;
use crate::fetch_sessions::FetchSessions;
use crate::groups::{self, Groups};
use crate::housekeeping;
use crate::network;
use crate::opening::Opening;
use crate::producer_ids::ProducerIds;
use crate::quotas::Quotas;
use crate::state::BrokerState;

/// A broker that is running until [`stop`](Self::stop).
///
/// Dropping it without a stop is like a crash that nobody suffers from: connections end, and the next start recovers.
pub struct Broker {
    address: SocketAddr,
    advertised: Listener,
    data_dir: PathBuf,
    node_id: i32,
    cluster_id: String,
    stopping: watch::Sender<bool>,
    /// `None` once the broker is stopped, so that nothing keeps its logs.
    state: RwLock<Option<Arc<BrokerState>>>,
    /// Locked by the stop that is under way, so that another one waits as well.
    ending: Mutex<Ending>,
}

/// What a stop waits for. It stays here until it has ended: a stop that is given up half-way can be taken up again.
struct Ending {
    tasks: Vec<JoinHandle<()>>,
    closing: Option<JoinHandle<Result<(), LogError>>>,
}

impl Broker {
    /// Starts a broker on the directory and the address that `config` names. Returns when clients can connect.
    ///
    /// Takes its threads from the current tokio runtime.
    pub async fn start(config: BrokerConfig) -> Result<Self, BrokerError> {
        Self::start_in(config, World::real()).await
    }

    /// As [`start`](Self::start), in a world of the caller's: its clock, its disk, its dice.
    pub async fn start_in(mut config: BrokerConfig, world: World) -> Result<Self, BrokerError> {
        for warning in config.warnings() {
            tracing::warn!("{warning}");
        }
        let settings = Settings::of(&config)?;
        // First what fails fastest, and touches nothing.
        let listener = network::bind(&settings).await?;
        let address = listener
            .local_addr()
            .map_err(|source| BrokerError::Listen {
                address: SocketAddr::from((Ipv4Addr::UNSPECIFIED, settings.listener.port)),
                from: "listeners",
                source,
            })?;
        // What DescribeConfigs shows is what is in force.
        config.set("listeners", &format!("PLAINTEXT://{address}"))?;
        let advertised = settings.advertised_listener.clone();
        let advertised = advertised.unwrap_or_else(|| reachable(address));
        let cluster = Cluster::join(&settings, &world).await?;
        let stopping = watch::Sender::new(false);
        let signal = stopping.clone();
        let open = move || {
            let opened = open(config, &settings, world, signal, &cluster);
            opened.map(|(state, data_dir)| (state, data_dir, cluster))
        };
        let opened = spawn_blocking(open).await;
        let (state, data_dir, cluster) = opened.map_err(|_| BrokerError::Stopped)??;
        let mut tasks = cluster.enter(&state, &advertised).await?;
        tasks.extend([
            tokio::spawn(network::serve(listener, Arc::clone(&state))),
            tokio::spawn(housekeeping::run(Arc::clone(&state))),
            tokio::spawn(housekeeping::compaction::run(Arc::clone(&state))),
            tokio::spawn(groups::keep_time(
                Arc::clone(&state.groups),
                state.stopping.clone(),
            )),
        ]);
        tracing::info!("listening on {address}, data in {}", data_dir.display());
        Ok(Self {
            address,
            advertised,
            data_dir,
            node_id: state.node_id,
            cluster_id: state.cluster_id.clone(),
            stopping,
            state: RwLock::new(Some(state)),
            ending: Mutex::new(Ending {
                tasks,
                closing: None,
            }),
        })
    }

    /// What clients take as `bootstrap.servers`: `host:port`.
    pub fn bootstrap_servers(&self) -> String {
        self.advertised.to_string()
    }

    /// The address that is listened on, with the port that was found when port 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the data is, absolute.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// This broker's number, `node.id`.
    pub fn node_id(&self) -> i32 {
        self.node_id
    }

    /// The cluster's id, from the data directory.
    pub fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    /// Stops: no more connections, parked fetches answered with what there is, answers sent, everything flushed, the
    /// directory marked as clean and unlocked. Whoever calls it again waits for the first and gets `Ok`.
    ///
    /// On an error everything has stopped as well; the directory is not marked, so the next start recovers. Dropping the
    /// future stops the waiting only; call it again to know the end.
    pub async fn stop(&self) -> Result<(), BrokerError> {
        let close = |broker: &BrokerState| {
            housekeeping::look_before_closing(broker);
            broker.registry.close();
            broker.replicas.close()
        };
        self.end(close).await
    }

    /// Stops as [`stop`](Self::stop) does, but flushes and marks nothing: for a directory that is deleted next.
    pub async fn discard(&self) -> Result<(), BrokerError> {
        let abandon = |broker: &BrokerState| {
            broker.registry.close();
            broker.replicas.abandon();
            Ok(())
        };
        self.end(abandon).await
    }

    async fn end(
        &self,
        close: impl FnOnce(&BrokerState) -> Result<(), LogError> + Send + 'static,
    ) -> Result<(), BrokerError> {
        self.stopping.send_replace(true);
        let mut ending = self.ending.lock().await;
        while let Some(task) = ending.tasks.last_mut() {
            // One that panicked has stopped too.
            let _ = task.await;
            ending.tasks.pop();
        }
        if let Some(state) = self.state.write().take() {
            ending.closing = Some(spawn_blocking(move || close(&state)));
        }
        let Some(closing) = &mut ending.closing else {
            return Ok(());
        };
        let closed = closing.await;
        ending.closing = None;
        Ok(closed.map_err(|_| BrokerError::Stopped)??)
    }

    /// What is shared with the connections, until the broker is stopped.
    pub(crate) fn state(&self) -> Option<Arc<BrokerState>> {
        self.state.read().clone()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stopping.send_replace(true);
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker")
            .field("address", &self.address)
            .field("data_dir", &self.data_dir)
            .finish_non_exhaustive()
    }
}

/// Everything that touches the disk at the start.
fn open(
    mut config: BrokerConfig,
    settings: &Settings,
    world: World,
    stopping: watch::Sender<bool>,
    cluster: &Cluster,
) -> Result<(Arc<BrokerState>, PathBuf), BrokerError> {
    let expected = Expected {
        node_id: settings.node_id,
        cluster_id: cluster.id(),
    };
    let data_dir = DataDir::open_in(Path::new(&settings.log_dir), &expected, world.clone())?;
    let path = data_dir.path().to_owned();
    let identity = data_dir.identity().clone();
    for name in ["broker.id", "node.id"] {
        config.set(name, &identity.node_id.to_string())?;
    }
    // Absolute, where that can be written down.
    if let Some(path) = path.to_str().filter(|path| !path.contains(',')) {
        config.set("log.dirs", path)?;
    }
    let configs = Arc::new(Configs::open(&config, &path, &world.disk)?);
    let (registry, replicas) = cluster.open(data_dir, Arc::clone(&configs), world.clone())?;
    let unused_from = replicas.unused_producer_id();
    let alone = || Ok(ProducerIds::open(&path, unused_from, &world.disk)?);
    let producer_ids = cluster.producer_ids(&registry, alone, unused_from)?;
    let warnings = Arc::default();
    let state = BrokerState {
        fetch_sessions: FetchSessions::new(
            settings.max_incremental_fetch_session_cache_slots,
            world.dice.rng(),
        ),
        producer_ids,
        quotas: Quotas::open(&path, &world.disk)?,
        data_dir: path.clone(),
        groups: Groups::open(
            Arc::clone(&registry),
            Arc::clone(&replicas),
            Arc::clone(&configs),
            Arc::clone(&warnings),
            world.clone(),
        )?,
        warnings,
        opening: Opening::default(),
        down_conversion: DownConversion::default(),
        configs,
        registry,
        replicas,
        node_id: identity.node_id,
        cluster_id: identity.cluster_id,
        world,
        stopping,
    };
    Ok((Arc::new(state), path))
}

/// Where a client of this machine reaches a broker that listens on `address`.
fn reachable(address: SocketAddr) -> Listener {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    Listener {
        host: ip.to_string(),
        port: address.port(),
    }
}
