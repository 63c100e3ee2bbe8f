//! One question and one request about a group's offsets: `OffsetFetch` and `OffsetCommit`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::offset_commit::{
    OffsetCommitPartition, OffsetCommitRequest, OffsetCommitResponse, OffsetCommitTopic,
};
use kafkalite_wire::api::offset_fetch::{
    OffsetFetchGroup, OffsetFetchGroupTopic, OffsetFetchRequest, OffsetFetchTopic,
};

use super::standing::Standing;
use crate::admin::{CommittedOffset, fetched, whole};
use crate::cluster::{Cluster, shown};
use crate::error::{ClientError, Result};
use kafkalite_names::TopicPartition;

/// Partitions and what is, or shall be, committed of them.
pub(super) type GroupOffsets = Vec<(TopicPartition, CommittedOffset)>;

/// From this version on `OffsetFetch` asks about several groups, and from [`STABLE`] on it can ask for offsets that no
/// transaction will change.
const SEVERAL: i16 = 8;
const STABLE: i16 = 7;

/// What the group has committed of these partitions. Asked once.
pub(super) async fn fetch(
    cluster: &Cluster,
    group: &str,
    partitions: &[TopicPartition],
) -> Result<HashMap<TopicPartition, CommittedOffset>> {
    let topics = by_topic(partitions.iter().map(|of| (of, of.partition)));
    let request = |version| question(group, &topics, version);
    let response = cluster.ask_coordinator(group, request, whole).await?;
    let refused = |subject, code| Err(ClientError::broker("OffsetFetch", subject, code, None));
    match whole(&response) {
        ErrorCode::None => {}
        code => return refused(shown(group), code),
    }
    let mut found = HashMap::new();
    for (topic, partition) in fetched(response) {
        let of = TopicPartition::new(topic, partition.partition_index);
        match partition.error_code {
            ErrorCode::None => {}
            code => return refused(format!("{of} of {}", shown(group)), code),
        }
        if partition.committed_offset >= 0 {
            let committed = CommittedOffset {
                offset: partition.committed_offset,
                metadata: partition.metadata.unwrap_or_default(),
            };
            found.insert(of, committed);
        }
    }
    Ok(found)
}

fn question(
    group: &str,
    topics: &BTreeMap<Arc<str>, Vec<i32>>,
    version: i16,
) -> OffsetFetchRequest {
    let require_stable = version >= STABLE;
    if version < SEVERAL {
        let one = |(name, partitions): (&Arc<str>, &Vec<i32>)| OffsetFetchTopic {
            name: name.to_string(),
            partition_indexes: partitions.clone(),
        };
        return OffsetFetchRequest {
            group_id: group.to_owned(),
            topics: Some(topics.iter().map(one).collect()),
            require_stable,
            ..OffsetFetchRequest::default()
        };
    }
    let one = |(name, partitions): (&Arc<str>, &Vec<i32>)| OffsetFetchGroupTopic {
        name: name.to_string(),
        partition_indexes: partitions.clone(),
        ..OffsetFetchGroupTopic::default()
    };
    OffsetFetchRequest {
        groups: vec![OffsetFetchGroup {
            group_id: group.to_owned(),
            topics: Some(topics.iter().map(one).collect()),
            ..OffsetFetchGroup::default()
        }],
        require_stable,
        ..OffsetFetchRequest::default()
    }
}

/// Commits once, as the member that stands there; which partitions were refused, and why.
pub(super) async fn commit(
    cluster: &Cluster,
    group: &str,
    instance: Option<&str>,
    standing: &Standing,
    offsets: &GroupOffsets,
) -> Result<Vec<(TopicPartition, ErrorCode)>> {
    let partition = |of: &TopicPartition, it: &CommittedOffset| OffsetCommitPartition {
        partition_index: of.partition,
        committed_offset: it.offset,
        committed_metadata: Some(it.metadata.clone()),
        ..OffsetCommitPartition::default()
    };
    let topics = by_topic(offsets.iter().map(|(of, it)| (of, partition(of, it))));
    let request = |_| OffsetCommitRequest {
        group_id: group.to_owned(),
        generation_id_or_member_epoch: standing.generation,
        member_id: standing.member_id.to_string(),
        group_instance_id: instance.map(str::to_owned),
        topics: topics
            .iter()
            .map(|(name, partitions)| OffsetCommitTopic {
                name: name.to_string(),
                partitions: partitions.clone(),
                ..OffsetCommitTopic::default()
            })
            .collect(),
        ..OffsetCommitRequest::default()
    };
    let code = |response: &OffsetCommitResponse| {
        let topics = response.topics.iter();
        let mut codes = topics.flat_map(|topic| topic.partitions.iter().map(|it| it.error_code));
        let refusal = codes.find(|code| *code != ErrorCode::None);
        refusal.unwrap_or(ErrorCode::None)
    };
    let response = cluster.ask_coordinator(group, request, code).await?;
    let refused = response.topics.iter().flat_map(|topic| {
        let refused = topic.partitions.iter();
        let refused = refused.filter(|it| it.error_code != ErrorCode::None);
        refused.map(|it| {
            let of = TopicPartition::new(topic.name.as_str(), it.partition_index);
            (of, it.error_code)
        })
    });
    Ok(refused.collect())
}

fn by_topic<'a, T>(
    all: impl Iterator<Item = (&'a TopicPartition, T)>,
) -> BTreeMap<Arc<str>, Vec<T>> {
    let mut topics: BTreeMap<Arc<str>, Vec<T>> = BTreeMap::new();
    for (of, what) in all {
        topics.entry(Arc::clone(&of.topic)).or_default().push(what);
    }
    topics
}
