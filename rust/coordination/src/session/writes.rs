//! Writing nodes, one at a time.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use zookeeper_client::{Acls, Client, CreateMode, CreateOptions, Error};

use super::error::ZooKeeperError;
use super::limits;
use super::live::ZooKeeperSession;
use super::reads::StoredNode;

/// How often parents are made for one node: somebody may delete them at the same time, but not for ever.
const PARENTS: usize = 3;

/// Time-outs after which an earlier session's nodes are gone: a server that was away gives it a whole one again, and looks only
/// every so often.
const EARLIER: u32 = 3;

/// How a node of this kind is made. Everybody may do everything with it, as with Kafka's.
pub(super) const fn options(mode: CreateMode) -> CreateOptions<'static> {
    mode.with_acls(Acls::anyone_all())
}

impl ZooKeeperSession {
    /// Makes sure that there is a node, and its parents, which stay when the session is over. What it holds is left as it is.
    pub async fn ensure(&self, path: &str) -> Result<(), ZooKeeperError> {
        let options = &options(CreateMode::Persistent);
        let make = |client: Client| async move { client.mkdir(path, options).await };
        self.ask_again(path, make).await
    }

    /// Creates a node that stays when the session is over, and its parents.
    /// [`NodeExists`](ZooKeeperError::NodeExists) if there is one that holds something else.
    pub async fn create(&self, path: &str, data: &[u8]) -> Result<(), ZooKeeperError> {
        let mut interrupted = false;
        loop {
            match self.create_once(path, data, CreateMode::Persistent).await {
                Err(ZooKeeperError::Interrupted { .. }) if !interrupted => {
                    interrupted = true;
                    self.pause().await;
                }
                // Perhaps it was made before the connection broke; if it was another's, it holds what it should anyway.
                Err(exists @ ZooKeeperError::NodeExists { .. }) if interrupted => {
                    let found = self.get(path).await?;
                    let same = found.is_some_and(|node| node.data == data);
                    return if same { Ok(()) } else { Err(exists) };
                }
                result => return result,
            }
        }
    }

    /// Creates a node whose name the server completes with a number. Interrupted, it may be there twice.
    pub async fn create_numbered(&self, prefix: &str, data: &[u8]) -> Result<(), ZooKeeperError> {
        self.create_once(prefix, data, CreateMode::PersistentSequential)
            .await
    }

    /// Creates a node that ends with the session, and parents that stay. If it is one of this process's own from an earlier
    /// session, it waits until ZooKeeper has noticed that that is over.
    /// [`NodeExists`](ZooKeeperError::NodeExists) if it is anybody else's.
    pub async fn register(&self, path: &str, data: &[u8]) -> Result<(), ZooKeeperError> {
        self.register_within(path, data, Duration::ZERO).await
    }

    /// As [`register`](Self::register), but it waits for so long also if another process's session has the node: that may have
    /// been killed a moment ago, which ZooKeeper notices after the session's time-out.
    pub async fn register_within(
        &self,
        path: &str,
        data: &[u8],
        patience: Duration,
    ) -> Result<(), ZooKeeperError> {
        let start = Instant::now();
        loop {
            let exists = match self.create_once(path, data, CreateMode::Ephemeral).await {
                Err(ZooKeeperError::Interrupted { .. }) if start.elapsed() < self.patience() => {
                    self.pause().await;
                    continue;
                }
                Err(exists @ ZooKeeperError::NodeExists { .. }) => exists,
                result => return result,
            };
            let mut watch = self.watch_node(path);
            let Some(node) = watch.next().await? else {
                continue;
            };
            let patience = match node.owner {
                // Made before the connection broke, or by an earlier call.
                Some(owner) if owner == self.id() && node.data == data => return Ok(()),
                Some(owner) if owner == self.id() => {
                    return self.set(path, data, node.version).await.map(drop);
                }
                Some(owner) if self.is_earlier(owner) => patience.max(self.timeout() * EARLIER),
                Some(_) => patience,
                None => return Err(exists),
            };
            let gone = async {
                let same = |now: Option<StoredNode>| now.is_some_and(|now| now.owner == node.owner);
                while same(watch.next().await?) {}
                Ok(())
            };
            let waited = timeout_at(start + patience, gone).await;
            waited.unwrap_or(Err(exists))?;
        }
    }

    /// Writes to a node that is still at the version that it was read at, and answers the new one.
    /// [`BadVersion`](ZooKeeperError::BadVersion) if it is not: somebody has written since.
    pub async fn set(&self, path: &str, data: &[u8], version: i32) -> Result<i32, ZooKeeperError> {
        limits::check(self.chroot_length(), [(path, data.len())].into_iter())?;
        let next = version.wrapping_add(1);
        let deadline = Instant::now() + self.patience();
        let mut interrupted = false;
        loop {
            let write = |client: Client| async move {
                settled(client.set_data(path, data, Some(version)).await)
            };
            match self.ask(path, write).await {
                Ok(Some(stat)) => return Ok(stat.version),
                Ok(None) => {
                    // Perhaps it is our own write, from before the connection broke.
                    let ours = match self.get(path).await? {
                        Some(node) if interrupted => node.version == next && node.data == data,
                        _ => false,
                    };
                    let path = path.to_owned();
                    return if ours {
                        Ok(next)
                    } else {
                        Err(ZooKeeperError::BadVersion { path, version })
                    };
                }
                Err(ZooKeeperError::Interrupted { .. }) if Instant::now() < deadline => {
                    interrupted = true;
                    self.pause().await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Deletes a node that is still at this version, or whatever version it is at.
    pub async fn delete(&self, path: &str, version: Option<i32>) -> Result<(), ZooKeeperError> {
        let deadline = Instant::now() + self.patience();
        let mut interrupted = false;
        loop {
            let delete =
                |client: Client| async move { settled(client.delete(path, version).await) };
            match self.ask(path, delete).await {
                Ok(Some(())) => return Ok(()),
                Ok(None) => {
                    let (path, version) = (path.to_owned(), version.unwrap_or_default());
                    return Err(ZooKeeperError::BadVersion { path, version });
                }
                Err(ZooKeeperError::NoNode { .. }) if interrupted => return Ok(()),
                Err(ZooKeeperError::Interrupted { .. }) if Instant::now() < deadline => {
                    interrupted = true;
                    self.pause().await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Creates a node, and its parents if they are missing.
    async fn create_once(
        &self,
        path: &str,
        data: &[u8],
        mode: CreateMode,
    ) -> Result<(), ZooKeeperError> {
        limits::check(self.chroot_length(), [(path, data.len())].into_iter())?;
        let options = &options(mode);
        let create =
            |client: Client| async move { client.create(path, data, options).await.map(drop) };
        for _ in 0..PARENTS {
            match (self.ask(path, create).await, path.rsplit_once('/')) {
                (Err(ZooKeeperError::NoNode { .. }), Some((parent, _))) if !parent.is_empty() => {
                    self.ensure(parent).await?;
                }
                (result, _) => return result,
            }
        }
        Err(ZooKeeperError::NoNode {
            path: path.to_owned(),
        })
    }
}

/// `None` if the version was another.
fn settled<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(done) => Ok(Some(done)),
        Err(Error::BadVersion) => Ok(None),
        Err(error) => Err(error),
    }
}
