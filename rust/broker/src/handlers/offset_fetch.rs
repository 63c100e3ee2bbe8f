//! `OffsetFetch` · key 9 · versions 1–10
//!
//! Behaviour: what groups have committed; −1 where nothing was, also for groups and topics that are not there. Null instead of
//! topics asks for everything. There are no transactions, so every offset is stable.
//!
//! Version notes: null from 2, and an error of the group, which in 1 is each partition's. Leader epochs from 5. `require_stable` from 7. From 8 several groups in one request (KIP-709). From 9
//! a member names itself (KIP-848), which is checked if the group is of that kind. From 10 topics are named by id (KIP-516).

use std::collections::{HashMap, HashSet};

use kafkalite_wire::{
    ErrorCode,
    api::offset_fetch::{
        FetchedGroupOffset, FetchedOffset, FetchedOffsetsGroup, FetchedOffsetsGroupTopic,
        FetchedOffsetsTopic, OffsetFetchGroup, OffsetFetchGroupTopic, OffsetFetchRequest,
        OffsetFetchResponse,
    },
};
use uuid::Uuid;

use super::{Context, Reply, coordinator};
use crate::groups::CommittedOffset;

const FIRST_WITH_GROUP_ERRORS: i16 = 2;
const FIRST_WITH_SEVERAL_GROUPS: i16 = 8;
const FIRST_WITH_TOPIC_IDS: i16 = 10;
const NOTHING: i64 = -1;

pub(super) async fn handle(
    context: &Context,
    request: OffsetFetchRequest,
) -> Reply<OffsetFetchResponse> {
    if context.api_version >= FIRST_WITH_SEVERAL_GROUPS {
        let mut groups = Vec::with_capacity(request.groups.len());
        // A few bytes ask for all offsets of a group, or for a long note: repeated, they would fill any memory.
        let mut seen = HashSet::new();
        for group in request.groups {
            if !seen.insert(group.group_id.clone()) {
                continue;
            }
            groups.push(fetch(context, group).await);
        }
        return OffsetFetchResponse {
            groups,
            ..Default::default()
        }
        .into();
    }
    let topics = request.topics.map(|topics| {
        let named = topics.into_iter().map(|topic| OffsetFetchGroupTopic {
            name: topic.name,
            partition_indexes: topic.partition_indexes,
            ..Default::default()
        });
        named.collect()
    });
    let group = OffsetFetchGroup {
        group_id: request.group_id,
        topics,
        ..Default::default()
    };
    let asked = (context.api_version < FIRST_WITH_GROUP_ERRORS).then(|| group.topics.clone());
    let mut fetched = fetch(context, group).await;
    if let Some(asked) = asked
        && !fetched.error_code.is_none()
    {
        fetched.topics = refused(asked.unwrap_or_default(), fetched.error_code);
    }
    OffsetFetchResponse {
        topics: fetched.topics.into_iter().map(older).collect(),
        error_code: fetched.error_code,
        ..Default::default()
    }
    .into()
}

async fn fetch(context: &Context, asked: OffsetFetchGroup) -> FetchedOffsetsGroup {
    let group_id = asked.group_id;
    let groups = &context.broker.groups;
    let member = asked.member_id.as_deref();
    let checked = coordinator::check(context, &group_id)
        .and_then(|()| groups.check_fetch(&group_id, member, asked.member_epoch));
    let fetched = match checked {
        Err(code) => Err(code),
        Ok(()) => match asked.topics {
            None => fetch_all(context, &group_id).await,
            Some(topics) => fetch_some(context, &group_id, topics).await,
        },
    };
    let (topics, error_code) = match fetched {
        Ok(topics) => (topics, ErrorCode::None),
        Err(code) => (Vec::new(), code),
    };
    FetchedOffsetsGroup {
        group_id,
        topics,
        error_code,
    }
}

async fn fetch_all(
    context: &Context,
    group_id: &str,
) -> Result<Vec<FetchedOffsetsGroupTopic>, ErrorCode> {
    let by_id = context.api_version >= FIRST_WITH_TOPIC_IDS;
    let all = context.broker.groups.all_committed(group_id).await?;
    let topics = all.into_iter().filter_map(|(name, partitions)| {
        let topic_id = context
            .broker
            .registry
            .topic(&name)
            .map_or(Uuid::nil(), |topic| topic.id);
        // Without an id there is no way to speak of it.
        (!by_id || !topic_id.is_nil()).then(|| FetchedOffsetsGroupTopic {
            name,
            topic_id,
            partitions: partitions
                .into_iter()
                .map(|(partition, committed)| offset(partition, Some(committed), ErrorCode::None))
                .collect(),
        })
    });
    Ok(topics.collect())
}

async fn fetch_some(
    context: &Context,
    group_id: &str,
    mut asked: Vec<OffsetFetchGroupTopic>,
) -> Result<Vec<FetchedOffsetsGroupTopic>, ErrorCode> {
    let by_id = context.api_version >= FIRST_WITH_TOPIC_IDS;
    let name_of = |topic: &OffsetFetchGroupTopic| {
        if by_id {
            let known = context.broker.registry.topic_by_id(topic.topic_id);
            known.map(|topic| topic.name.to_string())
        } else {
            Some(topic.name.clone())
        }
    };
    let mut seen: HashMap<(String, Uuid), HashSet<i32>> = HashMap::new();
    for topic in &mut asked {
        let of_topic = seen.entry((topic.name.clone(), topic.topic_id));
        let of_topic = of_topic.or_default();
        topic
            .partition_indexes
            .retain(|&index| of_topic.insert(index));
    }
    let names: Vec<Option<String>> = asked.iter().map(name_of).collect();
    let places: Vec<(&str, i32)> = asked
        .iter()
        .zip(&names)
        .filter_map(|(topic, name)| Some((topic, name.as_deref()?)))
        .flat_map(|(topic, name)| {
            topic
                .partition_indexes
                .iter()
                .map(move |&index| (name, index))
        })
        .collect();
    let groups = &context.broker.groups;
    let mut found = groups.committed(group_id, &places).await?.into_iter();
    let answer = |(topic, name): (&OffsetFetchGroupTopic, &Option<String>)| {
        let mut answer = |&partition: &i32| match name {
            Some(_) => offset(partition, found.next().flatten(), ErrorCode::None),
            None => offset(partition, None, ErrorCode::UnknownTopicId),
        };
        FetchedOffsetsGroupTopic {
            name: topic.name.clone(),
            topic_id: topic.topic_id,
            partitions: topic.partition_indexes.iter().map(&mut answer).collect(),
        }
    };
    Ok(asked.iter().zip(&names).map(answer).collect())
}

fn offset(
    partition_index: i32,
    committed: Option<CommittedOffset>,
    error_code: ErrorCode,
) -> FetchedGroupOffset {
    let committed = committed.unwrap_or(CommittedOffset {
        offset: NOTHING,
        leader_epoch: -1,
        metadata: String::new(),
    });
    FetchedGroupOffset {
        partition_index,
        committed_offset: committed.offset,
        committed_leader_epoch: committed.leader_epoch,
        metadata: Some(committed.metadata),
        error_code,
    }
}

/// What is wrong with the group, where only partitions have errors.
fn refused(
    asked: Vec<OffsetFetchGroupTopic>,
    error_code: ErrorCode,
) -> Vec<FetchedOffsetsGroupTopic> {
    let refused = |topic: OffsetFetchGroupTopic| FetchedOffsetsGroupTopic {
        partitions: topic
            .partition_indexes
            .into_iter()
            .map(|partition| offset(partition, None, error_code))
            .collect(),
        name: topic.name,
        topic_id: topic.topic_id,
    };
    asked.into_iter().map(refused).collect()
}

/// As versions for one group have it.
fn older(topic: FetchedOffsetsGroupTopic) -> FetchedOffsetsTopic {
    let partition = |partition: FetchedGroupOffset| FetchedOffset {
        partition_index: partition.partition_index,
        committed_offset: partition.committed_offset,
        committed_leader_epoch: partition.committed_leader_epoch,
        metadata: partition.metadata,
        error_code: partition.error_code,
    };
    FetchedOffsetsTopic {
        name: topic.name,
        partitions: topic.partitions.into_iter().map(partition).collect(),
    }
}
