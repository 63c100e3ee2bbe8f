//! What Produce and Fetch say about leaders to a client that asked the wrong broker (KIP-951).

use crate::Message;

/// Who leads a partition.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct CurrentLeader {
    /// The leader's id; −1 if unknown.
    #[wire(default = -1)]
    pub leader_id: i32,
    /// Its epoch; −1 if unknown.
    #[wire(default = -1)]
    pub leader_epoch: i32,
}

/// Where a broker is reached.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct NodeEndpoint {
    /// The broker's id.
    pub node_id: i32,
    /// Its address.
    pub host: String,
    /// Its address.
    pub port: i32,
    /// Its rack, if it has one.
    #[wire(nullable = ..)]
    pub rack: Option<String>,
}
