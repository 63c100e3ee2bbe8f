//! Who leads instead: what Produce and Fetch tell a client that is wrong about the leader (KIP-951).

use std::collections::BTreeSet;
use std::sync::Arc;

use kafkalite_cluster::{ClusterImage, TopicKey};
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::leader::{CurrentLeader, NodeEndpoint};

use super::Context;

/// The leaders that one answer names.
#[derive(Default)]
pub(super) struct Leaders {
    /// Who leads what; nothing where the answer has no room for it.
    image: Option<Arc<ClusterImage>>,
    named: BTreeSet<i32>,
}

impl Leaders {
    /// For an answer that has room for them from version `first` on.
    pub(super) fn since(first: i16, context: &Context) -> Self {
        let has_room = context.api_version >= first;
        Self {
            image: has_room.then(|| Arc::clone(&context.broker.registry.image())),
            named: BTreeSet::new(),
        }
    }

    /// Whom to ask instead about a partition, if that is what went wrong.
    pub(super) fn of(&mut self, topic: &TopicKey, index: i32, error: ErrorCode) -> CurrentLeader {
        let is_wrong = matches!(
            error,
            ErrorCode::NotLeaderOrFollower | ErrorCode::FencedLeaderEpoch
        );
        let image = self.image.as_ref().filter(|_| is_wrong);
        let topic = image.and_then(|image| image.by_key(topic));
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
    pub(super) fn endpoints(&self, context: &Context) -> Vec<NodeEndpoint> {
        let endpoint = |&node_id: &i32| {
            let broker = self.image.as_ref()?.brokers.get(&node_id)?;
            let address = context.endpoint(broker);
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
