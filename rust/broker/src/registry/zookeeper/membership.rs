//! The broker's place in the cluster, as those see it who ask for changes: the session, if there is one, and how much of what it
//! tells has been taken in.

use std::time::Duration;

use arc_swap::ArcSwapOption;
use kafkalite_coordination::session::{ZooKeeperError, ZooKeeperSession};
use kafkalite_wire::ErrorCode;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::refusal::Refusal;
use crate::registry::turns::Changed;

/// How long a change may take until it is in the image of the broker that was asked.
const PATIENCE: Duration = Duration::from_secs(10);

/// One broker's membership.
#[derive(Debug)]
pub(crate) struct Membership {
    session: ArcSwapOption<ZooKeeperSession>,
    /// Counts how often something new was taken in.
    taken_in: watch::Sender<u64>,
}

impl Membership {
    pub(super) fn new(session: ZooKeeperSession) -> Self {
        Self {
            session: ArcSwapOption::from_pointee(session),
            taken_in: watch::Sender::new(0),
        }
    }

    /// The session in which changes are written.
    pub(super) fn session(&self) -> Changed<ZooKeeperSession> {
        let session = self.session.load();
        session.as_deref().cloned().ok_or_else(|| {
            let message = "ZooKeeper cannot be reached, and without it nothing about topics can be changed; what there is goes on";
            Refusal::new(ErrorCode::BrokerNotAvailable, message)
        })
    }

    /// From now on this session, or none.
    pub(super) fn set_session(&self, session: Option<ZooKeeperSession>) {
        self.session.store(session.map(Into::into));
    }

    /// Something new is in the image, or in the settings.
    pub(super) fn tell(&self) {
        self.taken_in
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Waits until something is so that follows from what has been written.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn() -> bool) -> Changed<()> {
        let mut taken_in = self.taken_in.subscribe();
        // Each time anything new has been taken in, and before the first.
        let waited = timeout(PATIENCE, taken_in.wait_for(|_| is_so())).await;
        match waited {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(Refusal::stopping()),
            Err(_) => Err(Refusal::new(
                ErrorCode::RequestTimedOut,
                format!(
                    "{what} is written in ZooKeeper, and has not come about within {} s: is there a controller, and are \
                     brokers there? It may still happen",
                    PATIENCE.as_secs()
                ),
            )),
        }
    }
}

/// Why a change was not written, where that is nobody's fault who asked.
pub(super) fn unwritten(error: &ZooKeeperError) -> Refusal {
    Refusal::new(ErrorCode::BrokerNotAvailable, error.to_string())
}
