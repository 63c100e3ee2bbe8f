//! Putting the answer to a fetch together.

use std::collections::HashMap;

use kafkalite_cluster::TopicKey;
use kafkalite_log::LogSlice;
use kafkalite_wire::{
    ErrorCode, Records,
    api::fetch::{AbortedTransaction, FetchResponse, FetchedPartition, FetchedTopic},
};
use uuid::Uuid;

use super::{Context, Reply, Terms, reading::Read};
use crate::fetch_sessions::{SessionAnswer, Wanted};
use crate::handlers::leaders::Leaders;

/// First version that names the leader where the client was wrong about it (KIP-951).
const FIRST_WITH_LEADERS: i16 = 16;

/// The response with what was read, as far as the session wants it told.
pub(super) fn of(
    context: &Context,
    terms: &Terms,
    answer: SessionAnswer,
    reads: Vec<Read>,
) -> Reply<FetchResponse> {
    let mut response = Response {
        committed_only: terms.committed_only,
        leaders: Leaders::since(FIRST_WITH_LEADERS, context),
        topics: Topics::default(),
        slices: Vec::new(),
    };
    for ((wanted, read), included) in answer.wanted.iter().zip(reads).zip(answer.included) {
        if included {
            response.add(wanted, read);
        }
    }
    let Response {
        topics,
        slices,
        leaders,
        ..
    } = response;
    let body = FetchResponse {
        session_id: answer.session_id,
        // Not to other brokers, as from Apache Kafka.
        node_endpoints: if terms.as_replica {
            Vec::new()
        } else {
            leaders.endpoints()
        },
        ..topics.into_response()
    };
    Reply::Answer { body, slices }
}

fn aborted(slice: &LogSlice) -> Vec<AbortedTransaction> {
    let aborted = slice.aborted().iter();
    aborted
        .map(|aborted| AbortedTransaction {
            producer_id: aborted.producer_id,
            first_offset: aborted.first_offset,
        })
        .collect()
}

/// The answer while it grows.
struct Response<'a> {
    committed_only: bool,
    leaders: Leaders<'a>,
    topics: Topics,
    slices: Vec<LogSlice>,
}

/// The partitions of an answer by topic, topics in the order of their first partition.
#[derive(Default)]
pub(super) struct Topics {
    topics: Vec<FetchedTopic>,
    places: HashMap<TopicKey, usize>,
}

impl Topics {
    pub(super) fn add(&mut self, wanted: &Wanted, partition: FetchedPartition) {
        let topics = &mut self.topics;
        let place = *self.places.entry(wanted.topic.clone()).or_insert_with(|| {
            let (topic, topic_id) = match &wanted.topic {
                TopicKey::Name(name) => (name.to_string(), Uuid::nil()),
                TopicKey::Id(id) => (String::new(), *id),
            };
            topics.push(FetchedTopic {
                topic,
                topic_id,
                partitions: Vec::new(),
            });
            topics.len() - 1
        });
        topics[place].partitions.push(partition);
    }

    pub(super) fn into_response(self) -> FetchResponse {
        FetchResponse {
            responses: self.topics,
            ..Default::default()
        }
    }
}

impl Response<'_> {
    fn add(&mut self, wanted: &Wanted, read: Read) {
        let partition = match read {
            Read::Refused(error_code) => FetchedPartition {
                partition_index: wanted.partition,
                error_code,
                current_leader: self.leaders.of(&wanted.topic, wanted.partition, error_code),
                high_watermark: -1,
                // Not null, as from Apache Kafka, where the error is about the name and not about the log.
                aborted_transactions: matches!(
                    error_code,
                    ErrorCode::UnknownTopicOrPartition | ErrorCode::UnknownTopicId
                )
                .then(Vec::new),
                ..Default::default()
            },
            Read::Records {
                slice,
                high_watermark,
                last_stable_offset,
                log_start_offset,
                ..
            } => FetchedPartition {
                partition_index: wanted.partition,
                high_watermark,
                last_stable_offset,
                log_start_offset,
                aborted_transactions: self.committed_only.then(|| aborted(&slice)),
                records: self.splice(slice),
                ..Default::default()
            },
        };
        self.topics.add(wanted, partition);
    }

    fn splice(&mut self, slice: LogSlice) -> Records {
        if slice.is_empty() {
            return Records::default();
        }
        let records = Records::Spliced {
            len: slice.len() as u32,
            slot: self.slices.len() as u32,
        };
        self.slices.push(slice);
        records
    }
}
