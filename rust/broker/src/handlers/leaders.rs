//! Who leads instead: what Produce and Fetch tell a client that is wrong about the leader (KIP-951).

use std::collections::BTreeSet;
use std::sync::Arc;

use kafkalite_cluster::{ClusterImage, TopicKey};
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::leader::{CurrentLeader, NodeEndpoint};

use super::Context;

/// The leaders that one answer names.
pub(super) struct Leaders<'a> {
    context: &'a Context,
    has_room: bool,
    /// Who leads what: one image for all of the answer, from the first error on. Most answers need none.
    image: Option<Arc<ClusterImage>>,
    named: BTreeSet<i32>,
}

impl<'a> Leaders<'a> {
    /// For an answer that has room for them from version `first` on.
    pub(super) fn since(first: i16, context: &'a Context) -> Self {
        Self {
            context,
            has_room: context.api_version >= first,
            image: None,
            named: BTreeSet::new(),
        }
    }

    /// Whom to ask instead about a partition, if that is what went wrong.
    pub(super) fn of(&mut self, topic: &TopicKey, index: i32, error: ErrorCode) -> CurrentLeader {
        let is_wrong = matches!(
            error,
            ErrorCode::NotLeaderOrFollower | ErrorCode::FencedLeaderEpoch
        );
        if !(is_wrong && self.has_room) {
            return CurrentLeader::default();
        }
        let registry = &self.context.broker.registry;
        let image = self
            .image
            .get_or_insert_with(|| Arc::clone(&registry.image()));
        let topic = image.by_key(topic);
        let partition = topic.and_then(|topic| topic.partition(index));
        let Some((leader_id, leader_epoch)) =
            partition.and_then(|partition| Some((partition.leader?, partition.leader_epoch)))
        else {
            return CurrentLeader::default();
        };
        self.named.insert(leader_id);
        CurrentLeader {
            leader_id,
            leader_epoch,
        }
    }

    /// Where those that were named are reached.
    pub(super) fn endpoints(&self) -> Vec<NodeEndpoint> {
        let endpoint = |&node_id: &i32| {
            let broker = self.image.as_ref()?.brokers.get(&node_id)?;
            let address = self.context.endpoint(broker);
            Some(NodeEndpoint {
                node_id,
                host: address.host,
                port: i32::from(address.port),
                rack: broker.rack.clone(),
            })
        };
        self.named.iter().filter_map(endpoint).collect()
    }
}
