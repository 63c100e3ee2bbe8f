//! `JoinGroup` · key 11 · versions 0–9
//!
//! Behaviour: a member enters a group and waits until the next generation is formed; the leader is told who is in it. A
//! client that goes away meanwhile is not waited for.
//!
//! Version notes: in 0 the session timeout is also the rebalance timeout. From 4 a new member is first given an id to come
//! back with (KIP-394). Static members from 5 (KIP-345). From 7 the answer repeats the protocol type. From 8 a reason
//! (KIP-800). Where no protocol was chosen its name is empty up to 6, and null from 7. From 9 a static leader that was restarted may be told not to assign (KIP-814).

use kafkalite_wire::api::join_group::{JoinGroupRequest, JoinGroupResponse};

use super::{Context, Reply, coordinator};

const FIRST_WITH_NULL_PROTOCOL: i16 = 7;

pub(super) async fn handle(
    context: &Context,
    request: JoinGroupRequest,
) -> Reply<JoinGroupResponse> {
    let groups = &context.broker.groups;
    let mut joined = match coordinator::check(context, &request.group_id) {
        Ok(()) => {
            let client = context.client();
            groups.join(request, client, context.parking_over()).await
        }
        Err(error_code) => JoinGroupResponse {
            error_code,
            member_id: request.member_id,
            ..Default::default()
        },
    };
    if !joined.error_code.is_none() && context.api_version >= FIRST_WITH_NULL_PROTOCOL {
        joined.protocol_name = None;
    }
    joined.into()
}
