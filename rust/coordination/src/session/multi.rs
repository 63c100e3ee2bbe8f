//! Several writes that are all done or none.

use zookeeper_client::{Client, CreateMode, Error, MultiWriteError};

use super::error::ZooKeeperError;
use super::limits;
use super::live::ZooKeeperSession;
use super::writes::options;

/// Writes that ZooKeeper does all together and in this order, or not at all. Parents must be there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MultiWrite {
    writes: Vec<Write>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Write {
    path: String,
    what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Check(i32),
    Create(Vec<u8>),
    Register(Vec<u8>),
    Set(Vec<u8>, i32),
    Delete(i32),
}

impl MultiWrite {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only if this node is at this version.
    #[must_use]
    pub fn check(self, path: impl Into<String>, version: i32) -> Self {
        self.with(path, What::Check(version))
    }

    /// Creates a node that stays.
    #[must_use]
    pub fn create(self, path: impl Into<String>, data: Vec<u8>) -> Self {
        self.with(path, What::Create(data))
    }

    /// Creates a node that ends with the session.
    #[must_use]
    pub fn register(self, path: impl Into<String>, data: Vec<u8>) -> Self {
        self.with(path, What::Register(data))
    }

    /// Writes to a node that is at this version.
    #[must_use]
    pub fn set(self, path: impl Into<String>, data: Vec<u8>, version: i32) -> Self {
        self.with(path, What::Set(data, version))
    }

    /// Deletes a node that is at this version.
    #[must_use]
    pub fn delete(self, path: impl Into<String>, version: i32) -> Self {
        self.with(path, What::Delete(version))
    }

    /// This, then that.
    #[must_use]
    pub fn then(mut self, other: Self) -> Self {
        self.writes.extend(other.writes);
        self
    }

    fn with(mut self, path: impl Into<String>, what: What) -> Self {
        self.writes.push(Write {
            path: path.into(),
            what,
        });
        self
    }
}

impl Write {
    fn bytes(&self) -> usize {
        match &self.what {
            What::Check(_) | What::Delete(_) => 0,
            What::Create(data) | What::Register(data) | What::Set(data, _) => data.len(),
        }
    }

    /// The version that the node has to be at.
    fn version(&self) -> i32 {
        match self.what {
            What::Check(version) | What::Set(_, version) | What::Delete(version) => version,
            What::Create(_) | What::Register(_) => 0,
        }
    }
}

impl ZooKeeperSession {
    /// Does all of it or nothing. The error is that of the first write that cannot be; after
    /// [`Interrupted`](ZooKeeperError::Interrupted) all or nothing has been done.
    pub async fn commit(&self, all: &MultiWrite) -> Result<(), ZooKeeperError> {
        let Some(first) = all.writes.first() else {
            return Ok(());
        };
        let sizes = all.writes.iter().map(|write| (&*write.path, write.bytes()));
        limits::check(self.chroot_length(), sizes)?;
        let commit = |client: Client| async move {
            match send(&client, &all.writes).await {
                Err(MultiWriteError::RequestFailed { source }) => Err(source),
                Err(MultiWriteError::OperationFailed { index, source }) => {
                    Ok(Some((index, source)))
                }
                Ok(()) => Ok(None),
            }
        };
        match self.ask(&first.path, commit).await? {
            None => Ok(()),
            Some((index, error)) => {
                let write = all.writes.get(index).unwrap_or(first);
                Err(match error {
                    Error::BadVersion => ZooKeeperError::BadVersion {
                        path: write.path.clone(),
                        version: write.version(),
                    },
                    error => self.told(&write.path, error),
                })
            }
        }
    }
}

async fn send(client: &Client, writes: &[Write]) -> Result<(), MultiWriteError> {
    let mut multi = client.new_multi_writer();
    for Write { path, what } in writes {
        match what {
            What::Check(version) => multi.add_check_version(path, *version)?,
            What::Create(data) => {
                multi.add_create(path, data, &options(CreateMode::Persistent))?;
            }
            What::Register(data) => {
                multi.add_create(path, data, &options(CreateMode::Ephemeral))?;
            }
            What::Set(data, version) => multi.add_set_data(path, data, Some(*version))?,
            What::Delete(version) => multi.add_delete(path, Some(*version))?,
        }
    }
    multi.commit().await.map(drop)
}

#[cfg(test)]
mod model {
    //! The same as a server does it, for tests that need none.

    use std::collections::BTreeMap;

    use super::{MultiWrite, What};
    use crate::session::StoredNode;

    impl MultiWrite {
        /// Does all of it in the name of a session, or nothing. The error is the place of the first write that cannot be.
        pub(crate) fn apply(
            &self,
            nodes: &mut BTreeMap<String, StoredNode>,
            session: i64,
        ) -> Result<(), usize> {
            let mut after = nodes.clone();
            for (index, write) in self.writes.iter().enumerate() {
                let path = write.path.clone();
                let found = after.get(&path);
                let fits = match &write.what {
                    What::Create(_) | What::Register(_) => found.is_none(),
                    What::Check(version) | What::Set(_, version) | What::Delete(version) => {
                        found.is_some_and(|node| node.version == *version)
                    }
                };
                if !fits {
                    return Err(index);
                }
                let node = |data: &Vec<u8>, version, owner| StoredNode {
                    path: path.clone(),
                    data: data.clone(),
                    version,
                    owner,
                };
                let written = match &write.what {
                    What::Check(_) => continue,
                    What::Create(data) => node(data, 0, None),
                    What::Register(data) => node(data, 0, Some(session)),
                    What::Set(data, version) => {
                        node(data, version + 1, found.and_then(|found| found.owner))
                    }
                    What::Delete(_) => {
                        after.remove(&path);
                        continue;
                    }
                };
                after.insert(path, written);
            }
            *nodes = after;
            Ok(())
        }
    }
}
