//! What groups have committed: fetched, moved, deleted.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::offset_commit::{
    OffsetCommitPartition, OffsetCommitRequest, OffsetCommitResponse, OffsetCommitTopic,
};
use kafkalite_wire::api::offset_delete::{
    OffsetDeletePartition, OffsetDeleteRequest, OffsetDeleteResponse, OffsetDeleteTopic,
};
use kafkalite_wire::api::offset_fetch::{
    FetchedGroupOffset, OffsetFetchGroup, OffsetFetchRequest, OffsetFetchResponse,
};

use crate::admin::{Admin, check};
use crate::cluster::shown;
use crate::error::Result;
use kafkalite_names::TopicPartition;

/// How far a group has read a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommittedOffset {
    /// The offset of the next record to be read.
    pub offset: i64,
    /// The note that was committed with it.
    pub metadata: String,
}

/// From this version on `OffsetFetch` asks about several groups.
const SEVERAL: i16 = 8;

impl Admin {
    /// Everything that a group has committed; nothing for a group that does not exist.
    pub async fn committed(
        &self,
        group: &str,
    ) -> Result<BTreeMap<TopicPartition, CommittedOffset>> {
        let subject = shown(group);
        self.retrying(&format!("fetching the offsets of {subject}"), || async {
            let asked = |version| everything(group, version);
            let response = self.cluster.ask_coordinator(group, asked, whole).await?;
            check("OffsetFetch", &subject, whole(&response), None)?;
            let mut committed = BTreeMap::new();
            for (topic, partition) in fetched(response) {
                let of = TopicPartition::new(topic, partition.partition_index);
                check("OffsetFetch", &of.to_string(), partition.error_code, None)?;
                if partition.committed_offset >= 0 {
                    let offset = CommittedOffset {
                        offset: partition.committed_offset,
                        metadata: partition.metadata.unwrap_or_default(),
                    };
                    committed.insert(of, offset);
                }
            }
            Ok(committed)
        })
        .await
    }

    /// Commits offsets for a group that has no members, as if a consumer outside of every group did. A group that does not
    /// exist comes into being.
    ///
    /// # Errors
    /// `UNKNOWN_MEMBER_ID` while the group has members: only they may commit.
    pub async fn alter_committed(
        &self,
        group: &str,
        offsets: &[(TopicPartition, i64)],
    ) -> Result<()> {
        if offsets.is_empty() {
            return Ok(());
        }
        let topics = by_topic(offsets.iter().map(|(of, offset)| (of, *offset)));
        let request = |_| OffsetCommitRequest {
            group_id: group.to_owned(),
            topics: topics
                .iter()
                .map(|(name, partitions)| OffsetCommitTopic {
                    name: name.to_string(),
                    partitions: partitions.iter().map(committed).collect(),
                    ..OffsetCommitTopic::default()
                })
                .collect(),
            ..OffsetCommitRequest::default()
        };
        let code = |response: &OffsetCommitResponse| {
            let codes = response.topics.iter().flat_map(|topic| &topic.partitions);
            first_error(codes.map(|partition| partition.error_code))
        };
        let subject = shown(group);
        self.retrying(&format!("committing offsets of {subject}"), || async {
            let response = self.cluster.ask_coordinator(group, request, code).await?;
            for topic in &response.topics {
                for partition in &topic.partitions {
                    let subject =
                        format!("{subject}, {}-{}", topic.name, partition.partition_index);
                    check("OffsetCommit", &subject, partition.error_code, None)?;
                }
            }
            Ok(())
        })
        .await
    }

    /// Has a group forget how far it read these partitions.
    ///
    /// # Errors
    /// `GROUP_SUBSCRIBED_TO_TOPIC` while a member subscribes to the topic, `GROUP_ID_NOT_FOUND` if there is no such group.
    pub async fn delete_committed(&self, group: &str, partitions: &[TopicPartition]) -> Result<()> {
        let topics = by_topic(partitions.iter().map(|of| (of, ())));
        let request = |_| OffsetDeleteRequest {
            group_id: group.to_owned(),
            topics: topics
                .iter()
                .map(|(name, partitions)| OffsetDeleteTopic {
                    name: name.to_string(),
                    partitions: partitions
                        .iter()
                        .map(|&(partition_index, ())| OffsetDeletePartition { partition_index })
                        .collect(),
                })
                .collect(),
        };
        let code = |response: &OffsetDeleteResponse| response.error_code;
        let subject = shown(group);
        self.retrying(&format!("deleting offsets of {subject}"), || async {
            let response = self.cluster.ask_coordinator(group, request, code).await?;
            check("OffsetDelete", &subject, response.error_code, None)?;
            for topic in &response.topics {
                for partition in &topic.partitions {
                    let subject =
                        format!("{subject}, {}-{}", topic.name, partition.partition_index);
                    check("OffsetDelete", &subject, partition.error_code, None)?;
                }
            }
            Ok(())
        })
        .await
    }
}

/// A question for all that a group has committed.
fn everything(group: &str, version: i16) -> OffsetFetchRequest {
    let several = version >= SEVERAL;
    let one = || OffsetFetchGroup {
        group_id: group.to_owned(),
        topics: None,
        ..OffsetFetchGroup::default()
    };
    OffsetFetchRequest {
        group_id: if several {
            String::new()
        } else {
            group.to_owned()
        },
        topics: if several { Some(Vec::new()) } else { None },
        groups: several.then(one).into_iter().collect(),
        ..OffsetFetchRequest::default()
    }
}

/// The code that concerns the whole group. Before version 2 it stands with each partition.
pub(crate) fn whole(response: &OffsetFetchResponse) -> ErrorCode {
    let of_group = response.groups.first().map(|group| group.error_code);
    of_group.unwrap_or(response.error_code)
}

/// The answer's partitions, in either of its shapes.
pub(crate) fn fetched(response: OffsetFetchResponse) -> Vec<(String, FetchedGroupOffset)> {
    let mut found = Vec::new();
    for topic in response.topics {
        for partition in topic.partitions {
            let partition = FetchedGroupOffset {
                partition_index: partition.partition_index,
                committed_offset: partition.committed_offset,
                committed_leader_epoch: partition.committed_leader_epoch,
                metadata: partition.metadata,
                error_code: partition.error_code,
            };
            found.push((topic.name.clone(), partition));
        }
    }
    let topics = response.groups.into_iter().flat_map(|group| group.topics);
    for topic in topics {
        let name = topic.name;
        found.extend(topic.partitions.into_iter().map(|it| (name.clone(), it)));
    }
    found
}

fn committed((partition_index, offset): &(i32, i64)) -> OffsetCommitPartition {
    OffsetCommitPartition {
        partition_index: *partition_index,
        committed_offset: *offset,
        committed_metadata: Some(String::new()),
        ..OffsetCommitPartition::default()
    }
}

fn by_topic<'a, T>(
    all: impl Iterator<Item = (&'a TopicPartition, T)>,
) -> BTreeMap<Arc<str>, Vec<(i32, T)>> {
    let mut topics: BTreeMap<Arc<str>, Vec<(i32, T)>> = BTreeMap::new();
    for (of, what) in all {
        let partitions = topics.entry(Arc::clone(&of.topic)).or_default();
        partitions.push((of.partition, what));
    }
    topics
}

fn first_error(mut codes: impl Iterator<Item = ErrorCode>) -> ErrorCode {
    codes
        .find(|code| *code != ErrorCode::None)
        .unwrap_or(ErrorCode::None)
}
