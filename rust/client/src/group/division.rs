//! What a leader does between `JoinGroup` and `SyncGroup`: understands the subscriptions, asks for the topics' partitions,
//! has them divided, and writes the assignments.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::join_group::JoinGroupMember;
use kafkalite_wire::api::metadata::MetadataResponse;
use kafkalite_wire::consumer_protocol::{
    ConsumerProtocolAssignment, ConsumerProtocolPartitions, ConsumerProtocolSubscription,
};

use super::membership::{PartitionSet, TopicSet};
use crate::cluster::{Cluster, named};
use crate::error::{ClientError, Result};
use kafkalite_groups::assignors::ClassicAssignor;
use kafkalite_groups::assignors::{Counts, Division, Member, divide};
use kafkalite_names::TopicPartition;

/// What the leader decided, and what it was decided upon.
#[derive(Debug, Clone, Default)]
pub(super) struct Divided {
    /// Partitions of every topic that a member wants; those that don't exist are missing.
    pub(super) counts: Counts,
    /// What all members together want.
    pub(super) topics: TopicSet,
    /// By member.
    pub(super) division: Division,
    /// What they had, as they said.
    pub(super) before: BTreeMap<TopicPartition, Arc<str>>,
    /// The members of the generation before, if this one led it.
    pub(super) known: Option<BTreeSet<Arc<str>>>,
    pub(super) assignments: Vec<(String, Bytes)>,
}

/// Divides the partitions of all topics that the members want.
pub(super) async fn decide(
    cluster: Arc<Cluster>,
    protocol: String,
    members: Vec<JoinGroupMember>,
) -> Result<Divided> {
    let assignor = [
        ClassicAssignor::Range,
        ClassicAssignor::RoundRobin,
        ClassicAssignor::CooperativeSticky,
    ];
    let assignor = assignor.into_iter().find(|it| it.name() == protocol);
    let assignor = assignor.ok_or_else(|| {
        let detail = Some(format!("the group chose {protocol:?}"));
        ClientError::broker(
            "JoinGroup",
            "the group's leader",
            ErrorCode::InconsistentGroupProtocol,
            detail,
        )
    })?;
    let members: Vec<_> = members.into_iter().map(understood).collect();
    let topics: TopicSet = members.iter().flat_map(|it| it.topics.clone()).collect();
    let TopicCounts { counts, .. } = count(&cluster, &topics, false).await?;
    let division = divide(assignor, &members, &counts);
    let assignments = division
        .iter()
        .map(|(id, partitions)| {
            let assignment = ConsumerProtocolAssignment {
                assigned_partitions: by_topic(partitions),
                user_data: None,
            };
            // What cannot be written was never read: topics came out of subscriptions.
            (id.to_string(), assignment.encode().unwrap_or_default())
        })
        .collect();
    let before = members.iter().flat_map(|member| {
        let owned = member.owned.iter();
        owned.map(|of| (of.clone(), Arc::clone(&member.id)))
    });
    Ok(Divided {
        before: before.collect(),
        known: None,
        counts,
        topics,
        division,
        assignments,
    })
}

/// A member whose subscription is garbage wants nothing, and gets nothing.
fn understood(member: JoinGroupMember) -> Member {
    let subscription = ConsumerProtocolSubscription::decode(&member.metadata);
    let subscription = subscription.unwrap_or_else(|error| {
        tracing::warn!(member = %member.member_id, %error, "a member's subscription cannot be read: it gets nothing");
        ConsumerProtocolSubscription::default()
    });
    let owned = subscription.owned_partitions.into_iter();
    let owned = owned.flat_map(|topic| {
        let name: Arc<str> = topic.topic.into();
        let partitions = topic.partitions.into_iter();
        partitions.map(move |partition| TopicPartition::new(Arc::clone(&name), partition))
    });
    // Before a subscription had a generation (version 2), the assignors' own data ended with it.
    let told = subscription.user_data.as_deref();
    let told = told.and_then(|bytes| bytes.last_chunk().copied().map(i32::from_be_bytes));
    Member {
        id: member.member_id.into(),
        instance: member.group_instance_id.map(Into::into),
        topics: subscription.topics.into_iter().map(Into::into).collect(),
        owned: owned.collect(),
        generation: match subscription.generation_id {
            0.. => subscription.generation_id,
            _ => told.unwrap_or(-1),
        },
    }
}

/// The member's own subscription, as each of its assignors wants it.
pub(super) fn subscription(
    assignor: ClassicAssignor,
    topics: &TopicSet,
    owned: &PartitionSet,
    generation: i32,
) -> Result<Bytes, kafkalite_wire::Error> {
    let owned: Vec<_> = owned.iter().cloned().collect();
    let subscription = ConsumerProtocolSubscription {
        topics: topics.iter().map(ToString::to_string).collect(),
        user_data: (assignor == ClassicAssignor::CooperativeSticky)
            .then(|| Bytes::copy_from_slice(&generation.to_be_bytes())),
        owned_partitions: by_topic(&owned),
        generation_id: generation,
        rack_id: None,
    };
    subscription.encode()
}

/// How many partitions topics have.
#[derive(Debug, Default)]
pub(super) struct TopicCounts {
    /// Those that don't exist are left out.
    pub(super) counts: Counts,
    /// Topics that the cluster refuses to speak about: their names are not allowed, or they are not for everybody.
    pub(super) refused: Vec<(Arc<str>, ErrorCode)>,
}

/// How many partitions each of these topics has. `create`: those that are missing may be created, for they were just
/// subscribed to by name.
pub(super) async fn count(
    cluster: &Cluster,
    topics: &TopicSet,
    create: bool,
) -> Result<TopicCounts> {
    if topics.is_empty() {
        return Ok(TopicCounts::default());
    }
    let asked = topics.iter().map(|name| named(name)).collect();
    let response = cluster.fetch_to_read(asked, create).await?;
    Ok(counted(response))
}

/// Every topic of the cluster but Kafka's own.
pub(super) async fn count_all(cluster: &Cluster) -> Result<TopicCounts> {
    let mut response = cluster.fetch(None).await?;
    response.topics.retain(|topic| !topic.is_internal);
    Ok(counted(response))
}

fn counted(response: MetadataResponse) -> TopicCounts {
    let mut counted = TopicCounts::default();
    for topic in response.topics {
        let Some(name) = topic.name else {
            continue;
        };
        if topic.error_code == ErrorCode::None {
            // Numbers are dense; one that is missing ends what can be trusted.
            let numbers: BTreeSet<_> = topic
                .partitions
                .iter()
                .map(|it| it.partition_index)
                .collect();
            let dense = (0..)
                .zip(&numbers)
                .take_while(|(place, number)| place == *number);
            counted.counts.insert(name.into(), dense.count() as i32);
        } else if !topic.error_code.is_retriable() {
            counted.refused.push((name.into(), topic.error_code));
        }
    }
    counted
}

fn by_topic(partitions: &[TopicPartition]) -> Vec<ConsumerProtocolPartitions> {
    let mut topics: BTreeMap<&Arc<str>, Vec<i32>> = BTreeMap::new();
    for of in partitions {
        topics.entry(&of.topic).or_default().push(of.partition);
    }
    let topics = topics.into_iter().map(|(topic, partitions)| {
        let topic = topic.to_string();
        ConsumerProtocolPartitions { topic, partitions }
    });
    topics.collect()
}
