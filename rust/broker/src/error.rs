//! Everything that can go wrong with a broker as a whole. What goes wrong with one request is that answer's error code.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use kafkalite_log::LogError;
use kafkalite_settings::ConfigError;
use kafkalite_settings::properties::BadProperties;

/// Why a broker could not be configured, started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// There is no such setting, or it cannot hold this value. The message says what would do.
    #[error(transparent)]
    Setting(#[from] ConfigError),

    /// The setting asks for something that this broker does not do, and that must not be ignored. Leave it out.
    #[error("{name} is set, but kafkalite {why}; leave it out")]
    UnsupportedSetting {
        /// The setting.
        name: String,
        /// What is missing.
        why: &'static str,
    },

    /// The setting can only be changed by starting the broker again with it.
    #[error(
        "{name} cannot be changed while the broker runs; set it in the properties file or with -X and start again"
    )]
    FixedSetting {
        /// The setting.
        name: String,
    },

    /// A line of a properties file is malformed. Correct it.
    #[error(transparent)]
    Properties(#[from] BadProperties),

    /// The address cannot be listened on. Choose another port (0 takes a free one), or stop who holds this one.
    #[error("cannot listen on {address} (from {from}): {source}. {}", listen_hint(.source))]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// The setting that it came from.
        from: &'static str,
        /// What the system said.
        source: io::Error,
    },

    /// A host name has no address. Write an address, or correct the name.
    #[error(
        "no address found for host {host:?} (from {from}): {source}. Try an address such as 127.0.0.1"
    )]
    Resolve {
        /// The host as written.
        host: String,
        /// The setting that it came from.
        from: &'static str,
        /// What the system said.
        source: io::Error,
    },

    /// The data directory could not be opened, locked, read or written. The message says which of these, and why.
    #[error(transparent)]
    Storage(#[from] LogError),

    /// A file of the broker's own could not be read or written. Check the permissions and the free space.
    #[error("cannot {what} {}: {source}", .path.display())]
    File {
        /// "read", "write" …
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },

    /// The file of altered settings is not one that we wrote. Repair or remove it; removing it forgets what was altered.
    #[error("{} is damaged: {reason}. Repair it, or remove it to forget all altered settings", .path.display())]
    DamagedConfigs {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },

    /// The broker cannot be one of the cluster that `zookeeper.connect` names. The message says why, and what would do.
    #[error("the broker cannot join its cluster: {reason}")]
    Cluster {
        /// What is wrong, and what to try.
        reason: String,
    },

    /// The topic does not exist. Create it first.
    #[error("there is no topic called {name:?}")]
    UnknownTopic {
        /// What was asked for.
        name: String,
    },

    /// The topic exists already. Use it, or delete it first.
    #[error("there is already a topic called {name:?}")]
    TopicExists {
        /// What was asked for.
        name: String,
    },

    /// A topic cannot have this name, or cannot be changed in this way. The message says what would do.
    #[error("topic {name:?}: {reason}")]
    InvalidTopic {
        /// What was asked for.
        name: String,
        /// What is wrong, and what would do.
        reason: String,
    },

    /// The broker has been stopped. Start a new one on the same directory.
    #[error("the broker is stopped; start a new one on the same directory")]
    Stopped,
}

fn listen_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "Another program listens there: stop it, choose another port, or port 0 for a free one"
        }
        io::ErrorKind::PermissionDenied => {
            "Ports below 1024 need privileges: choose a higher one, or port 0 for a free one"
        }
        io::ErrorKind::AddrNotAvailable => {
            "No interface of this machine has that address: try 127.0.0.1 or 0.0.0.0"
        }
        _ => "Try 127.0.0.1 and port 0",
    }
}
