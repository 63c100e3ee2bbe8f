//! Asks leaders for offsets: beginning, end, or by time (`ListOffsets`).

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use kafkalite_names::TopicPartition;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopic,
};

use super::StartAt;
use crate::cluster::{Cluster, Purpose};
use crate::config::OffsetReset;
use crate::error::{ClientError, Result};

/// An offset and the timestamp of the record there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OffsetAndTimestamp {
    /// The offset.
    pub offset: i64,
    /// Milliseconds since 1970; −1 for the beginning and the end.
    pub timestamp: i64,
}

/// The timestamps that stand for the ends.
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;

impl StartAt {
    /// What to ask the leader for; `None` where nothing needs to be asked, or nothing may be.
    pub(super) fn question(self, reset: OffsetReset) -> Option<i64> {
        match (self, reset) {
            (StartAt::Beginning, _) | (StartAt::Reset, OffsetReset::Earliest) => Some(EARLIEST),
            (StartAt::End, _) | (StartAt::Reset, OffsetReset::Latest) => Some(LATEST),
            (StartAt::Timestamp(millis), _) => Some(millis.max(0)),
            (StartAt::Offset(_), _) | (StartAt::Reset, OffsetReset::None) => None,
        }
    }
}

/// One question: partition, leader epoch (−1 if unknown), timestamp.
pub(super) type Question = (TopicPartition, i32, i64);

/// Asks one leader. A time after the last record has no offset: `None`.
pub(super) async fn ask_leader(
    cluster: &Cluster,
    leader: i32,
    questions: &[Question],
) -> Result<Vec<(TopicPartition, Result<Option<OffsetAndTimestamp>>)>> {
    let connection = cluster.connection(leader, Purpose::Ask).await?;
    let mut topics: Vec<ListOffsetsTopic> = Vec::new();
    for (of, current_leader_epoch, timestamp) in questions {
        let partition = ListOffsetsPartition {
            partition_index: of.partition,
            current_leader_epoch: *current_leader_epoch,
            timestamp: *timestamp,
            ..ListOffsetsPartition::default()
        };
        match topics.iter_mut().find(|topic| *topic.name == *of.topic) {
            Some(topic) => topic.partitions.push(partition),
            None => topics.push(ListOffsetsTopic {
                name: of.topic.to_string(),
                partitions: vec![partition],
            }),
        }
    }
    let timeout = cluster.config.request_timeout;
    let request = ListOffsetsRequest {
        replica_id: -1,
        topics,
        timeout_ms: timeout.as_millis() as i32,
        ..ListOffsetsRequest::default()
    };
    Ok(answers(connection.call(&request, timeout).await?))
}

fn answers(
    response: ListOffsetsResponse,
) -> Vec<(TopicPartition, Result<Option<OffsetAndTimestamp>>)> {
    let mut answers = Vec::new();
    for topic in response.topics {
        let name: Arc<str> = topic.name.into();
        for answer in topic.partitions {
            let of = TopicPartition {
                topic: Arc::clone(&name),
                partition: answer.partition_index,
            };
            let found = match answer.error_code {
                ErrorCode::None if answer.offset < 0 => Ok(None),
                ErrorCode::None => Ok(Some(OffsetAndTimestamp {
                    offset: answer.offset,
                    timestamp: answer.timestamp,
                })),
                code => Err(ClientError::broker(
                    "ListOffsets",
                    of.to_string(),
                    code,
                    None,
                )),
            };
            answers.push((of, found));
        }
    }
    answers
}

/// The offset that each start stands for; `reset` is what [`StartAt::Reset`] means.
pub(crate) async fn find_offsets(
    cluster: &Cluster,
    starts: &[(TopicPartition, StartAt)],
    reset: OffsetReset,
    limit: Duration,
) -> Result<HashMap<TopicPartition, Option<OffsetAndTimestamp>>> {
    let mut found = HashMap::new();
    let mut questions = Vec::new();
    for (of, start) in starts {
        match (start, start.question(reset)) {
            (_, Some(timestamp)) => questions.push((of.clone(), timestamp)),
            (StartAt::Offset(offset), None) => {
                found.insert(
                    of.clone(),
                    Some(OffsetAndTimestamp {
                        offset: *offset,
                        timestamp: -1,
                    }),
                );
            }
            (_, None) => {}
        }
    }
    let topics: BTreeSet<_> = questions.iter().map(|(of, _)| of.topic.clone()).collect();
    let _asked: Vec<_> = topics.iter().map(|topic| cluster.interest(topic)).collect();
    for topic in &topics {
        cluster.topic(topic, false, limit, "timeout").await?;
    }
    found.extend(
        cluster
            .retrying("finding offsets", limit, || ask_all(cluster, &questions))
            .await?,
    );
    Ok(found)
}

/// Asks the leaders of all these partitions, once each.
async fn ask_all(
    cluster: &Cluster,
    questions: &[(TopicPartition, i64)],
) -> Result<HashMap<TopicPartition, Option<OffsetAndTimestamp>>> {
    let metadata = cluster.metadata();
    let mut by_leader: HashMap<i32, Vec<Question>> = HashMap::new();
    for (of, timestamp) in questions {
        let known = metadata.partition(&of.topic, of.partition);
        let leader = known.leader.ok_or_else(|| {
            ClientError::broker(
                "ListOffsets",
                of.to_string(),
                ErrorCode::LeaderNotAvailable,
                None,
            )
        })?;
        by_leader
            .entry(leader)
            .or_default()
            .push((of.clone(), known.leader_epoch, *timestamp));
    }
    let mut found = HashMap::new();
    for (leader, questions) in by_leader {
        for (of, answer) in ask_leader(cluster, leader, &questions).await? {
            found.insert(of, answer?);
        }
    }
    Ok(found)
}
