//! Where ZooKeeper is, and connecting to it.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use zookeeper_client::{Client, CreateMode, Error};

use super::connect_string::{ConnectString, InvalidConnectString};
use super::error::ZooKeeperError;
use super::lease::SinceBoot;
use super::live::ZooKeeperSession;
use super::writes::options;

/// The pause before servers are tried again, the first and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];
/// How long, and how many servers are asked why they do not answer.
const DIAGNOSIS: Duration = Duration::from_millis(500);
const DIAGNOSED: usize = 5;
/// What is said of a server that can be reached.
const NO_SESSION: &str = "somebody listens, but begins no session: it is not ZooKeeper, or not the majority of its servers is there";
/// Sessions that are remembered. An earlier one lives for a time-out at the most, and connecting takes a while.
const REMEMBERED: usize = 16;
/// The longest time-out that the protocol can say.
const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);

/// How to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnsembleSettings {
    /// How long a session lives that is not heard of (`zookeeper.session.timeout.ms`). The server may make it shorter or longer.
    pub session_timeout: Duration,
    /// How long connecting may take (`zookeeper.connection.timeout.ms`).
    pub connect_timeout: Duration,
    /// Whether a chroot that is missing is made. A broker does so, a consumer would only be alone there.
    pub creates_chroot: bool,
}

impl Default for EnsembleSettings {
    /// As the old consumer's.
    fn default() -> Self {
        Self {
            session_timeout: Duration::from_secs(6),
            connect_timeout: Duration::from_secs(6),
            creates_chroot: false,
        }
    }
}

/// ZooKeeper's servers, of which any will do. One process has one session at a time.
#[derive(Debug)]
pub struct Ensemble {
    servers: Vec<String>,
    chroot: Option<String>,
    settings: EnsembleSettings,
    /// The sessions that have been, the last one last.
    sessions: Mutex<VecDeque<i64>>,
}

impl Ensemble {
    /// At an address such as `host1:2181,host2:2181/chroot`. Nothing is connected yet.
    pub fn new(address: &str, settings: EnsembleSettings) -> Result<Self, InvalidConnectString> {
        let ConnectString { servers, chroot } = ConnectString::parse(address)?;
        Ok(Self {
            servers,
            chroot,
            settings,
            sessions: Mutex::default(),
        })
    }

    /// Begins a session. If one was begun before, it should be over: what it still holds in ZooKeeper counts as left behind.
    pub async fn connect(&self) -> Result<ZooKeeperSession, ZooKeeperError> {
        let start = Instant::now();
        let deadline = start + self.settings.connect_timeout;
        let (client, asked) = match timeout_at(deadline, self.begin()).await {
            Ok(begun) => begun?,
            Err(_) => return Err(self.unreachable(start).await),
        };
        let earlier = self.remember(client.session_id().0);
        Ok(ZooKeeperSession::new(
            client,
            asked,
            earlier,
            self.servers.join(","),
        ))
    }

    /// Tries all servers, again and again. Answers the client, and when something was asked that has been answered.
    async fn begin(&self) -> Result<(Client, SinceBoot), ZooKeeperError> {
        let servers = self.servers.join(",");
        let session_timeout = self.settings.session_timeout.min(LONGEST);
        let [mut pause, longest] = PAUSES;
        loop {
            let connector = Client::connector()
                .with_session_timeout(session_timeout)
                .with_fail_eagerly();
            let asked = SinceBoot::now();
            let begun = match connector.connect(&servers).await {
                Ok(client) => self.rooted(client).await,
                Err(error) => Err(error),
            };
            let error = match begun {
                Ok(Some(client)) => return Ok((client, asked)),
                Ok(None) => return Err(self.no_chroot()),
                Err(error) => ZooKeeperError::told(&servers, self.root(), error),
            };
            if let ZooKeeperError::Refused { .. } = error {
                return Err(error);
            }
            tracing::debug!("no session with ZooKeeper at {servers} yet: {error}");
            sleep(pause).await;
            pause = longest.min(2 * pause);
        }
    }

    /// The client in its chroot; `None` if there is no such node.
    async fn rooted(&self, client: Client) -> Result<Option<Client>, Error> {
        let Some(chroot) = &self.chroot else {
            return Ok(Some(client));
        };
        if client.check_stat(chroot).await?.is_none() {
            if !self.settings.creates_chroot {
                return Ok(None);
            }
            client
                .mkdir(chroot, &options(CreateMode::Persistent))
                .await?;
        }
        Ok(client.chroot(&**chroot).ok())
    }

    /// The node that stands for the root.
    fn root(&self) -> &str {
        self.chroot.as_deref().unwrap_or("/")
    }

    fn no_chroot(&self) -> ZooKeeperError {
        ZooKeeperError::NoChroot {
            servers: self.servers.join(","),
            chroot: self.root().to_owned(),
        }
    }

    /// Remembers a session, and answers those before.
    fn remember(&self, session: i64) -> Vec<i64> {
        let mut sessions = self.sessions.lock();
        let earlier = sessions.iter().copied().collect();
        if sessions.len() == REMEMBERED {
            sessions.pop_front();
        }
        sessions.push_back(session);
        earlier
    }

    /// That nobody answers, and what each server does instead.
    async fn unreachable(&self, start: Instant) -> ZooKeeperError {
        let waited = start.elapsed();
        let mut reasons = Vec::new();
        for server in self.servers.iter().take(DIAGNOSED) {
            let reason = match timeout(DIAGNOSIS, TcpStream::connect(&**server)).await {
                Ok(Ok(_)) => NO_SESSION.to_owned(),
                Ok(Err(error)) => error.to_string(),
                Err(_) => "nothing is heard from there".to_owned(),
            };
            reasons.push(format!("{server}: {reason}"));
        }
        ZooKeeperError::Unreachable {
            servers: self.servers.join(","),
            waited,
            reasons: reasons.join("; "),
        }
    }
}
