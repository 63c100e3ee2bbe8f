//! Reading nodes.

use zookeeper_client::{Client, Error, Stat};

use super::error::ZooKeeperError;
use super::live::ZooKeeperSession;
use crate::registries::{Garbage, Znode};

/// Questions that are under way at once.
const WINDOW: usize = 64;

/// A node as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredNode {
    /// Where it is.
    pub path: String,
    /// What it holds.
    pub data: Vec<u8>,
    /// How often it has been written: a write that names it is refused if somebody has written since.
    pub version: i32,
    /// The session that it ends with; `None` if with none.
    pub owner: Option<i64>,
}

impl StoredNode {
    /// What it holds, if that is what belongs there.
    pub fn value<T: Znode>(&self) -> Result<T, Garbage> {
        T::parse(&self.path, &self.data)
    }

    pub(super) fn new(path: &str, data: Vec<u8>, stat: &Stat) -> Self {
        Self {
            path: path.to_owned(),
            data,
            version: stat.version,
            owner: (stat.ephemeral_owner != 0).then_some(stat.ephemeral_owner),
        }
    }
}

impl ZooKeeperSession {
    /// Reads a node; `None` if there is none.
    pub async fn get(&self, path: &str) -> Result<Option<StoredNode>, ZooKeeperError> {
        let read = |client: Client| async move { stored(path, client.get_data(path).await) };
        self.ask_again(path, read).await
    }

    /// Reads many nodes, a number of them at once; `None` for each that there is not. They are not read at one moment.
    pub async fn get_all(
        &self,
        paths: &[String],
    ) -> Result<Vec<Option<StoredNode>>, ZooKeeperError> {
        let mut found = Vec::with_capacity(paths.len());
        for window in paths.chunks(WINDOW) {
            let read = |client: Client| async move {
                // The client sends each question when it is made, not when its answer is waited for.
                let asked: Vec<_> = window.iter().map(|path| client.get_data(path)).collect();
                let mut found = Vec::with_capacity(window.len());
                for (path, answer) in window.iter().zip(asked) {
                    found.push(stored(path, answer.await)?);
                }
                Ok(found)
            };
            match self.ask(&window[0], read).await {
                Ok(nodes) => found.extend(nodes),
                // One by one there is an error for the right one, or none if only the connection broke.
                Err(_) => {
                    for path in window {
                        found.push(self.get(path).await?);
                    }
                }
            }
        }
        Ok(found)
    }

    /// The names of a node's children, in order; `None` if there is no such node.
    pub async fn children(&self, path: &str) -> Result<Option<Vec<String>>, ZooKeeperError> {
        let read = |client: Client| async move {
            match client.list_children(path).await {
                Ok(mut names) => {
                    names.sort_unstable();
                    Ok(Some(names))
                }
                Err(Error::NoNode) => Ok(None),
                Err(error) => Err(error),
            }
        };
        self.ask_again(path, read).await
    }

    /// Has the server that is asked catch up with all that has been written anywhere before.
    pub async fn sync(&self) -> Result<(), ZooKeeperError> {
        let sync = |client: Client| async move { client.sync("/").await };
        self.ask_again("/", sync).await
    }
}

fn stored(path: &str, answer: Result<(Vec<u8>, Stat), Error>) -> Result<Option<StoredNode>, Error> {
    match answer {
        Ok((data, stat)) => Ok(Some(StoredNode::new(path, data, &stat))),
        Err(Error::NoNode) => Ok(None),
        Err(error) => Err(error),
    }
}
