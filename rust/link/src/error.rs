//! Everything that can go wrong with a connection.

use std::sync::Arc;
use std::time::Duration;

use kafkalite_wire::ErrorCode;

use crate::address::Address;

/// The result of asking a broker.
pub(crate) type Result<T, E = LinkError> = std::result::Result<T, E>;

/// Why a broker could not be asked, or its answer not be understood. Cheap to clone: all that was in flight reports the same.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LinkError {
    /// No TCP connection: check the address and who it came from, and whether a broker listens there.
    #[error("cannot connect to {address}: {reason}")]
    Connect {
        /// Which address.
        address: Address,
        /// What the system said.
        reason: Arc<str>,
    },
    /// Another broker has taken the address of the one that was meant, as happens on free ports; nothing was asked of it. The
    /// client goes on from `bootstrap.servers` by itself.
    #[error(
        "the broker at {address} is not, or no longer, node {node_id} of cluster {cluster_id} (REBOOTSTRAP_REQUIRED); \
         the cluster is looked for at bootstrap.servers again"
    )]
    Misrouted {
        /// Which address.
        address: Address,
        /// The cluster that was meant.
        cluster_id: Arc<str>,
        /// Its node that was meant.
        node_id: i32,
    },
    /// The connection broke with requests unanswered. It is made again by itself; what was sent may have arrived.
    #[error("connection to {address} was lost: {reason}")]
    Disconnected {
        /// Which address.
        address: Address,
        /// How it ended.
        reason: Arc<str>,
    },
    /// A broker did not answer in time, so the connection was closed: raise `request.timeout.ms` or look at the broker.
    #[error("{api} to {address} was not answered within {} ms", after.as_millis())]
    RequestTimedOut {
        /// The request's API.
        api: &'static str,
        /// Which address.
        address: Address,
        /// How long was waited.
        after: Duration,
    },
    /// What came back is not Kafka's protocol: check that the port is a broker's plaintext listener.
    #[error("{address} does not speak Kafka's protocol as expected: {detail}")]
    Protocol {
        /// Which address.
        address: Address,
        /// What was wrong.
        detail: Arc<str>,
    },
    /// Broker and client have no version of an API in common: use another broker, or do without.
    #[error("{address} does not support {api} in a version that this client speaks ({detail})")]
    Unsupported {
        /// The API.
        api: &'static str,
        /// Which address.
        address: Address,
        /// The versions of both.
        detail: Arc<str>,
    },
    /// A string of the request is longer than the protocol can say, so nothing was sent: choose a shorter one.
    #[error("{api} cannot be sent: {detail}")]
    Unsendable {
        /// The request's API.
        api: &'static str,
        /// What is too long.
        detail: Arc<str>,
    },
    /// The broker does not want to speak: see the code's meaning.
    #[error("ApiVersions for {address}: {}", refused(*code))]
    Refused {
        /// Which address.
        address: Address,
        /// Kafka's error code.
        code: ErrorCode,
    },
}

fn refused(code: ErrorCode) -> String {
    match code {
        ErrorCode::Other(number) => format!("{} ({} {number})", code.message(), code.name()),
        code => format!("{} ({})", code.message(), code.name()),
    }
}

impl LinkError {
    /// Kafka's code, where a broker sent one or one fits exactly.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Misrouted { .. } => Some(ErrorCode::RebootstrapRequired),
            Self::Unsendable { .. } => Some(ErrorCode::InvalidRequest),
            Self::Refused { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether the same may succeed later, over another connection or with another broker.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::Misrouted { .. }
            | Self::Disconnected { .. }
            | Self::RequestTimedOut { .. } => true,
            Self::Refused { code, .. } => code.is_retriable(),
            Self::Protocol { .. } | Self::Unsupported { .. } | Self::Unsendable { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_is_not_known_is_told_by_its_number() {
        assert!(refused(ErrorCode::from_code(4711)).ends_with(" 4711)"));
        let known = refused(ErrorCode::UnsupportedVersion);
        assert!(known.ends_with("(UNSUPPORTED_VERSION)"), "{known}");
    }
}
