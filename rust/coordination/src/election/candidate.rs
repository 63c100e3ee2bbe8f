//! A broker that would be the controller.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::sleep;

use super::bid::{ControllerTerm, Incumbent, bid, incumbent, is_current};
use crate::registries::{ControllerZnode, Garbage, paths};
use crate::session::{MultiWrite, NodeWatch, StoredNode, ZooKeeperError, ZooKeeperSession};

/// The pause before a bid that came to nothing is made again.
const PAUSE: Duration = Duration::from_millis(20);

/// Who is the controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leadership {
    /// This broker, until it is told otherwise. What it writes it writes through the term.
    Ours(ControllerTerm),
    /// Another broker, or an earlier session of this one.
    Broker(i32),
    /// Nobody knows: what stands there is garbage. It stays so until somebody deletes it.
    Unknown(Garbage),
}

/// A broker that takes the place of the controller whenever it is free, as long as its session lasts.
#[derive(Debug)]
pub struct Candidate {
    session: ZooKeeperSession,
    broker_id: i32,
    watch: NodeWatch,
    /// The term of the last bid, which may have come to something.
    term: Option<ControllerTerm>,
    told: Option<Leadership>,
}

impl Candidate {
    /// This broker, in this session.
    pub fn new(session: ZooKeeperSession, broker_id: i32) -> Self {
        Self {
            watch: session.watch_node(paths::CONTROLLER),
            session,
            broker_id,
            term: None,
            told: None,
        }
    }

    /// Who is the controller, at first, and then each time that it is another, or this one in another term. Given up in between,
    /// it is as if it had not been called. The error is the end of the session, or that of `/controller_epoch`.
    pub async fn next(&mut self) -> Result<Leadership, ZooKeeperError> {
        loop {
            let found = self.watch.next().await?;
            let leadership = match incumbent(found.as_ref(), self.session.id()) {
                Incumbent::Nobody => {
                    self.stand().await?;
                    continue;
                }
                Incumbent::Us => match self.confirmed().await? {
                    Some(term) => Leadership::Ours(term),
                    None => continue,
                },
                Incumbent::Broker(id) => Leadership::Broker(id),
                Incumbent::Unknown(garbage) => Leadership::Unknown(garbage),
            };
            if self.told.as_ref() != Some(&leadership) {
                self.told = Some(leadership.clone());
                return Ok(leadership);
            }
        }
    }

    /// Makes a bid. What came of it is seen when the place is looked at again.
    async fn stand(&mut self) -> Result<(), ZooKeeperError> {
        let controller = ControllerZnode {
            broker_id: self.broker_id,
            timestamp: now(),
        };
        let epoch = self.session.get(paths::CONTROLLER_EPOCH).await?;
        let (bid, term) = bid(&controller, epoch.as_ref())?;
        self.term = Some(term);
        match self.session.commit(&bid).await {
            Ok(()) => Ok(()),
            // Another was first, or it may have been done although nobody said so.
            Err(
                ZooKeeperError::NodeExists { .. }
                | ZooKeeperError::BadVersion { .. }
                | ZooKeeperError::NoNode { .. }
                | ZooKeeperError::Interrupted { .. },
            ) => {
                sleep(PAUSE).await;
                self.look_again();
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// The term in which this session has the place. Without one the place is left: it is of a bid that nobody remembers.
    async fn confirmed(&mut self) -> Result<Option<ControllerTerm>, ZooKeeperError> {
        let epoch = self.session.get(paths::CONTROLLER_EPOCH).await?;
        let current = self.term.filter(|term| is_current(*term, epoch.as_ref()));
        if current.is_none() {
            self.leave(epoch).await?;
            self.look_again();
        }
        Ok(current)
    }

    /// Leaves the place, if it still is this session's: whoever takes it writes the epoch, which has been read before.
    async fn leave(&self, epoch: Option<StoredNode>) -> Result<(), ZooKeeperError> {
        let found = self.session.get(paths::CONTROLLER).await?;
        let Some(place) = found.filter(|node| node.owner == Some(self.session.id())) else {
            return Ok(());
        };
        let same = epoch.map_or_else(MultiWrite::new, |epoch| {
            MultiWrite::new().check(epoch.path, epoch.version)
        });
        match self
            .session
            .commit(&same.delete(paths::CONTROLLER, place.version))
            .await
        {
            Err(
                ZooKeeperError::BadVersion { .. }
                | ZooKeeperError::NoNode { .. }
                | ZooKeeperError::Interrupted { .. },
            ) => Ok(()),
            result => result,
        }
    }

    /// The next look is at once, and not when something has changed.
    fn look_again(&mut self) {
        self.watch = self.session.watch_node(paths::CONTROLLER);
    }
}

/// Why a controller's writes were not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControllerWriteError {
    /// There is another controller: this one writes nothing any more, and none of these writes has been done.
    #[error("this broker is no longer the controller: another has begun a term after {epoch}")]
    Deposed {
        /// The term that is over.
        epoch: i32,
    },
    /// Of another kind.
    #[error(transparent)]
    ZooKeeper(#[from] ZooKeeperError),
}

impl ControllerTerm {
    /// Does all of these writes, if no other controller has begun a term, or none.
    pub async fn commit(
        &self,
        session: &ZooKeeperSession,
        writes: MultiWrite,
    ) -> Result<(), ControllerWriteError> {
        match session.commit(&self.fenced(writes)).await {
            Err(ZooKeeperError::BadVersion { path, .. } | ZooKeeperError::NoNode { path })
                if path == paths::CONTROLLER_EPOCH =>
            {
                Err(ControllerWriteError::Deposed {
                    epoch: self.epoch(),
                })
            }
            result => Ok(result?),
        }
    }
}

/// Milliseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}
