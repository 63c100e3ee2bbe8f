//! A group as it is described to administrators.

use std::fmt;

use kafkalite_wire::api::consumer_group_describe::{
    ConsumerGroupAssignment, ConsumerGroupMember, ConsumerGroupTopicPartitions,
    DescribedConsumerGroup,
};

use super::places::{Place, by_topic};
use super::{Consumer, ConsumerRules, Member, Topology};

/// Where a group is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsumerState {
    /// No members; perhaps offsets.
    Empty,
    /// Something has changed, and the next heartbeat brings new targets.
    Assigning,
    /// Members are on their way to their targets.
    Reconciling,
    /// Everybody has what it shall have.
    Stable,
}

/// Kafka's spelling.
impl fmt::Display for ConsumerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Consumer {
    /// Where it is.
    pub fn state(&self) -> ConsumerState {
        if self.is_empty() {
            ConsumerState::Empty
        } else if self.epochs.are_targets_due() {
            ConsumerState::Assigning
        } else if self
            .members
            .values()
            .all(|member| member.assignment.is_at(self.epochs.targets))
        {
            ConsumerState::Stable
        } else {
            ConsumerState::Reconciling
        }
    }

    /// How the group is now; its id is for the caller to fill in.
    pub fn view(&self, topics: &dyn Topology, rules: &ConsumerRules) -> DescribedConsumerGroup {
        let members = self.members.iter();
        DescribedConsumerGroup {
            group_state: self.state().to_string(),
            group_epoch: self.epochs.group,
            assignment_epoch: self.epochs.targets,
            assignor_name: self.assignor(rules).to_string(),
            members: members
                .map(|(id, member)| view(id, member, topics))
                .collect(),
            ..Default::default()
        }
    }
}

fn view(id: &str, member: &Member, topics: &dyn Topology) -> ConsumerGroupMember {
    ConsumerGroupMember {
        member_id: id.to_owned(),
        instance_id: member.instance_id.clone(),
        rack_id: member.rack_id.clone(),
        member_epoch: member.assignment.epoch,
        client_id: member.client_id.clone(),
        client_host: member.client_host.clone(),
        subscribed_topic_names: member.topics.iter().cloned().collect(),
        subscribed_topic_regex: member.regex.clone(),
        assignment: assignment(member.assignment.assigned.keys(), topics),
        target_assignment: assignment(&member.assignment.target, topics),
        member_type: i8::from(member.classic.is_none()),
    }
}

/// Topics that have been deleted meanwhile are left out: there is no name to call them by.
fn assignment<'a>(
    places: impl IntoIterator<Item = &'a Place>,
    topics: &dyn Topology,
) -> ConsumerGroupAssignment {
    let named = |(topic_id, partitions)| {
        Some(ConsumerGroupTopicPartitions {
            topic_id,
            topic_name: topics.name_of(topic_id)?.to_string(),
            partitions,
        })
    };
    ConsumerGroupAssignment {
        topic_partitions: by_topic(places).into_iter().filter_map(named).collect(),
    }
}
