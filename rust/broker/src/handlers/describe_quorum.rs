//! `DescribeQuorum` · key 55 · versions 0–2
//!
//! Behaviour: of partition 0 of `__cluster_metadata` the controller is the leader and the only voter. Its metadata is no log here, so offsets are 0. Other partitions have no quorum.
//!
//! Version notes: times of fetching from 1 (KIP-836), where the nodes listen from 2 (KIP-853).

use kafkalite_names::shown;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::describe_quorum::{
    DescribeQuorumRequest, DescribeQuorumResponse, DescribedQuorumPartition, DescribedQuorumTopic,
    QuorumListener, QuorumNode, QuorumReplica,
};

use super::{Context, Reply};
use kafkalite_cluster::names::CLUSTER_METADATA;

const FIRST_WITH_NODES: i16 = 2;
/// Where a broker is named and there is none.
const NO_BROKER: i32 = -1;

pub(super) async fn handle(
    context: &Context,
    request: DescribeQuorumRequest,
) -> Reply<DescribeQuorumResponse> {
    let mut found = false;
    let topics = request
        .topics
        .into_iter()
        .map(|topic| {
            let name = topic.topic_name;
            let describe = |index| {
                if name == CLUSTER_METADATA && index == 0 {
                    found = true;
                    quorum(context)
                } else {
                    unknown(&name, index)
                }
            };
            let partitions = topic
                .partitions
                .into_iter()
                .map(|asked| asked.partition_index)
                .map(describe)
                .collect();
            DescribedQuorumTopic {
                topic_name: name,
                partitions,
            }
        })
        .collect();
    let nodes = if found && context.api_version >= FIRST_WITH_NODES {
        node(context).into_iter().collect()
    } else {
        Vec::new()
    };
    DescribeQuorumResponse {
        error_message: Some(String::new()),
        topics,
        nodes,
        ..Default::default()
    }
    .into()
}

fn quorum(context: &Context) -> DescribedQuorumPartition {
    let now = context.broker.world.now_ms();
    let controller = context.broker.registry.image().controller;
    let node = controller.unwrap_or(NO_BROKER);
    DescribedQuorumPartition {
        error_message: Some(String::new()),
        leader_id: node,
        current_voters: vec![QuorumReplica {
            replica_id: node,
            last_fetch_timestamp: now,
            last_caught_up_timestamp: now,
            ..Default::default()
        }],
        ..Default::default()
    }
}

fn unknown(name: &str, partition_index: i32) -> DescribedQuorumPartition {
    let message = format!(
        "partition {partition_index} of topic '{}' has no quorum",
        shown(name)
    );
    DescribedQuorumPartition {
        partition_index,
        error_code: ErrorCode::UnknownTopicOrPartition,
        error_message: Some(message),
        ..Default::default()
    }
}

/// Where this client reaches the controller.
fn node(context: &Context) -> Option<QuorumNode> {
    let image = context.broker.registry.image();
    let node_id = image.controller?;
    let address = context.endpoint(image.brokers.get(&node_id)?);
    Some(QuorumNode {
        node_id,
        listeners: vec![QuorumListener {
            name: "PLAINTEXT".to_owned(),
            host: address.host,
            port: address.port,
        }],
    })
}
