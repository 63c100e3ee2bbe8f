//! Whom a cluster's connections lead to, and what for.

/// What a connection is for. A broker works on one request of a connection at a time, so a fetch that waits for data
/// would hold up everything behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    /// Short questions.
    Ask,
    /// Produce requests.
    Produce,
}

/// A broker, by its id or by its place in `bootstrap.servers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Peer {
    Bootstrap(usize),
    Broker(i32),
}
