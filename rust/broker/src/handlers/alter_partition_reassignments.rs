//! `AlterPartitionReassignments` · key 45 · versions 0–1
//!
//! Behaviour: a partition may be placed where it is, on this broker; on any other it cannot. There is never anything to cancel.
//!
//! Version notes: from 1 the number of replicas can be protected (KIP-860), which here never changes.

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::alter_partition_reassignments::{
    AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse, ReassignablePartition,
    ReassignedPartition, ReassignedTopic,
};

use super::{Context, Reply};
use crate::refusal::Refusal;

pub(super) async fn handle(
    context: &Context,
    request: AlterPartitionReassignmentsRequest,
) -> Reply<AlterPartitionReassignmentsResponse> {
    let responses = request
        .topics
        .into_iter()
        .map(|topic| ReassignedTopic {
            partitions: topic
                .partitions
                .iter()
                .map(|partition| {
                    let refusal = reassign(context, &topic.name, partition).err();
                    ReassignedPartition {
                        partition_index: partition.partition_index,
                        error_code: refusal.as_ref().map_or(ErrorCode::None, |one| one.code),
                        error_message: refusal.map(|one| one.message),
                    }
                })
                .collect(),
            name: topic.name,
        })
        .collect();
    AlterPartitionReassignmentsResponse {
        allow_replication_factor_change: request.allow_replication_factor_change,
        responses,
        ..Default::default()
    }
    .into()
}

fn reassign(context: &Context, name: &str, asked: &ReassignablePartition) -> Result<(), Refusal> {
    let topic = context.broker.topics.by_name(name);
    let topic = topic.ok_or_else(|| Refusal::unknown_topic(name))?;
    let index = asked.partition_index;
    if topic.partition(index).is_none() {
        return Err(Refusal::unknown_partition(name, index));
    }
    let Some(replicas) = &asked.replicas else {
        let message = format!("partition {index} of topic '{name}' is not being reassigned");
        return Err(Refusal::new(ErrorCode::NoReassignmentInProgress, message));
    };
    let node = context.broker.node_id;
    if *replicas != [node] {
        let message = format!(
            "partition {index} of topic '{name}' cannot be placed on {replicas:?}; the only broker is {node}"
        );
        return Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, message));
    }
    Ok(())
}
