//! Batches into a produce request, and its answer back to the batches.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use kafkalite_wire::api::produce::{
    ProducePartition, ProduceRequest, ProduceResponse, ProduceTopic, ProducedPartition,
};
use kafkalite_wire::{ErrorCode, Records};
use uuid::Uuid;

use super::super::batch::OutgoingBatch;
use crate::cluster::Metadata;

/// A batch that was sent, and whose it is.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) lane: usize,
    pub(super) batch: OutgoingBatch,
    /// Its delivery was given up before there was an answer, and reported.
    pub(super) expired: bool,
    /// That of the topic that it was sent to; zero where it has none.
    pub(super) topic_id: Uuid,
}

/// Batches for one leader.
#[derive(Debug, Default)]
pub(in crate::producer) struct Parcel {
    pub(super) sent: Vec<Sent>,
    pub(in crate::producer) slots: Vec<Bytes>,
    pub(super) bytes: usize,
    topics: Vec<ProduceTopic>,
    /// Where each topic is among them.
    places: HashMap<Arc<str>, usize>,
    without_ids: bool,
}

impl Parcel {
    pub(super) fn add(
        &mut self,
        lane: usize,
        batch: OutgoingBatch,
        bytes: Bytes,
        metadata: &Metadata,
    ) {
        let name = Arc::clone(&batch.outcome.topic);
        let topic_id = metadata
            .topics
            .get(&name)
            .map_or(Uuid::nil(), |topic| topic.id);
        self.without_ids |= topic_id.is_nil();
        let length = bytes.len() as u32;
        let records = Records::Spliced {
            len: length,
            slot: self.slots.len() as u32,
        };
        let partition = ProducePartition {
            index: batch.outcome.partition,
            records,
        };
        let place = *self.places.entry(name).or_insert_with_key(|name| {
            self.topics.push(ProduceTopic {
                name: name.to_string(),
                topic_id,
                partition_data: Vec::new(),
            });
            self.topics.len() - 1
        });
        self.topics[place].partition_data.push(partition);
        self.bytes += bytes.len();
        self.slots.push(bytes);
        self.sent.push(Sent {
            lane,
            batch,
            expired: false,
            topic_id,
        });
    }

    /// The request; and the version, of which the broker has `highest`, that it can be sent in.
    pub(in crate::producer) fn request(
        &mut self,
        acks: i16,
        timeout_ms: i32,
        highest: i16,
    ) -> (ProduceRequest, i16) {
        let topic_data = std::mem::take(&mut self.topics);
        // From version 13 on topics go by id, which old clusters don't have.
        let version = if self.without_ids {
            highest.min(12)
        } else {
            highest
        };
        (
            ProduceRequest {
                transactional_id: None,
                acks,
                timeout_ms,
                topic_data,
            },
            version,
        )
    }
}

/// The answers by topic and partition, in whichever way the version names topics.
pub(super) struct Answers {
    by_name: HashMap<(String, i32), ProducedPartition>,
    by_id: HashMap<(Uuid, i32), ProducedPartition>,
}

impl Answers {
    pub(super) fn of(response: ProduceResponse) -> Self {
        let mut answers = Self {
            by_name: HashMap::new(),
            by_id: HashMap::new(),
        };
        for topic in response.responses {
            for partition in topic.partition_responses {
                if topic.topic_id.is_nil() {
                    answers
                        .by_name
                        .insert((topic.name.clone(), partition.index), partition);
                } else {
                    answers
                        .by_id
                        .insert((topic.topic_id, partition.index), partition);
                }
            }
        }
        answers
    }

    /// What the broker said to this batch; a broker that said nothing is treated as having failed.
    pub(super) fn take(&mut self, sent: &Sent) -> ProducedPartition {
        let partition = sent.batch.outcome.partition;
        let answer = self.by_id.remove(&(sent.topic_id, partition)).or_else(|| {
            self.by_name
                .remove(&(sent.batch.outcome.topic.to_string(), partition))
        });
        answer.unwrap_or_else(|| ProducedPartition {
            error_code: ErrorCode::UnknownServerError,
            error_message: Some("the response leaves this partition out".to_owned()),
            ..ProducedPartition::default()
        })
    }
}
