//! What goes on beside a session's questions: it is kept alive, and what becomes of it is told.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};
use zookeeper_client::{Client, Error, SessionState as ClientState};

use super::lease::{Lease, SinceBoot};

/// Questions in one time-out: so the lease is renewed long before it ends, also if one is lost.
const BEATS: u32 = 4;

/// Time-outs after which nothing is answered any more: a session that reaches nobody is over before.
pub(super) const PATIENCE: u32 = 2;

/// How a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    /// A server answers.
    Connected,
    /// None does. The session is not over yet, but may be before one is reached: see [`Lease`].
    Disconnected,
    /// It is over for good.
    Ended,
}

impl From<ClientState> for SessionState {
    fn from(state: ClientState) -> Self {
        match state {
            ClientState::SyncConnected | ClientState::ConnectedReadOnly => Self::Connected,
            ClientState::Disconnected => Self::Disconnected,
            ClientState::AuthFailed | ClientState::Expired | ClientState::Closed => Self::Ended,
        }
    }
}

/// The client of a session, as long as that is not over.
pub(super) type SharedClient = Arc<Mutex<Option<Client>>>;

/// Goes on until the session is over, and then lets go of the client.
pub(super) async fn beat(
    client: Client,
    shared: SharedClient,
    lease: Lease,
    states: watch::Sender<SessionState>,
) {
    tokio::select! {
        () = ask(&client, &lease) => {
            tracing::warn!("ZooKeeper answers nothing any more in session {}: it is given up", client.session_id());
        }
        () = tell(&client, &states) => {}
    }
    lease.end();
    shared.lock().take();
    states.send_replace(SessionState::Ended);
}

/// Renews the lease until a question stays without an answer for longer than any session lives. The client has pings of its own,
/// but does not say when they were sent; and it is enough for them that a server answers pings.
async fn ask(client: &Client, lease: &Lease) {
    let session_timeout = client.session_timeout();
    let mut ticks = interval(session_timeout / BEATS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let asked = SinceBoot::now();
        // It waits while there is no connection.
        match timeout(session_timeout * PATIENCE, client.check_stat("/")).await {
            Ok(Ok(_)) => lease.renew(asked),
            // The client's own task is no more, so it will not tell how the session ends.
            Err(_) | Ok(Err(Error::UnexpectedError(_))) => return,
            Ok(Err(_)) => {}
        }
    }
}

/// Tells how the session is, until it is over.
async fn tell(client: &Client, states: &watch::Sender<SessionState>) {
    let mut watcher = client.state_watcher();
    let mut state = SessionState::from(client.state());
    while state != SessionState::Ended {
        states.send_replace(state);
        state = watcher.changed().await.into();
    }
}
