//! `DescribeCluster` (key 60): the brokers, without any topic.

use crate::{ErrorCode, Message};

/// Asks for the brokers.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeClusterRequest {
    /// Whether to say what the client may do with the cluster.
    pub include_cluster_authorized_operations: bool,
    /// Which kind of node: 1 brokers, 2 controllers.
    #[wire(versions = 1.., default = 1)]
    pub endpoint_type: i8,
    /// Whether to list brokers that are fenced too.
    #[wire(versions = 2..)]
    pub include_fenced_brokers: bool,
}

/// The brokers.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeClusterResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(nullable = ..)]
    pub error_message: Option<String>,
    /// Which kind of node: 1 brokers, 2 controllers.
    #[wire(versions = 1.., default = 1)]
    pub endpoint_type: i8,
    /// The cluster's id.
    pub cluster_id: String,
    /// The controller's id; −1 if there is none.
    #[wire(default = -1)]
    pub controller_id: i32,
    /// All brokers.
    pub brokers: Vec<DescribeClusterBroker>,
    /// What the client may do, as a bit field; `i32::MIN` if not asked for.
    #[wire(default = i32::MIN)]
    pub cluster_authorized_operations: i32,
}

/// A broker and its address.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeClusterBroker {
    /// The broker's id.
    pub broker_id: i32,
    /// Where clients reach it.
    pub host: String,
    /// Where clients reach it.
    pub port: i32,
    /// Its rack, if it has one.
    #[wire(nullable = ..)]
    pub rack: Option<String>,
    /// Whether it is fenced.
    #[wire(versions = 2..)]
    pub is_fenced: bool,
}
