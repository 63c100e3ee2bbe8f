//! A start among others: joining the cluster before anything is touched, and entering it when what lies here has been opened.
//! Without `zookeeper.connect` nothing of it happens, and in a build without the feature `zookeeper` nothing can.

use std::sync::Arc;

use kafkalite_log::datadir::DataDir;
use kafkalite_world::World;
use tokio::task::JoinHandle;

use crate::config::{Configs, Listener, Settings};
use crate::error::BrokerError;
use crate::producer_ids::ProducerIds;
use crate::registry::Registry;
use crate::replicas::Replicas;
use crate::state::BrokerState;

/// The cluster that a broker is about to be one of; nothing for one that is alone.
pub(crate) struct Cluster {
    #[cfg(feature = "zookeeper")]
    joined: Option<crate::registry::zookeeper::Joined>,
}

#[cfg(feature = "zookeeper")]
impl Cluster {
    /// Joins the cluster that the settings name, if they name one.
    pub(crate) async fn join(settings: &Settings, world: &World) -> Result<Self, BrokerError> {
        let joined = crate::registry::zookeeper::join(settings, world).await?;
        Ok(Self { joined })
    }

    /// Its id.
    pub(crate) fn id(&self) -> Option<String> {
        let joined = self.joined.as_ref()?;
        Some(joined.cluster_id().to_owned())
    }

    /// Opens what lies here, as the cluster says or as the data directory does.
    pub(crate) fn open(
        &self,
        data_dir: DataDir,
        configs: Arc<Configs>,
        world: World,
    ) -> Result<(Arc<Registry>, Arc<Replicas>), BrokerError> {
        match &self.joined {
            Some(joined) => Registry::open_joined(data_dir, configs, world, joined),
            None => Ok(Registry::open(data_dir, configs, world)?),
        }
    }

    /// Where producers get their ids.
    pub(crate) fn producer_ids(
        &self,
        registry: &Arc<Registry>,
        alone: impl FnOnce() -> Result<ProducerIds, BrokerError>,
        unused_from: i64,
    ) -> Result<ProducerIds, BrokerError> {
        match &self.joined {
            Some(_) => Ok(ProducerIds::of_cluster(Arc::clone(registry), unused_from)),
            None => alone(),
        }
    }

    /// Registers, and returns when this broker sees itself among the others. The tasks live until the broker stops.
    pub(crate) async fn enter(
        self,
        state: &Arc<BrokerState>,
        address: &Listener,
    ) -> Result<Vec<JoinHandle<()>>, BrokerError> {
        let Some(joined) = self.joined else {
            return Ok(Vec::new());
        };
        let rack = state.configs.settings().broker_rack.clone();
        if let Err(error) = joined.register(address, rack, &state.world).await {
            let replicas = Arc::clone(&state.replicas);
            // As in a stop: the next start has nothing to recover.
            let _ = tokio::task::spawn_blocking(move || replicas.close()).await;
            return Err(error);
        }
        let (gone, mut told) = tokio::sync::mpsc::unbounded_channel();
        let living = crate::registry::zookeeper::live(
            Arc::clone(&state.registry),
            joined,
            address.clone(),
            gone,
            state.stopping.subscribe(),
        );
        let living = tokio::spawn(living);
        let groups = Arc::clone(&state.groups);
        let forgetting = async move {
            while let Some(names) = told.recv().await {
                groups.topics_deleted(names).await;
            }
        };
        let registry = &state.registry;
        if let Some(membership) = registry.membership() {
            let is_entered = || {
                let image = registry.image();
                image.controller.is_some() && image.brokers.contains_key(&registry.node_id())
            };
            let seen = membership
                .until("this broker's registration", is_entered)
                .await;
            if let Err(refusal) = seen {
                tracing::warn!("{refusal}");
            }
        }
        Ok(vec![living, tokio::spawn(forgetting)])
    }
}

#[cfg(not(feature = "zookeeper"))]
impl Cluster {
    /// Refuses to join one.
    #[allow(clippy::unused_async)] // asked like its sibling
    pub(crate) async fn join(settings: &Settings, _: &World) -> Result<Self, BrokerError> {
        match settings.zookeeper_connect {
            Some(_) => Err(BrokerError::Cluster {
                reason:
                    "zookeeper.connect is set, and this build of kafkalite is without ZooKeeper"
                        .to_owned(),
            }),
            None => Ok(Self {}),
        }
    }

    #[allow(clippy::unused_self)] // asked like its sibling
    pub(crate) fn id(&self) -> Option<String> {
        None
    }

    #[allow(clippy::unused_self)] // asked like its sibling
    pub(crate) fn open(
        &self,
        data_dir: DataDir,
        configs: Arc<Configs>,
        world: World,
    ) -> Result<(Arc<Registry>, Arc<Replicas>), BrokerError> {
        Ok(Registry::open(data_dir, configs, world)?)
    }

    #[allow(clippy::unused_self)] // asked like its sibling
    pub(crate) fn producer_ids(
        &self,
        _: &Arc<Registry>,
        alone: impl FnOnce() -> Result<ProducerIds, BrokerError>,
        _: i64,
    ) -> Result<ProducerIds, BrokerError> {
        alone()
    }

    #[allow(clippy::unused_async)] // asked like its sibling
    pub(crate) async fn enter(
        self,
        _: &Arc<BrokerState>,
        _: &Listener,
    ) -> Result<Vec<JoinHandle<()>>, BrokerError> {
        Ok(Vec::new())
    }
}
