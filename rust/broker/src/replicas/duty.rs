//! What this broker is to be to a partition that lies here.

use kafkalite_log::Role;

/// What this broker is to be to a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Duty {
    /// There is no other broker: it leads, and goes on with the newest epoch in the log, which is that of an earlier leader where
    /// Apache Kafka wrote the directory.
    Alone,
    /// There are others, and the image of the cluster says it.
    Among {
        /// Whether it leads, and since which epoch.
        role: Role,
        /// Whether other brokers must have what consumers see.
        in_sync_with_others: bool,
    },
}
