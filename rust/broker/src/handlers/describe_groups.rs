//! `DescribeGroups` · key 15 · versions 0–6
//!
//! Behaviour: state, protocol and members of groups. Subscriptions and assignments only of stable groups: those of others are
//! about to change.
//!
//! Version notes: operations from 3 (KIP-430), static names from 4 (KIP-345). A group that is not there is a dead one, from 6 an
//! error (KIP-1043).

use std::collections::HashSet;

use kafkalite_wire::{
    ErrorCode,
    api::describe_groups::{
        DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup, DescribedGroupMember,
    },
};

use super::{Context, Reply, coordinator, operations};
use crate::groups::{ClassicState, ClassicView, MemberView};

const FIRST_WITH_NOT_FOUND: i16 = 6;

pub(super) async fn handle(
    context: &Context,
    mut request: DescribeGroupsRequest,
) -> Reply<DescribeGroupsResponse> {
    // A short name is a whole group in the answer: repeated, it would fill any memory.
    let mut seen = HashSet::new();
    request.groups.retain(|group| seen.insert(group.clone()));
    let authorized_operations = if request.include_authorized_operations {
        operations::ON_GROUP
    } else {
        operations::NOT_ASKED
    };
    let describe = |group_id: String| {
        let described = match coordinator::check(context, &group_id) {
            Ok(()) => match context.broker.groups.describe(&group_id) {
                Some(view) => describe(view),
                None => missing(context, &group_id),
            },
            Err(error_code) => DescribedGroup {
                error_code,
                ..Default::default()
            },
        };
        DescribedGroup {
            group_id,
            authorized_operations,
            ..described
        }
    };
    DescribeGroupsResponse {
        groups: request.groups.into_iter().map(describe).collect(),
        ..Default::default()
    }
    .into()
}

fn describe(view: ClassicView) -> DescribedGroup {
    let member = |member: MemberView| DescribedGroupMember {
        member_id: member.id,
        group_instance_id: member.instance_id,
        client_id: member.client_id,
        client_host: member.client_host,
        member_metadata: member.metadata,
        member_assignment: member.assignment,
    };
    DescribedGroup {
        group_state: view.state.to_string(),
        protocol_type: view.protocol_type,
        protocol_data: view.protocol,
        members: view.members.into_iter().map(member).collect(),
        ..Default::default()
    }
}

fn missing(context: &Context, group_id: &str) -> DescribedGroup {
    let dead = DescribedGroup {
        group_state: ClassicState::Dead.to_string(),
        ..Default::default()
    };
    if context.api_version < FIRST_WITH_NOT_FOUND {
        return dead;
    }
    DescribedGroup {
        error_code: ErrorCode::GroupIdNotFound,
        error_message: Some(format!("there is no group '{group_id}'")),
        ..dead
    }
}
