//! Joining a cluster: a session, the cluster's id, all that there is; and registering, when what lies here has been opened.

use std::path::Path;
use std::time::Duration;

use kafkalite_coordination::registries::{
    BrokerEndpoint, BrokerZnode, ClusterIdZnode, Znode, paths,
};
use kafkalite_coordination::session::{
    Ensemble, EnsembleSettings, StoredNode, ZooKeeperError, ZooKeeperSession,
};
use kafkalite_log::datadir::recorded_cluster_id;
use kafkalite_names::ids;
use kafkalite_world::World;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::view::{News, View};
use super::watching::Watching;
use crate::config::{Listener, Settings};
use crate::error::BrokerError;

/// How long after its time-out the node of a session that is over may still be there: ZooKeeper looks once a tick, which is 2 s unless
/// set, and an earlier process may have had a longer time-out.
const NOTICED: Duration = Duration::from_secs(5);

/// A session, and all that was there when it began.
pub(crate) struct Joined {
    pub(super) ensemble: Ensemble,
    pub(super) session: ZooKeeperSession,
    pub(super) broker_id: i32,
    pub(super) cluster_id: String,
    pub(super) view: View,
    pub(super) watching: Watching,
    pub(super) news: mpsc::Receiver<News>,
}

impl Joined {
    /// The id of the cluster.
    pub(crate) fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    /// Registers: from now on the other brokers see this one, at this address.
    pub(crate) async fn register(
        &self,
        address: &Listener,
        rack: Option<String>,
        world: &World,
    ) -> Result<(), BrokerError> {
        let path = paths::broker(self.broker_id);
        let node = registration(address, rack, world.now_ms());
        match self.session.register(&path, &node).await {
            Err(ZooKeeperError::NodeExists { .. }) => {
                Err(taken(&self.session, self.broker_id).await)
            }
            registered => Ok(registered.map_err(cannot_join)?),
        }
    }
}

/// Joins the cluster that `zookeeper.connect` names, if it names one. Nothing is registered yet, and nothing in the data directory is touched.
pub(crate) async fn join(
    settings: &Settings,
    world: &World,
) -> Result<Option<Joined>, BrokerError> {
    let Some(address) = &settings.zookeeper_connect else {
        return Ok(None);
    };
    let broker_id = settings.node_id.ok_or_else(|| BrokerError::Cluster {
        reason: "zookeeper.connect is set, and no broker.id: give each broker of the cluster a number of its own".to_owned(),
    })?;
    let session_timeout = Duration::from_millis(settings.zookeeper_session_timeout_ms);
    let ensemble = EnsembleSettings {
        session_timeout,
        connect_timeout: session_timeout,
        creates_chroot: true,
    };
    let ensemble = Ensemble::new(address, ensemble).map_err(|error| BrokerError::Cluster {
        reason: error.to_string(),
    })?;
    let session = ensemble.connect().await.map_err(cannot_join)?;
    for path in paths::PERSISTENT {
        session.ensure(path).await.map_err(cannot_join)?;
    }
    let cluster_id = agree_on_cluster(&session, Path::new(&settings.log_dir), world).await?;
    wait_for_vacancy(&session, broker_id).await?;
    let (mut watching, mut news) = Watching::begin(session.clone());
    let mut view = View::default();
    while !view.is_read() {
        tokio::select! {
            Some(one) = news.recv() => {
                view.take(one, broker_id);
                // All that waits together, or with many topics each piece would cost a look at all.
                while let Ok(one) = news.try_recv() {
                    view.take(one, broker_id);
                }
            }
            () = session.ended() => return Err(cannot_join(over(address))),
        }
        watching.follow(&view);
    }
    Ok(Some(Joined {
        ensemble,
        session,
        broker_id,
        cluster_id,
        view,
        watching,
        news,
    }))
}

/// The id of the cluster: the one in ZooKeeper, or where there is none yet a new one. Never that of the data directory: brokers that
/// still run would take a ZooKeeper which has lost its data for their own again, and delete what it does not name.
async fn agree_on_cluster(
    session: &ZooKeeperSession,
    data_dir: &Path,
    world: &World,
) -> Result<String, BrokerError> {
    if let Some(id) = cluster_id(session).await? {
        return Ok(id);
    }
    if let Some(own) = recorded_cluster_id(data_dir, &*world.disk)? {
        return Err(BrokerError::Cluster {
            reason: format!(
                "{} is of cluster {own}, and ZooKeeper holds none: has it lost its data, is it another one, or is the directory that \
                 of a broker that was alone? Nothing was touched; give ZooKeeper back what it held, or start this broker on an \
                 empty directory, and copy what is to be kept over the network",
                data_dir.display()
            ),
        });
    }
    let id = ids::to_text(world.dice.id());
    let node = ClusterIdZnode { id };
    match session.create(paths::CLUSTER_ID, &node.write()).await {
        Ok(()) => Ok(node.id),
        // Another broker was first.
        Err(ZooKeeperError::NodeExists { .. }) => {
            let theirs = cluster_id(session).await?;
            Ok(theirs.unwrap_or(node.id))
        }
        Err(error) => Err(cannot_join(error)),
    }
}

async fn cluster_id(session: &ZooKeeperSession) -> Result<Option<String>, BrokerError> {
    let found = session.get(paths::CLUSTER_ID).await.map_err(cannot_join)?;
    let read = |node: StoredNode| node.value::<ClusterIdZnode>();
    let id = found.map(read).transpose();
    let id = id.map_err(|garbage| cannot_join(garbage.into()))?;
    Ok(id.map(|node| node.id))
}

/// Whether what ZooKeeper holds is still the cluster that was joined.
pub(super) async fn is_same_cluster(
    session: &ZooKeeperSession,
    joined: &str,
) -> Result<(), BrokerError> {
    match cluster_id(session).await? {
        Some(id) if id == joined => Ok(()),
        found => Err(BrokerError::Cluster {
            reason: format!(
                "ZooKeeper's cluster is {}, and this broker is of {joined}: has it lost its data, or is it another ZooKeeper?",
                found.as_deref().unwrap_or("none yet")
            ),
        }),
    }
}

/// Waits as long as a registration under this id can be that of a process which is gone.
async fn wait_for_vacancy(session: &ZooKeeperSession, broker_id: i32) -> Result<(), BrokerError> {
    let patience = session.timeout() + NOTICED;
    let mut watch = session.watch_node(paths::broker(broker_id));
    let vacant = async {
        while watch.next().await?.is_some() {
            tracing::info!(
                "broker {broker_id} is registered in ZooKeeper; waiting for up to {patience:?}, as it may be this one before its end"
            );
        }
        Ok(())
    };
    match timeout(patience, vacant).await {
        Ok(vacant) => vacant.map_err(cannot_join),
        Err(_) => Err(taken(session, broker_id).await),
    }
}

/// That the id is a living broker's.
async fn taken(session: &ZooKeeperSession, broker_id: i32) -> BrokerError {
    let found = session.get(&paths::broker(broker_id)).await.ok().flatten();
    let known = found.and_then(|node| node.value::<BrokerZnode>().ok());
    let place = known.and_then(|node| node.endpoints.into_iter().next());
    let place = place.map_or_else(String::new, |one| format!(" at {}:{}", one.host, one.port));
    BrokerError::Cluster {
        reason: format!(
            "broker.id {broker_id} is that of a broker which is there{place}: give this one another, or stop that one"
        ),
    }
}

/// A broker's registration.
pub(super) fn registration(address: &Listener, rack: Option<String>, now_ms: i64) -> Vec<u8> {
    const PLAINTEXT: &str = "PLAINTEXT";
    let node = BrokerZnode {
        endpoints: vec![BrokerEndpoint {
            listener: PLAINTEXT.to_owned(),
            protocol: PLAINTEXT.to_owned(),
            host: address.host.clone(),
            port: address.port,
        }],
        rack,
        timestamp: now_ms,
    };
    node.write()
}

fn over(servers: &str) -> ZooKeeperError {
    ZooKeeperError::SessionEnded {
        servers: servers.to_owned(),
    }
}

#[allow(clippy::needless_pass_by_value)] // as `map_err` hands it over
fn cannot_join(error: ZooKeeperError) -> BrokerError {
    BrokerError::Cluster {
        reason: error.to_string(),
    }
}
