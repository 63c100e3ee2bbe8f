//! A session, and how it is asked.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use zookeeper_client::{Client, Error};

use super::error::ZooKeeperError;
use super::heart::{PATIENCE, SessionState, SharedClient, beat};
use super::lease::{Lease, SinceBoot};

/// How long after a connection broke the same is asked again. Then it waits for the next connection by itself.
const PAUSE: Duration = Duration::from_millis(20);

/// A session with ZooKeeper. Clones are the same one; it ends with the last of them, or when [`close`](Self::close) is called.
#[derive(Debug, Clone)]
pub struct ZooKeeperSession(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Nothing once it is over.
    client: SharedClient,
    heart: Mutex<Option<JoinHandle<()>>>,
    states: watch::Receiver<SessionState>,
    lease: Lease,
    id: i64,
    timeout: Duration,
    /// Sessions that this process has had before.
    earlier: Vec<i64>,
    /// For errors.
    servers: String,
    /// Bytes that the server sees before each path.
    chroot: usize,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // It has a client of its own, and the session is closed when nobody has one.
        if let Some(heart) = self.heart.lock().take() {
            heart.abort();
        }
    }
}

impl ZooKeeperSession {
    /// Of a client that has been answered what it asked then.
    pub(super) fn new(
        client: Client,
        asked: SinceBoot,
        earlier: Vec<i64>,
        servers: String,
    ) -> Self {
        let (sender, states) = watch::channel(SessionState::Connected);
        let (id, timeout) = (client.session_id().0, client.session_timeout());
        let chroot = client.path().len();
        let lease = Lease::new(asked, timeout);
        let beating = client.clone();
        let client = Arc::new(Mutex::new(Some(client)));
        let heart = tokio::spawn(beat(beating, Arc::clone(&client), lease.clone(), sender));
        Self(Arc::new(Inner {
            client,
            heart: Mutex::new(Some(heart)),
            states,
            lease,
            id,
            timeout,
            earlier,
            servers,
            chroot,
        }))
    }

    /// ZooKeeper's number of it: who holds an ephemeral node ([`StoredNode::owner`](super::StoredNode::owner)).
    pub fn id(&self) -> i64 {
        self.0.id
    }

    /// Whether a session of that number was this process's before, and so is over: what it holds will go, so it is waited for.
    pub fn is_earlier(&self, id: i64) -> bool {
        self.0.earlier.contains(&id)
    }

    /// The time-out that was agreed with the server.
    pub fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// Until when it certainly lasts.
    pub fn lease(&self) -> Lease {
        self.0.lease.clone()
    }

    /// How it is, now and from now on. The end is the last that is told, if it is told before everybody drops the session.
    pub fn states(&self) -> watch::Receiver<SessionState> {
        self.0.states.clone()
    }

    /// Waits until it is over.
    pub async fn ended(&self) {
        let mut states = self.states();
        let _ = states.wait_for(|state| *state == SessionState::Ended).await;
    }

    /// Ends it: what it had registered is gone when this returns, if a server could be reached within the time-out.
    pub async fn close(&self) {
        let Some(client) = self.0.client.lock().take() else {
            return;
        };
        self.0.lease.end();
        let heart = self.0.heart.lock().take();
        if let Some(heart) = heart {
            heart.abort();
            let _ = heart.await;
        }
        let mut states = client.state_watcher();
        let mut state = client.state();
        // What is under way has the client for so long.
        drop(client);
        let over = async {
            while !state.is_terminated() {
                state = states.changed().await;
            }
        };
        let _ = timeout(self.timeout(), over).await;
    }

    /// How long any question may take.
    pub(super) fn patience(&self) -> Duration {
        self.timeout() * PATIENCE
    }

    /// Bytes that the server sees before each path.
    pub(super) fn chroot_length(&self) -> usize {
        self.0.chroot
    }

    /// Asks once. What the server answers, whatever it is, renews the lease.
    pub(super) async fn ask<T, F>(
        &self,
        path: &str,
        call: impl FnOnce(Client) -> F,
    ) -> Result<T, ZooKeeperError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let client = self.0.client.lock().clone();
        let client = client.ok_or_else(|| self.over())?;
        let asked = SinceBoot::now();
        let answer = timeout(self.patience(), call(client)).await;
        let answer = answer.unwrap_or(Err(Error::Timeout));
        if answer.as_ref().err().is_none_or(is_the_servers) {
            self.0.lease.renew(asked);
        }
        answer.map_err(|error| self.told(path, error))
    }

    /// Asks until there is an answer: what can be asked again without harm.
    pub(super) async fn ask_again<T, F>(
        &self,
        path: &str,
        call: impl Fn(Client) -> F,
    ) -> Result<T, ZooKeeperError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let deadline = Instant::now() + self.patience();
        loop {
            match self.ask(path, &call).await {
                Err(ZooKeeperError::Interrupted { .. }) if Instant::now() < deadline => {
                    self.pause().await;
                }
                result => return result,
            }
        }
    }

    /// Lets a moment pass after an interruption.
    pub(super) async fn pause(&self) {
        sleep(PAUSE).await;
    }

    fn over(&self) -> ZooKeeperError {
        ZooKeeperError::SessionEnded {
            servers: self.0.servers.clone(),
        }
    }

    /// What the client's error means.
    pub(super) fn told(&self, path: &str, error: Error) -> ZooKeeperError {
        ZooKeeperError::told(&self.0.servers, path, error)
    }
}

/// Whether it is a server that says so. The client says other things by itself, without a connection.
fn is_the_servers(error: &Error) -> bool {
    matches!(
        error,
        Error::NoNode | Error::NodeExists | Error::BadVersion | Error::NotEmpty
    )
}
