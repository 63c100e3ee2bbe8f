//! Connections to the test's brokers: what is on its way there, and back.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use kafkalite_wire::api::produce::{
    ProduceRequest, ProduceResponse, ProducedPartition, ProducedTopic,
};
use kafkalite_wire::{ErrorCode, Records};
use tokio::time::Instant;
use uuid::Uuid;

use super::Parcel;
use super::brokers::{Brokers, Of};

/// A produce request.
#[derive(Debug)]
pub(super) struct Posted {
    pub(super) number: u64,
    pub(super) at: Instant,
    request: ProduceRequest,
    slots: Vec<Bytes>,
}

impl Posted {
    /// `highest`: the version that the brokers have.
    pub(super) fn new(number: u64, mut parcel: Parcel, highest: i16, at: Instant) -> Self {
        let (mut request, version) = parcel.request(-1, 0, highest);
        for topic in &mut request.topic_data {
            if version >= 13 {
                topic.name.clear();
            } else {
                topic.topic_id = Uuid::nil();
            }
        }
        Self {
            number,
            at,
            request,
            slots: parcel.slots,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.slots.iter().map(Bytes::len).sum()
    }

    /// The batches, by partition.
    pub(super) fn batches(&self, brokers: &Brokers) -> Vec<(Of, Bytes)> {
        let mut batches = Vec::new();
        for topic in &self.request.topic_data {
            let name = brokers.name(&topic.name, topic.topic_id);
            for partition in &topic.partition_data {
                let of = (name, partition.index as usize);
                batches.push((of, self.batch(&partition.records)));
            }
        }
        batches
    }

    fn batch(&self, records: &Records) -> Bytes {
        match records {
            Records::Spliced { slot, .. } => self.slots[*slot as usize].clone(),
            Records::Bytes(bytes) => panic!("{bytes:?} is not spliced"),
        }
    }
}

/// One connection.
#[derive(Debug, Default)]
pub(super) struct Wire {
    /// Not looked at by the broker.
    pub(super) requests: VecDeque<Posted>,
    /// Looked at, when they were sent and what the broker says.
    pub(super) answers: VecDeque<(u64, Instant, ProduceResponse)>,
}

impl Wire {
    /// The numbers of what is not answered.
    pub(super) fn unanswered(&self) -> Vec<u64> {
        let answers = self.answers.iter().map(|answer| answer.0);
        let requests = self.requests.iter().map(|posted| posted.number);
        answers.chain(requests).collect()
    }

    /// When the oldest of what is not answered was sent.
    pub(super) fn oldest(&self) -> Option<Instant> {
        let answers = self.answers.iter().map(|answer| answer.1);
        answers.chain(self.requests.iter().map(|it| it.at)).min()
    }

    /// Has the broker look at the next request; `spoil` may do something else to each batch.
    pub(super) fn serve(
        &mut self,
        broker: i32,
        brokers: &mut Brokers,
        mut spoil: impl FnMut() -> Spoilt,
    ) {
        let Some(posted) = self.requests.pop_front() else {
            return;
        };
        let mut topics: BTreeMap<usize, ProducedTopic> = BTreeMap::new();
        for (place, topic) in posted.request.topic_data.iter().enumerate() {
            for partition in &topic.partition_data {
                let batch = posted.batch(&partition.records);
                let named = (&*topic.name, topic.topic_id);
                let mut refused = ProducedPartition {
                    index: partition.index,
                    base_offset: -1,
                    ..ProducedPartition::default()
                };
                let answer = match spoil() {
                    Spoilt::No => brokers.produce(broker, named, partition.index, &batch),
                    Spoilt::Refused(code) => {
                        refused.error_code = code;
                        refused
                    }
                    Spoilt::Appended(code) => {
                        let answer = brokers.produce(broker, named, partition.index, &batch);
                        refused.error_code = code;
                        if answer.base_offset >= 0 {
                            refused
                        } else {
                            answer
                        }
                    }
                };
                let answers = topics.entry(place).or_insert_with(|| ProducedTopic {
                    name: topic.name.clone(),
                    topic_id: topic.topic_id,
                    partition_responses: Vec::new(),
                });
                answers.partition_responses.push(answer);
            }
        }
        let response = ProduceResponse {
            responses: topics.into_values().collect(),
            ..ProduceResponse::default()
        };
        self.answers.push_back((posted.number, posted.at, response));
    }
}

/// What goes wrong with a batch.
pub(super) enum Spoilt {
    No,
    /// It is refused, and not appended.
    Refused(ErrorCode),
    /// It is refused, but if it could be, it is appended.
    Appended(ErrorCode),
}
