//! Brokers to test dispatchers with: partitions that move between leaders, with Kafka's rules for idempotent producers.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use fastrand::Rng;
use kafkalite_records::{BatchHeader, DecodedBatch, Decompressor};
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::produce::ProducedPartition;
use tokio::time::Instant;
use uuid::Uuid;

use crate::cluster::{Metadata, PartitionMetadata, TopicMetadata};
use kafkalite_link::{Address, NamedBy};

pub(super) const LEADERS: i32 = 3;
pub(super) const TOPICS: [&str; 2] = ["a", "b"];
pub(super) const PARTITIONS: usize = 2;

/// Batches of a producer that a partition knows again.
const REMEMBERED: usize = 5;

/// A partition of a topic.
pub(super) type Of = (&'static str, usize);

pub(super) fn all() -> impl Iterator<Item = Of> {
    TOPICS
        .into_iter()
        .flat_map(|topic| (0..PARTITIONS).map(move |number| (topic, number)))
}

/// The brokers of one cluster, whose partitions are replicated without loss.
#[derive(Debug)]
pub(super) struct Brokers {
    pub(super) partitions: BTreeMap<Of, Partition>,
    /// The topics that there are, and were, by their ids; the greatest of a name is the present one.
    topics: BTreeMap<Uuid, &'static str>,
    /// Bytes of the largest batch that is taken.
    largest: usize,
    /// A producer that is not known has to begin at 0, as before Kafka 2.5; otherwise any first sequence is taken.
    pub(super) is_strict: bool,
}

#[derive(Debug, Default)]
pub(super) struct Partition {
    pub(super) leader: Option<i32>,
    /// What each topic of that name had, the present one last.
    pub(super) logs: Vec<Log>,
}

/// What is written, and by whom.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// The records' numbers, by their offsets.
    pub(super) records: Vec<u64>,
    producers: HashMap<i64, Known>,
}

/// What a partition knows of a producer.
#[derive(Debug)]
struct Known {
    epoch: i16,
    /// First and last sequence, and first offset, of its last batches.
    batches: VecDeque<(i32, i32, i64)>,
}

impl Brokers {
    pub(super) fn new(largest: usize, is_strict: bool, dice: &mut Rng) -> Self {
        let partition = |of| {
            let partition = Partition {
                leader: Some(dice.i32(0..LEADERS)),
                logs: vec![Log::default()],
            };
            (of, partition)
        };
        let mut brokers = Self {
            partitions: all().map(partition).collect(),
            topics: BTreeMap::new(),
            largest,
            is_strict,
        };
        for topic in TOPICS {
            brokers.rename(topic);
        }
        brokers
    }

    fn rename(&mut self, topic: &'static str) {
        let id = Uuid::from_u128(1 + self.topics.len() as u128);
        self.topics.insert(id, topic);
    }

    pub(super) fn id(&self, name: &str) -> Uuid {
        let mut topics = self.topics.iter().rev();
        let found = topics.find(|(_, topic)| **topic == name);
        found.map(|(id, _)| *id).unwrap_or_default()
    }

    /// The topic with this name, or, if it is not nil, with this id, now or before.
    pub(super) fn name(&self, name: &str, id: Uuid) -> &'static str {
        let named = TOPICS.into_iter().find(|topic| *topic == name);
        let topic = self.topics.get(&id).copied();
        topic.or(named).expect("somebody was told of it")
    }

    /// Deletes a topic and creates another of its name.
    pub(super) fn recreate(&mut self, topic: &'static str) {
        self.rename(topic);
        for number in 0..PARTITIONS {
            let partition = self.partitions.get_mut(&(topic, number)).unwrap();
            partition.logs.push(Log::default());
        }
    }

    /// Forgets the producers of a partition, as old brokers did with their records.
    pub(super) fn forget(&mut self, of: Of) {
        let log = self.partitions.get_mut(&of).unwrap().logs.last_mut();
        log.unwrap().producers.clear();
    }

    pub(super) fn image(&self, now: Instant) -> Arc<Metadata> {
        let topic = |name: &'static str| {
            let leader = |number| self.partitions[&(name, number)].leader;
            let partition = |number| PartitionMetadata {
                leader: leader(number),
                leader_epoch: -1,
            };
            let topic = TopicMetadata {
                name: name.into(),
                id: self.id(name),
                error: ErrorCode::None,
                partitions: (0..PARTITIONS).map(partition).collect(),
            };
            (Arc::clone(&topic.name), Arc::new(topic))
        };
        Arc::new(Metadata {
            brokers: (0..LEADERS).map(|broker| (broker, address())).collect(),
            topics: TOPICS.into_iter().map(topic).collect(),
            taken: now,
            ..Metadata::unknown()
        })
    }

    /// What this broker says to a batch for a partition of the topic with this name, or, if it is not nil, this id.
    pub(super) fn produce(
        &mut self,
        broker: i32,
        (name, id): (&str, Uuid),
        index: i32,
        batch: &Bytes,
    ) -> ProducedPartition {
        let topic = self.name(name, id);
        let (is_present, largest) = (id.is_nil() || id == self.id(topic), self.largest);
        let partition = self.partitions.get_mut(&(topic, index as usize)).unwrap();
        let appended = if !is_present {
            Err(ErrorCode::UnknownTopicId)
        } else if partition.leader != Some(broker) {
            Err(ErrorCode::NotLeaderOrFollower)
        } else {
            let log = partition.logs.last_mut().unwrap();
            log.append(batch, largest, self.is_strict)
        };
        ProducedPartition {
            index,
            error_code: appended.err().unwrap_or(ErrorCode::None),
            base_offset: appended.unwrap_or(-1),
            ..ProducedPartition::default()
        }
    }
}

impl Log {
    /// Where a batch is, if it is taken, or was before.
    fn append(&mut self, batch: &Bytes, largest: usize, is_strict: bool) -> Result<i64, ErrorCode> {
        let header = BatchHeader::parse(batch).unwrap();
        let numbers = numbers(batch);
        // A single record is never too large here: nothing could be done about it.
        if batch.len() > largest && numbers.len() > 1 {
            return Err(ErrorCode::MessageTooLarge);
        }
        let offset = self.records.len() as i64;
        if header.producer_id >= 0 {
            let (epoch, first) = (header.producer_epoch, header.base_sequence);
            let last = first + numbers.len() as i32 - 1;
            let known = match self.producers.get_mut(&header.producer_id) {
                None if is_strict && first != 0 => return Err(ErrorCode::UnknownProducerId),
                None => self.producers.entry(header.producer_id).or_insert(Known {
                    epoch,
                    batches: VecDeque::new(),
                }),
                Some(known) if epoch < known.epoch => return Err(ErrorCode::InvalidProducerEpoch),
                Some(known) if epoch > known.epoch => {
                    if first != 0 {
                        return Err(ErrorCode::OutOfOrderSequenceNumber);
                    }
                    known.epoch = epoch;
                    known.batches.clear();
                    known
                }
                Some(known) => {
                    let mut batches = known.batches.iter();
                    if let Some(before) = batches.find(|it| (it.0, it.1) == (first, last)) {
                        return Ok(before.2);
                    }
                    if known.batches.back().is_some_and(|it| it.1 + 1 != first) {
                        return Err(ErrorCode::OutOfOrderSequenceNumber);
                    }
                    known
                }
            };
            known.batches.push_back((first, last, offset));
            if known.batches.len() > REMEMBERED {
                known.batches.pop_front();
            }
        }
        self.records.extend(numbers);
        Ok(offset)
    }
}

/// The numbers of the records of a batch.
pub(super) fn numbers(batch: &Bytes) -> Vec<u64> {
    let decoded = DecodedBatch::decode(batch, &mut Decompressor::new(), 1 << 24).unwrap();
    let number = |value: &[u8]| u64::from_be_bytes(value[..8].try_into().unwrap());
    decoded
        .records()
        .map(|record| number(record.unwrap().value.unwrap()))
        .collect()
}

pub(super) fn address() -> Address {
    Address {
        host: "test".to_owned(),
        port: 1,
        origin: NamedBy::Bootstrap,
    }
}
