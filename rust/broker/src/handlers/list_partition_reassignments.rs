//! `ListPartitionReassignments` · key 46 · version 0
//!
//! Behaviour: none is ever under way on a single broker, whichever topics are asked for.
//!
//! Version notes: none.

use kafkalite_wire::api::list_partition_reassignments::{
    ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse,
};

use super::{Context, Reply};

pub(super) async fn handle(
    _: &Context,
    _: ListPartitionReassignmentsRequest,
) -> Reply<ListPartitionReassignmentsResponse> {
    ListPartitionReassignmentsResponse::default().into()
}
