//! Where who connects means to be (KIP-1242).

use std::sync::Arc;

use kafkalite_wire::api::api_versions::ApiVersionsRequest;

use crate::address::Address;
use crate::error::LinkError;

/// The node that a connection is meant for, as the latest metadata told. A broker that is another one says so before
/// anything is asked of it.
#[derive(Debug, Clone)]
pub struct Destination {
    /// The cluster.
    pub cluster_id: Arc<str>,
    /// Its node.
    pub node_id: i32,
}

impl Destination {
    /// Has the first question say where it means to be.
    pub(super) fn name_in(&self, request: &mut ApiVersionsRequest) {
        request.cluster_id = Some(self.cluster_id.to_string());
        request.node_id = self.node_id;
    }

    /// The error for a broker that is another one.
    pub(super) fn missed(&self, address: &Address) -> LinkError {
        LinkError::Misrouted {
            address: address.clone(),
            cluster_id: Arc::clone(&self.cluster_id),
            node_id: self.node_id,
        }
    }
}
