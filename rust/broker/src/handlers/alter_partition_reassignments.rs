//! `AlterPartitionReassignments` · key 45 · versions 0–1
//!
//! Behaviour: a partition may be placed where it is; anywhere else it cannot. There is never anything to cancel.
//!
//! Version notes: from 1 the number of replicas can be protected (KIP-860), which here never changes.

use kafkalite_cluster::reassignment;
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
    let (image, replicas) = (context.broker.registry.image(), asked.replicas.as_deref());
    Ok(reassignment::check(
        &image,
        name,
        asked.partition_index,
        replicas,
    )?)
}
