//! What goes on beside a session's questions: it is kept alive, and what becomes of it is told.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use zookeeper_client::{Client, SessionState as ClientState};

use super::lease::{Lease, SinceBoot};

/// Questions in one time-out: so the lease is renewed long before it ends, also if one is lost.
const BEATS: u32 = 4;

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

/// Goes on until the session is over.
pub(super) async fn beat(
    client: Client,
    timeout: Duration,
    lease: Lease,
    states: watch::Sender<SessionState>,
) {
    tokio::select! {
        () = ask(&client, timeout / BEATS, &lease) => {}
        () = tell(&client, &lease, &states) => {}
    }
}

/// The client has pings of its own, but does not say when they were sent.
async fn ask(client: &Client, every: Duration, lease: &Lease) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let asked = SinceBoot::now();
        // It waits while there is no connection, and ends at the latest with the session.
        if client.check_stat("/").await.is_ok() {
            lease.renew(asked);
        }
    }
}

async fn tell(client: &Client, lease: &Lease, states: &watch::Sender<SessionState>) {
    let mut watcher = client.state_watcher();
    let mut state = SessionState::from(client.state());
    while state != SessionState::Ended {
        states.send_replace(state);
        state = watcher.changed().await.into();
    }
    lease.end();
    states.send_replace(state);
}
