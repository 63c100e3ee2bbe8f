//! Topics and records, in the newest version of each API.

use bytes::Bytes;
use kafkalite_records::{
    BatchBuilder, BatchOrigin, Compression, Compressor, Decompressor, RecordBatch, Records, batches,
};
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::create_topics::{
    CreatableTopic, CreatableTopicConfig, CreateTopicsRequest, CreatedTopic,
};
use kafkalite_wire::api::delete_topics::{DeleteTopic, DeleteTopicsRequest, DeletedTopic};
use kafkalite_wire::api::fetch::{
    FetchPartition, FetchRequest, FetchResponse, FetchTopic, FetchedPartition,
};
use kafkalite_wire::api::init_producer_id::InitProducerIdRequest;
use kafkalite_wire::api::list_offsets::{
    ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic, ListedOffsetsPartition,
};
use kafkalite_wire::api::metadata::{
    MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataTopic,
};
use kafkalite_wire::api::produce::{
    ProducePartition, ProduceRequest, ProduceTopic, ProducedPartition,
};
use uuid::Uuid;

use super::Client;

/// A batch of these values, without keys.
pub fn batch(values: &[&str]) -> Bytes {
    batch_of(values, Compression::None, BatchOrigin::ANONYMOUS)
}

pub fn batch_of(values: &[&str], compression: Compression, origin: BatchOrigin) -> Bytes {
    let records: Vec<_> = values
        .iter()
        .map(|value| (now_ms(), None, *value))
        .collect();
    batch_with(&records, compression, origin)
}

/// A batch of records with timestamp, key and value.
pub fn batch_with(
    records: &[(i64, Option<&str>, &str)],
    compression: Compression,
    origin: BatchOrigin,
) -> Bytes {
    let mut builder = BatchBuilder::new(usize::MAX);
    for (timestamp, key, value) in records {
        assert!(builder.try_append(
            *timestamp,
            key.map(str::as_bytes),
            Some(value.as_bytes()),
            &[]
        ));
    }
    let mut compressor = Compressor::new(compression, None).unwrap();
    builder.build(0, origin, &mut compressor).unwrap()
}

/// The batch's place in the sequence of an idempotent producer.
pub fn origin(producer_id: i64, base_sequence: i32) -> BatchOrigin {
    BatchOrigin {
        producer_id,
        producer_epoch: 0,
        base_sequence,
        transactional: false,
    }
}

/// Offset and value of every whole record in fetched bytes.
pub fn values(bytes: &Bytes) -> Vec<(i64, String)> {
    let mut decompressor = Decompressor::default();
    let mut found = Vec::new();
    for batch in batches(bytes) {
        let batch: RecordBatch<'_> = batch.unwrap();
        batch.verify_crc().unwrap();
        let payload = batch.decompress(&mut decompressor, 64 << 20).unwrap();
        for record in Records::new(batch.header(), &payload) {
            let record = record.unwrap();
            let value = String::from_utf8(record.value.unwrap_or_default().to_vec()).unwrap();
            found.push((record.offset, value));
        }
    }
    found
}

pub fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_millis() as i64
}

/// A topic as Kafka's admin client would ask for it.
pub fn topic(name: &str, partitions: i32, configs: &[(&str, &str)]) -> CreatableTopic {
    CreatableTopic {
        name: name.to_owned(),
        num_partitions: partitions,
        replication_factor: -1,
        configs: configs
            .iter()
            .map(|(name, value)| CreatableTopicConfig {
                name: (*name).to_owned(),
                value: Some((*value).to_owned()),
            })
            .collect(),
        ..Default::default()
    }
}

/// What to read of one partition.
pub fn from(partition: i32, fetch_offset: i64) -> FetchPartition {
    FetchPartition {
        partition,
        fetch_offset,
        partition_max_bytes: 1 << 20,
        ..Default::default()
    }
}

/// A fetch by topic id that does not wait and has no session.
pub fn fetch_by_id(topic_id: Uuid, partitions: Vec<FetchPartition>) -> FetchRequest {
    FetchRequest {
        min_bytes: 1,
        max_bytes: 1 << 25,
        topics: vec![FetchTopic {
            topic_id,
            partitions,
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// A fetch by topic name that does not wait and has no session.
pub fn fetch_by_name(topic: &str, partitions: Vec<FetchPartition>) -> FetchRequest {
    FetchRequest {
        min_bytes: 1,
        max_bytes: 1 << 25,
        topics: vec![FetchTopic {
            topic: topic.to_owned(),
            partitions,
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// All partitions of an answer, in its order.
pub fn fetched(response: FetchResponse) -> Vec<FetchedPartition> {
    assert_eq!(response.error_code, ErrorCode::None);
    response
        .responses
        .into_iter()
        .flat_map(|topic| topic.partitions)
        .collect()
}

pub fn produce_by_name(acks: i16, topic: &str, batches: Vec<(i32, Bytes)>) -> ProduceRequest {
    let partition = |(index, records): (i32, Bytes)| ProducePartition {
        index,
        records: records.into(),
    };
    ProduceRequest {
        acks,
        timeout_ms: 10_000,
        topic_data: vec![ProduceTopic {
            name: topic.to_owned(),
            partition_data: batches.into_iter().map(partition).collect(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

impl Client {
    /// Creates topics and returns the answers.
    pub async fn create_topics(&mut self, topics: Vec<CreatableTopic>) -> Vec<CreatedTopic> {
        let request = CreateTopicsRequest {
            topics,
            ..Default::default()
        };
        self.ask(7, &request).await.topics
    }

    /// Creates one topic, which must succeed, and returns its id.
    pub async fn create(&mut self, name: &str, partitions: i32, configs: &[(&str, &str)]) -> Uuid {
        let created = self
            .create_topics(vec![topic(name, partitions, configs)])
            .await;
        assert_eq!(created[0].error_code, ErrorCode::None, "{created:?}");
        created[0].topic_id
    }

    pub async fn delete(&mut self, name: &str) -> DeletedTopic {
        let request = DeleteTopicsRequest {
            topics: vec![DeleteTopic {
                name: Some(name.to_owned()),
                ..Default::default()
            }],
            ..Default::default()
        };
        self.ask(6, &request).await.responses.remove(0)
    }

    /// The metadata of topics by name; of all topics if there is no name.
    pub async fn metadata(&mut self, names: &[&str], create: bool) -> MetadataResponse {
        let topic = |name: &&str| MetadataRequestTopic {
            name: Some((*name).to_owned()),
            ..Default::default()
        };
        let request = MetadataRequest {
            topics: (!names.is_empty()).then(|| names.iter().map(topic).collect()),
            allow_auto_topic_creation: create,
            ..Default::default()
        };
        self.ask(13, &request).await
    }

    pub async fn describe(&mut self, name: &str) -> MetadataTopic {
        self.metadata(&[name], false).await.topics.remove(0)
    }

    /// Produces one batch to one partition by the topic's name, with acks=all.
    pub async fn produce(
        &mut self,
        topic: &str,
        partition: i32,
        batch: Bytes,
    ) -> ProducedPartition {
        let request = produce_by_name(-1, topic, vec![(partition, batch)]);
        let mut response = self.ask(12, &request).await;
        response.responses.remove(0).partition_responses.remove(0)
    }

    /// Produces values that must be accepted, and returns the offset of the first.
    pub async fn put(&mut self, topic: &str, partition: i32, values: &[&str]) -> i64 {
        let produced = self.produce(topic, partition, batch(values)).await;
        assert_eq!(produced.error_code, ErrorCode::None, "{produced:?}");
        produced.base_offset
    }

    /// Fetches one partition by the topic's name, without waiting.
    pub async fn fetch(&mut self, topic: &str, partition: i32, offset: i64) -> FetchedPartition {
        let request = FetchRequest {
            session_epoch: -1,
            ..fetch_by_name(topic, vec![from(partition, offset)])
        };
        fetched(self.ask(12, &request).await).remove(0)
    }

    /// Everything in a partition from `offset` on.
    pub async fn read_all(
        &mut self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Vec<(i64, String)> {
        let mut all: Vec<(i64, String)> = Vec::new();
        let mut next = offset;
        loop {
            let fetched = self.fetch(topic, partition, next).await;
            assert_eq!(fetched.error_code, ErrorCode::None);
            let found = values(&fetched.records.into_bytes());
            let Some((last, _)) = found.last() else {
                return all;
            };
            next = last + 1;
            all.extend(found.into_iter().filter(|(at, _)| *at >= offset));
        }
    }

    /// Looks a timestamp, or one of the special places, up.
    pub async fn offset_at(
        &mut self,
        topic: &str,
        partition: i32,
        timestamp: i64,
    ) -> ListedOffsetsPartition {
        let request = ListOffsetsRequest {
            replica_id: -1,
            topics: vec![ListOffsetsTopic {
                name: topic.to_owned(),
                partitions: vec![ListOffsetsPartition {
                    partition_index: partition,
                    timestamp,
                    ..Default::default()
                }],
            }],
            ..Default::default()
        };
        let mut response = self.ask(11, &request).await;
        response.topics.remove(0).partitions.remove(0)
    }

    pub async fn producer_id(&mut self) -> i64 {
        let answer = self.ask(5, &InitProducerIdRequest::default()).await;
        assert_eq!(
            (answer.error_code, answer.producer_epoch),
            (ErrorCode::None, 0)
        );
        answer.producer_id
    }
}
