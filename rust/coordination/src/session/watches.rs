//! Nodes that are watched. ZooKeeper tells once that something has changed; what it is like then is read together with setting
//! the next watch, so no change falls between. Several changes may be told as one.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use zookeeper_client::{Client, Error, OneshotWatcher};

use super::error::ZooKeeperError;
use super::live::ZooKeeperSession;
use super::reads::StoredNode;

/// What a node holds, from now on.
#[derive(Debug)]
pub struct NodeWatch {
    session: ZooKeeperSession,
    path: String,
    armed: Armed,
}

/// A node's children, from now on.
#[derive(Debug)]
pub struct ChildrenWatch {
    session: ZooKeeperSession,
    path: String,
    armed: Armed,
}

impl ZooKeeperSession {
    /// Watches what a node holds, and whether it is there.
    pub fn watch_node(&self, path: impl Into<String>) -> NodeWatch {
        NodeWatch {
            session: self.clone(),
            path: path.into(),
            armed: Armed(None),
        }
    }

    /// Watches which children a node has.
    pub fn watch_children(&self, path: impl Into<String>) -> ChildrenWatch {
        ChildrenWatch {
            session: self.clone(),
            path: path.into(),
            armed: Armed(None),
        }
    }
}

impl NodeWatch {
    /// The node as it is, at first, and then each time that something has become of it; `None` if it is not there. The same may
    /// come twice. Dropped in between, it is as if it had not been called.
    pub async fn next(&mut self) -> Result<Option<StoredNode>, ZooKeeperError> {
        self.armed.fired(&self.session).await;
        let path = &*self.path;
        let read = |client: Client| async move {
            match client.get_and_watch_data(path).await {
                Ok((data, stat, watcher)) => {
                    Ok(Read::Found(StoredNode::new(path, data, &stat), watcher))
                }
                Err(Error::NoNode) => absent(&client, path).await,
                Err(error) => Err(error),
            }
        };
        self.armed.read(&self.session, path, read).await
    }
}

impl ChildrenWatch {
    /// The children's names in order, at first, and then each time that one has come or gone; `None` if the node itself is not
    /// there. The same may come twice. Dropped in between, it is as if it had not been called.
    pub async fn next(&mut self) -> Result<Option<Vec<String>>, ZooKeeperError> {
        self.armed.fired(&self.session).await;
        let path = &*self.path;
        let read = |client: Client| async move {
            match client.list_and_watch_children(path).await {
                Ok((mut names, watcher)) => {
                    names.sort_unstable();
                    Ok(Read::Found(names, watcher))
                }
                Err(Error::NoNode) => absent(&client, path).await,
                Err(error) => Err(error),
            }
        };
        self.armed.read(&self.session, path, read).await
    }
}

/// What was read, and who tells when that is no longer so.
enum Read<T> {
    Found(T, OneshotWatcher),
    Absent(OneshotWatcher),
    /// It was not there, and then it was: to be read again.
    Appeared,
}

/// Watches for a node to come.
async fn absent<T>(client: &Client, path: &str) -> Result<Read<T>, Error> {
    Ok(match client.check_and_watch_stat(path).await? {
        (None, watcher) => Read::Absent(watcher),
        (Some(_), _) => Read::Appeared,
    })
}

/// The watch that is set, if one is.
struct Armed(Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>);

impl Armed {
    /// Waits until something has changed since the last reading, if there was one. The end of the session counts as a change.
    async fn fired(&mut self, session: &ZooKeeperSession) {
        if let Some(watcher) = &mut self.0 {
            tokio::select! {
                () = watcher => {}
                () = session.ended() => {}
            }
            self.0 = None;
        }
    }

    /// Reads, and sets the watch.
    async fn read<T, F>(
        &mut self,
        session: &ZooKeeperSession,
        path: &str,
        read: impl Fn(Client) -> F,
    ) -> Result<Option<T>, ZooKeeperError>
    where
        F: Future<Output = Result<Read<T>, Error>>,
    {
        loop {
            let (found, watcher) = match session.ask_again(path, &read).await? {
                Read::Found(found, watcher) => (Some(found), watcher),
                Read::Absent(watcher) => (None, watcher),
                Read::Appeared => continue,
            };
            self.0 = Some(Box::pin(async move {
                watcher.changed().await;
            }));
            return Ok(found);
        }
    }
}

impl fmt::Debug for Armed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Armed").field(&self.0.is_some()).finish()
    }
}
