//! A group and who reads what in it.

use std::sync::Arc;

use kafkalite_link::LinkError;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::consumer_group_describe::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, DescribedConsumerGroup,
};
use kafkalite_wire::api::describe_groups::{
    DescribeGroupsRequest, DescribeGroupsResponse, DescribedGroup, DescribedGroupMember,
};
use kafkalite_wire::consumer_protocol::ConsumerProtocolAssignment;

use crate::admin::{Admin, BrokerDescription, check, only};
use crate::cluster::shown;
use crate::error::{ClientError, Result};
use kafkalite_names::TopicPartition;

/// A group with its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDescription {
    /// The group's id.
    pub id: String,
    /// Kafka's word for its kind: `classic` or `consumer` (KIP-848).
    pub kind: String,
    /// Kafka's word for its state: `Stable`, `Empty` …
    pub state: String,
    /// What its members agree on: `consumer`, `connect`; empty where only offsets are kept.
    pub protocol_type: String,
    /// How partitions are divided, as the members or the coordinator call it; empty without members.
    pub assignor: String,
    /// The broker that keeps the group.
    pub coordinator: BrokerDescription,
    /// The members, by id.
    pub members: Vec<GroupMember>,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMember {
    /// Its id, given by the coordinator or chosen by itself (KIP-848).
    pub id: String,
    /// The name of a static member (KIP-345).
    pub instance_id: Option<String>,
    /// The client's name for itself.
    pub client_id: String,
    /// Where it connects from.
    pub host: String,
    /// What it reads, sorted; `None` if its assignment is not of a consumer, or can't be read.
    pub assignment: Option<Vec<TopicPartition>>,
}

impl Admin {
    /// A group of either protocol.
    ///
    /// # Errors
    /// `GROUP_ID_NOT_FOUND` if there is no such group.
    pub async fn describe_group(&self, group: &str) -> Result<GroupDescription> {
        self.retrying(&format!("describing {}", shown(group)), || async {
            let coordinator = self.cluster.coordinator(group).await?;
            let coordinator = BrokerDescription {
                id: coordinator.broker,
                host: coordinator.address.host.clone(),
                port: i32::from(coordinator.address.port),
                rack: None,
            };
            match self.consumer_group(group).await {
                Ok(found) => return Ok(of_consumers(found, coordinator)),
                // A classic group, or no group at all: the other API knows. A broker from before KIP-848 has only that.
                Err(ClientError::Link(LinkError::Unsupported { .. })) => {}
                Err(error)
                    if matches!(
                        error.code(),
                        Some(ErrorCode::GroupIdNotFound | ErrorCode::UnsupportedVersion)
                    ) => {}
                Err(error) => return Err(error),
            }
            Ok(of_classic(self.classic_group(group).await?, coordinator))
        })
        .await
    }

    async fn consumer_group(&self, group: &str) -> Result<DescribedConsumerGroup> {
        let request = |_| ConsumerGroupDescribeRequest {
            group_ids: vec![group.to_owned()],
            ..ConsumerGroupDescribeRequest::default()
        };
        let code = |response: &ConsumerGroupDescribeResponse| {
            let first = response.groups.first();
            first.map_or(ErrorCode::None, |group| group.error_code)
        };
        let response = self.cluster.ask_coordinator(group, request, code).await?;
        let subject = shown(group);
        let found = only("ConsumerGroupDescribe", &subject, response.groups)?;
        check(
            "ConsumerGroupDescribe",
            &subject,
            found.error_code,
            found.error_message.clone(),
        )?;
        Ok(found)
    }

    async fn classic_group(&self, group: &str) -> Result<DescribedGroup> {
        let request = |_| DescribeGroupsRequest {
            groups: vec![group.to_owned()],
            ..DescribeGroupsRequest::default()
        };
        let code = |response: &DescribeGroupsResponse| {
            let first = response.groups.first();
            first.map_or(ErrorCode::None, |group| group.error_code)
        };
        let response = self.cluster.ask_coordinator(group, request, code).await?;
        let subject = shown(group);
        let found = only("DescribeGroups", &subject, response.groups)?;
        // Before version 6 a group that does not exist is one that is dead.
        let code = match found.error_code {
            ErrorCode::None if found.group_state == "Dead" => ErrorCode::GroupIdNotFound,
            code => code,
        };
        check("DescribeGroups", &subject, code, None)?;
        Ok(found)
    }
}

fn of_consumers(found: DescribedConsumerGroup, coordinator: BrokerDescription) -> GroupDescription {
    let mut members: Vec<_> = found
        .members
        .into_iter()
        .map(|member| GroupMember {
            id: member.member_id,
            instance_id: member.instance_id,
            client_id: member.client_id,
            host: member.client_host,
            assignment: Some(sorted(
                (member.assignment.topic_partitions.iter())
                    .map(|it| (it.topic_name.as_str(), it.partitions.as_slice())),
            )),
        })
        .collect();
    members.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    GroupDescription {
        id: found.group_id,
        kind: "consumer".to_owned(),
        state: found.group_state,
        protocol_type: "consumer".to_owned(),
        assignor: found.assignor_name,
        coordinator,
        members,
    }
}

/// What a classic member reads; `None` if its assignment is none: a member may assign what it likes.
fn assigned(member: &DescribedGroupMember) -> Option<Vec<TopicPartition>> {
    let assignment = ConsumerProtocolAssignment::decode(&member.member_assignment).ok()?;
    let topics = assignment.assigned_partitions.iter();
    Some(sorted(
        topics.map(|it| (it.topic.as_str(), it.partitions.as_slice())),
    ))
}

fn sorted<'a>(topics: impl Iterator<Item = (&'a str, &'a [i32])>) -> Vec<TopicPartition> {
    let mut partitions = Vec::new();
    for (topic, numbers) in topics {
        let topic: Arc<str> = topic.into();
        partitions.extend(
            numbers
                .iter()
                .map(|number| TopicPartition::new(Arc::clone(&topic), *number)),
        );
    }
    partitions.sort_unstable();
    partitions
}

fn of_classic(found: DescribedGroup, coordinator: BrokerDescription) -> GroupDescription {
    // A simple consumer's group has no protocol, Kafka Connect's one of its own.
    let of_consumers = found.protocol_type == "consumer";
    let mut members: Vec<_> = found
        .members
        .into_iter()
        .map(|member| GroupMember {
            assignment: of_consumers.then(|| assigned(&member)).flatten(),
            id: member.member_id,
            instance_id: member.group_instance_id,
            client_id: member.client_id,
            host: member.client_host,
        })
        .collect();
    members.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    GroupDescription {
        id: found.group_id,
        kind: "classic".to_owned(),
        state: found.group_state,
        protocol_type: found.protocol_type,
        assignor: found.protocol_data,
        coordinator,
        members,
    }
}
