//! `Produce` · key 0 · versions 3–13 (advertised from 0, see the table in `kafkalite-wire`)
//!
//! Behaviour: each partition gets one batch, which is checked, appended and acknowledged by itself: what is wrong with
//! one partition is that partition's error. The answer comes when the batches are visible to readers, which with
//! `durability=synced` is after an fsync; acks 1 and all mean the same on one broker. With acks 0 nothing is answered.
//!
//! Version notes: one batch of format 2 a partition (KIP-98). Zstandard from 7 (KIP-110). From 8 the answer has a
//! sentence with each error, and names the records that are to blame (KIP-467). From 13 topics are named by id (KIP-516).

use std::sync::Arc;

use bytes::Bytes;
use kafkalite_log::Appended;
use kafkalite_records::{BatchHeader, Compression};
use kafkalite_wire::{
    ErrorCode,
    api::produce::{
        ProduceRequest, ProduceResponse, ProduceTopic, ProducedPartition, ProducedTopic,
    },
};

use tokio::task::JoinHandle;

use super::{Context, Reply, produced_records, produced_records::Rejection};
use crate::{
    config::TopicSettings,
    partition::Partition,
    refusal::Refusal,
    topics::{Topic, name},
};

const FIRST_WITH_ZSTD: i16 = 7;
const FIRST_WITH_TOPIC_IDS: i16 = 13;
const MAGIC_AT: usize = 16;
/// `acks` of a producer that wants all copies written.
const ALL: i16 = -1;

pub(super) async fn handle(context: &Context, request: ProduceRequest) -> Reply<ProduceResponse> {
    let acks = request.acks;
    let producing = Producing {
        context,
        acks,
        transactional: request.transactional_id.is_some(),
    };
    // First everything is appended, then everything is waited for: the partitions' flushes run side by side.
    let appended: Vec<_> = request
        .topic_data
        .into_iter()
        .map(|topic| producing.append_topic(topic))
        .collect();
    if acks == 0 {
        // A client that hears nothing goes on, with its old metadata; a closed connection makes it ask again.
        let mut outcomes = appended.iter().flat_map(|(_, partitions)| partitions);
        return match outcomes.find_map(|(_, outcome)| outcome.as_ref().err()) {
            Some(rejection) => Reply::Close(format!(
                "a Produce request with acks=0: {}",
                rejection.refusal.message
            )),
            None => Reply::Nothing,
        };
    }
    let mut responses = Vec::with_capacity(appended.len());
    for (mut topic, partitions) in appended {
        topic.partition_responses.reserve(partitions.len());
        for (index, pending) in partitions {
            topic.partition_responses.push(answer(index, pending).await);
        }
        responses.push(topic);
    }
    ProduceResponse {
        responses,
        ..Default::default()
    }
    .into()
}

/// One request's part in what happens to each of its batches.
struct Producing<'a> {
    context: &'a Context,
    acks: i16,
    transactional: bool,
}

/// A batch that is in the log, and the wait for readers to see it.
struct Pending {
    appended: Appended,
    visible: Option<Flush>,
}

type Flush = JoinHandle<Result<(), Refusal>>;
type Outcome = Result<Pending, Rejection>;

impl Producing<'_> {
    fn append_topic(&self, request: ProduceTopic) -> (ProducedTopic, Vec<(i32, Outcome)>) {
        let topic = self.topic(&request);
        let append = |index, records: Bytes| {
            self.append(topic.as_ref().map_err(Clone::clone)?, index, &records)
        };
        let outcomes = request
            .partition_data
            .into_iter()
            .map(|partition| {
                (
                    partition.index,
                    append(partition.index, partition.records.into_bytes()),
                )
            })
            .collect();
        let answer = ProducedTopic {
            name: request.name,
            topic_id: request.topic_id,
            ..Default::default()
        };
        (answer, outcomes)
    }

    fn topic(&self, request: &ProduceTopic) -> Result<Arc<Topic>, Refusal> {
        if !matches!(self.acks, -1..=1) {
            let message = format!("acks must be -1 (all), 0 or 1, not {}", self.acks);
            return Err(Refusal::new(ErrorCode::InvalidRequiredAcks, message));
        }
        let topics = &self.context.broker.topics;
        let topic = if self.context.api_version >= FIRST_WITH_TOPIC_IDS {
            topics
                .by_id(request.topic_id)
                .ok_or_else(|| Refusal::unknown_topic_id(request.topic_id))?
        } else {
            topics
                .by_name(&request.name)
                .ok_or_else(|| Refusal::unknown_topic(&request.name))?
        };
        if name::is_internal(&topic.name) {
            let message = format!("only the broker itself writes to '{}'", topic.name);
            return Err(Refusal::new(ErrorCode::InvalidTopic, message));
        }
        Ok(topic)
    }

    fn append(&self, topic: &Topic, index: i32, batch: &[u8]) -> Outcome {
        let partition = topic
            .partition(index)
            .ok_or_else(|| Refusal::unknown_partition(&topic.name, index))?;
        let header = self.check(batch)?;
        let settings = topic.settings.load();
        if self.acks == ALL && settings.min_insync_replicas > 1 {
            let message = format!(
                "topic '{}' wants {} copies in sync (min.insync.replicas), and this broker alone has one",
                topic.name, settings.min_insync_replicas
            );
            return Err(Refusal::new(ErrorCode::NotEnoughReplicas, message).into());
        }
        produced_records::check(batch, &header, settings.compact)?;
        let appended = partition.append(batch)?;
        Ok(Pending {
            visible: wait(partition, &appended, &settings),
            appended,
        })
    }

    /// The rules of the request; those of the log come after.
    fn check(&self, batch: &[u8]) -> Result<BatchHeader, Refusal> {
        let invalid = |message: &str| Err(Refusal::new(ErrorCode::InvalidRecord, message));
        let Some(&magic) = batch.get(MAGIC_AT) else {
            return if batch.is_empty() {
                invalid("the request must contain one record batch for each partition")
            } else {
                Err(Refusal::new(
                    ErrorCode::CorruptMessage,
                    "the record batch ends within its header",
                ))
            };
        };
        if magic != 2 {
            return invalid(&format!(
                "record batches must have magic 2, not {magic}; use a client from 2017 or later"
            ));
        }
        let header = BatchHeader::parse(batch)?;
        if header.total_len() > batch.len() {
            let (claimed, sent) = (header.total_len(), batch.len());
            let message =
                format!("the record batch says that it has {claimed} bytes, {sent} were sent");
            return Err(Refusal::new(ErrorCode::CorruptMessage, message));
        }
        if header.total_len() < batch.len() {
            return invalid("the request must contain exactly one record batch for each partition");
        }
        if header.compression() == Compression::Zstd && self.context.api_version < FIRST_WITH_ZSTD {
            let message = "zstd needs Produce version 7 or later";
            return Err(Refusal::new(ErrorCode::UnsupportedCompressionType, message));
        }
        if header.is_transactional() || self.transactional {
            let message = "transactions are not supported; produce without a transactional.id";
            return Err(Refusal::new(ErrorCode::InvalidTxnState, message));
        }
        Ok(header)
    }
}

/// The wait for a batch to be visible, or for the flush that `flush.messages` wants now. A task of its own: the flush
/// happens also if nobody waits for it (acks 0), and all partitions' flushes run side by side.
fn wait(
    partition: &Arc<Partition>,
    appended: &Appended,
    settings: &TopicSettings,
) -> Option<Flush> {
    let end = appended.last_offset + 1;
    let hidden = partition.log.high_watermark() < end;
    let due = settings
        .log
        .flush_messages
        .is_some_and(|limit| partition.log.unflushed_messages() >= limit);
    let partition = Arc::clone(partition);
    (hidden || due).then(|| {
        tokio::spawn(async move {
            if due {
                partition.flush().await
            } else {
                partition.until_visible(end).await
            }
        })
    })
}

async fn answer(index: i32, pending: Outcome) -> ProducedPartition {
    let refused = |Rejection { refusal, records }: Rejection| ProducedPartition {
        index,
        error_code: refusal.code,
        base_offset: -1,
        record_errors: records,
        error_message: Some(refusal.message),
        ..Default::default()
    };
    let Pending { appended, visible } = match pending {
        Ok(pending) => pending,
        Err(rejection) => return refused(rejection),
    };
    if let Some(visible) = visible
        && let Err(refusal) = visible.await.unwrap_or_else(|_| Err(Refusal::stopping()))
    {
        return refused(refusal.into());
    }
    ProducedPartition {
        index,
        base_offset: appended.first_offset,
        log_append_time_ms: appended.append_time.unwrap_or(-1),
        log_start_offset: appended.log_start_offset,
        ..Default::default()
    }
}
