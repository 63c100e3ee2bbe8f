//! `ConsumerGroupDescribe` · key 69 · versions 0–1
//!
//! Behaviour: groups of KIP-848 with their members, what these own and what they shall own. A classic group is not found: clients
//! then ask `DescribeGroups`.
//!
//! Version notes: from 1 each member's protocol (KIP-1099).

use std::collections::HashSet;

use kafkalite_wire::{
    ErrorCode,
    api::consumer_group_describe::{
        ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, DescribedConsumerGroup,
    },
};

use super::{Context, Reply, coordinator, operations};

pub(super) async fn handle(
    context: &Context,
    mut request: ConsumerGroupDescribeRequest,
) -> Reply<ConsumerGroupDescribeResponse> {
    // A short name is a whole group in the answer: repeated, it would fill any memory.
    let mut seen = HashSet::new();
    request.group_ids.retain(|group| seen.insert(group.clone()));
    let authorized_operations = if request.include_authorized_operations {
        operations::ON_GROUP
    } else {
        operations::NOT_ASKED
    };
    let describe = |group_id: String| {
        let described = match coordinator::check(context, &group_id) {
            Ok(()) => {
                let described = context.broker.groups.describe_consumers(&group_id);
                described.unwrap_or_else(|| missing(&group_id))
            }
            Err(error_code) => DescribedConsumerGroup {
                error_code,
                ..Default::default()
            },
        };
        DescribedConsumerGroup {
            group_id,
            authorized_operations,
            ..described
        }
    };
    ConsumerGroupDescribeResponse {
        groups: request.group_ids.into_iter().map(describe).collect(),
        ..Default::default()
    }
    .into()
}

fn missing(group_id: &str) -> DescribedConsumerGroup {
    let (error_code, error_message) = if group_id.is_empty() {
        (
            ErrorCode::InvalidGroupId,
            "a group's id is not empty".to_owned(),
        )
    } else {
        let message = format!("there is no group '{group_id}' of the consumer protocol");
        (ErrorCode::GroupIdNotFound, message)
    };
    DescribedConsumerGroup {
        error_code,
        error_message: Some(error_message),
        ..Default::default()
    }
}
