//! Why ZooKeeper did not do what it was asked.

use std::time::Duration;

use zookeeper_client::Error;

use crate::registries::Garbage;

/// What can go wrong. [`SessionEnded`](Self::SessionEnded) asks for a new session; [`Interrupted`](Self::Interrupted) for a look
/// at what has become of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZooKeeperError {
    /// Nobody answers. Try again, or look whether ZooKeeper runs.
    #[error(
        "no ZooKeeper answers at {servers}, tried for {:.1} s: {reasons}. Does it run, and is zookeeper.connect right?",
        waited.as_secs_f64()
    )]
    Unreachable {
        /// The address.
        servers: String,
        /// How long that was tried.
        waited: Duration,
        /// What was heard from each.
        reasons: String,
    },
    /// There is no such place in ZooKeeper.
    #[error(
        "ZooKeeper at {servers} has no node {chroot}, in which zookeeper.connect says that all is to be found: is it mistyped, or has no \
         broker been started there yet?"
    )]
    NoChroot {
        /// The servers.
        servers: String,
        /// The missing node.
        chroot: String,
    },
    /// The session has expired or was closed, and what it had registered is gone or soon will be. Connect anew.
    #[error(
        "the session with ZooKeeper at {servers} is over: what it had registered must be registered in a new one"
    )]
    SessionEnded {
        /// The servers.
        servers: String,
    },
    /// The connection broke before the answer came, so it may have been done or not: look.
    #[error("the connection to ZooKeeper broke before it had answered what became of {path}")]
    Interrupted {
        /// What it was about.
        path: String,
    },
    /// There is no such node.
    #[error("ZooKeeper has no node {path}")]
    NoNode {
        /// The node.
        path: String,
    },
    /// Somebody has made the node before.
    #[error("ZooKeeper's node {path} is somebody else's")]
    NodeExists {
        /// The node.
        path: String,
    },
    /// Somebody has changed the node meanwhile: read it again.
    #[error("ZooKeeper's node {path} is no longer at version {version}: somebody has changed it")]
    BadVersion {
        /// The node.
        path: String,
        /// The version that it had been at.
        version: i32,
    },
    /// The node has children.
    #[error("ZooKeeper's node {path} is not deleted, for it has children")]
    NotEmpty {
        /// The node.
        path: String,
    },
    /// Nothing was sent: the server would close the connection without a word.
    #[error("{bytes} bytes for ZooKeeper's node {path} are more than the {limit} that it takes")]
    TooLarge {
        /// The node, the first of several.
        path: String,
        /// Bytes that would have been sent.
        bytes: usize,
        /// Bytes that can be.
        limit: usize,
    },
    /// The server does not want to, for another reason: rights, quotas, a path that cannot be.
    #[error("ZooKeeper refuses {path}: {reason}")]
    Refused {
        /// The node.
        path: String,
        /// What it says.
        reason: String,
    },
    /// A node holds what does not belong there.
    #[error(transparent)]
    Garbage(#[from] Garbage),
}

impl ZooKeeperError {
    /// What the client's error means.
    pub(super) fn told(servers: &str, path: &str, error: Error) -> Self {
        let path = path.to_owned();
        match error {
            Error::NoNode => Self::NoNode { path },
            Error::NodeExists => Self::NodeExists { path },
            Error::NotEmpty => Self::NotEmpty { path },
            Error::SessionExpired | Error::ClientClosed | Error::AuthFailed => Self::SessionEnded {
                servers: servers.to_owned(),
            },
            Error::ConnectionLoss
            | Error::NoHosts
            | Error::SessionMoved
            | Error::Timeout
            | Error::Custom(_)
            | Error::UnmarshalError { .. } => Self::Interrupted { path },
            other => Self::Refused {
                path,
                reason: other.to_string(),
            },
        }
    }
}
