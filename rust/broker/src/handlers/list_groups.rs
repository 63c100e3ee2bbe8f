//! `ListGroups` · key 16 · versions 0–5
//!
//! Behaviour: all groups, or those in some states and of some types; words that name nothing find nothing.
//!
//! Version notes: states from 4 (KIP-518), types from 5 (KIP-848).

use kafkalite_wire::api::list_groups::{ListGroupsRequest, ListGroupsResponse, ListedGroup};

use super::{Context, Reply};
use crate::groups::GroupFilter;

pub(super) async fn handle(
    context: &Context,
    request: ListGroupsRequest,
) -> Reply<ListGroupsResponse> {
    let filter = GroupFilter {
        states: request.states_filter,
        types: request.types_filter,
    };
    let listed = context.broker.groups.list(&filter).into_iter();
    ListGroupsResponse {
        groups: listed
            .map(|group| ListedGroup {
                group_id: group.id,
                protocol_type: group.protocol_type,
                group_state: group.state,
                group_type: group.kind.to_owned(),
            })
            .collect(),
        ..Default::default()
    }
    .into()
}
