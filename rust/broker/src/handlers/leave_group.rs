//! `LeaveGroup` · key 13 · versions 0–5
//!
//! Behaviour: members go, each with its own outcome; the others rebalance.
//!
//! Version notes: before 3 one member, whose outcome is that of the request. From 3 several, and an administrator may name a
//! static member by its static name alone (KIP-345). From 5 a reason (KIP-800).

use kafkalite_wire::{
    ErrorCode,
    api::leave_group::{LeaveGroupRequest, LeaveGroupResponse, LeavingMember},
};

use super::{Context, Reply, coordinator};

const FIRST_WITH_SEVERAL: i16 = 3;

pub(super) async fn handle(
    context: &Context,
    request: LeaveGroupRequest,
) -> Reply<LeaveGroupResponse> {
    let several = context.api_version >= FIRST_WITH_SEVERAL;
    let members = if several {
        request.members
    } else {
        vec![LeavingMember {
            member_id: request.member_id,
            ..Default::default()
        }]
    };
    let left = coordinator::check(context, &request.group_id)
        .and_then(|()| context.broker.groups.leave(&request.group_id, members));
    let response = match left {
        Err(error_code) => LeaveGroupResponse {
            error_code,
            ..Default::default()
        },
        Ok(members) if several => LeaveGroupResponse {
            members,
            ..Default::default()
        },
        Ok(members) => LeaveGroupResponse {
            error_code: members
                .first()
                .map_or(ErrorCode::None, |left| left.error_code),
            ..Default::default()
        },
    };
    response.into()
}
