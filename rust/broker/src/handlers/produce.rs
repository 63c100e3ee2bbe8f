//! `Produce` · key 0 · versions 3–13 (advertised from 0, see the table in `kafkalite-wire`)
//!
//! Behaviour: each partition gets one batch, which is checked, appended and acknowledged by itself: what is wrong with
//! one partition is that partition's error. The answer comes when the batches are visible to readers, which with
//! `durability=synced` is after an fsync; acks 1 and all mean the same on one broker, and so `min.insync.replicas`, which
//! is never taken as more copies than there are, is always met. Who has waited for `timeout_ms` hears so, and may ask again:
//! what was written stays. With acks 0 nothing is answered.
//!
//! Version notes: one batch of format 2 a partition (KIP-98). Zstandard from 7 (KIP-110). From 8 the answer has a
//! sentence with each error, and names the records that are to blame (KIP-467). From 10 who asks another broker than the leader is
//! told who that is (KIP-951). From 13 topics are named by id (KIP-516).

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use kafkalite_cluster::{TopicKey, names};
use kafkalite_log::{Appended, LogError, RecordFault};
use kafkalite_records::{Compression, OwnedBatch, RecordsError};
use kafkalite_wire::{
    ErrorCode,
    api::produce::{
        ProduceRequest, ProduceResponse, ProduceTopic, ProducedPartition, ProducedTopic,
        RecordError,
    },
};

use tokio::{
    task::JoinHandle,
    time::{Instant, timeout_at},
};
use uuid::Uuid;

use super::{Context, Reply, leaders::Leaders};
use crate::{
    config::TopicSettings,
    refusal::Refusal,
    replicas::{HostedTopic, Partition},
};

const FIRST_WITH_ZSTD: i16 = 7;
const FIRST_WITH_LEADERS: i16 = 10;
const FIRST_WITH_TOPIC_IDS: i16 = 13;
const MAGIC_AT: usize = 16;
/// Of so many records at the most an answer says what is wrong with them: it is not to be much larger than the request, where
/// a batch of some hundred bytes may hold a thousand that are wrong.
const MOST_NAMED: usize = 10_000;

pub(super) async fn handle(context: &Context, request: ProduceRequest) -> Reply<ProduceResponse> {
    let acks = request.acks;
    let producing = Producing {
        context,
        acks,
        transactional: request.transactional_id.is_some(),
    };
    // First everything is appended, then everything is waited for: the partitions' flushes run side by side.
    let mut appended = Vec::with_capacity(request.topic_data.len());
    let mut nameable = MOST_NAMED;
    for topic in request.topic_data {
        appended.push(producing.append_topic(topic, &mut nameable).await);
    }
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
    let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
    let deadline = Instant::now() + timeout;
    let mut leaders = Leaders::since(FIRST_WITH_LEADERS, context);
    let mut responses = Vec::with_capacity(appended.len());
    for (mut topic, partitions) in appended {
        topic.partition_responses.reserve(partitions.len());
        for (index, pending) in partitions {
            let mut answer = answer(index, pending, deadline).await;
            if !answer.error_code.is_none() {
                let key = key(context, &topic.name, topic.topic_id);
                answer.current_leader = leaders.of(&key, index, answer.error_code);
            }
            topic.partition_responses.push(answer);
        }
        responses.push(topic);
    }
    ProduceResponse {
        responses,
        node_endpoints: leaders.endpoints(),
        ..Default::default()
    }
    .into()
}

fn key(context: &Context, name: &str, id: Uuid) -> TopicKey {
    TopicKey::of(context.api_version >= FIRST_WITH_TOPIC_IDS, name, id)
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
type AppendOutcome = Result<Pending, Rejection>;

/// Why a batch is not taken, and whether some of its records alone are to blame (KIP-467).
#[derive(Debug)]
struct Rejection {
    refusal: Refusal,
    records: Vec<RecordFault>,
    /// −1 where there is no such partition.
    log_start_offset: i64,
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        Self {
            refusal,
            records: Vec::new(),
            log_start_offset: -1,
        }
    }
}

impl Rejection {
    fn of(partition: &Partition, refusal: Refusal) -> Self {
        Self {
            log_start_offset: partition.log.start_offset(),
            ..refusal.into()
        }
    }

    /// The same with no more records than may still be named.
    fn naming(mut self, nameable: &mut usize) -> Self {
        if self.records.len() > *nameable {
            self.records.truncate(*nameable);
            self.records.shrink_to_fit();
        }
        *nameable -= self.records.len();
        self
    }

    fn by(partition: &Partition, mut error: LogError) -> Self {
        let records = error.take_records();
        Self {
            records,
            ..Self::of(partition, partition.explain(error))
        }
    }
}

impl Producing<'_> {
    async fn append_topic(
        &self,
        request: ProduceTopic,
        nameable: &mut usize,
    ) -> (ProducedTopic, Vec<(i32, AppendOutcome)>) {
        let key = key(self.context, &request.name, request.topic_id);
        let topic = self.context.broker.replicas.by_key(&key);
        let checked = self.check_topic(&key, topic.as_deref());
        let mut outcomes = Vec::with_capacity(request.partition_data.len());
        for partition in request.partition_data {
            let outcome = match &checked {
                Ok(()) => {
                    let records = partition.records.into_bytes();
                    let topic = topic.as_deref();
                    self.append(&key, topic, partition.index, records).await
                }
                Err(refusal) => Err(refusal.clone().into()),
            };
            let outcome = outcome.map_err(|rejection| rejection.naming(nameable));
            outcomes.push((partition.index, outcome));
        }
        let answer = ProducedTopic {
            name: request.name,
            topic_id: request.topic_id,
            ..Default::default()
        };
        (answer, outcomes)
    }

    /// The rules for a topic, of which perhaps nothing lies here.
    fn check_topic(&self, key: &TopicKey, here: Option<&HostedTopic>) -> Result<(), Refusal> {
        if !matches!(self.acks, -1..=1) {
            let message = format!("acks must be -1 (all), 0 or 1, not {}", self.acks);
            return Err(Refusal::new(ErrorCode::InvalidRequiredAcks, message));
        }
        let check = |name: &str| {
            if names::is_internal(name) {
                let message = format!("only the broker itself writes to '{name}'");
                return Err(Refusal::new(ErrorCode::InvalidTopic, message));
            }
            Ok(())
        };
        if let Some(topic) = here {
            return check(&topic.name);
        }
        let image = self.context.broker.registry.image();
        image.by_key(key).map_or(Ok(()), |topic| check(&topic.name))
    }

    async fn append(
        &self,
        key: &TopicKey,
        topic: Option<&HostedTopic>,
        index: i32,
        bytes: Bytes,
    ) -> AppendOutcome {
        let here = topic.and_then(|topic| Some((topic, topic.partition(index)?)));
        let Some((topic, partition)) = here else {
            return Err(Refusal::from(self.context.elsewhere(key, index)).into());
        };
        let batch = self
            .check(bytes)
            .map_err(|refusal| Rejection::of(partition, refusal))?;
        let opening = &self.context.broker.opening;
        let appended = opening
            .append(partition, batch)
            .await
            .ok_or_else(Refusal::stopping)?
            .map_err(|error| Rejection::by(partition, error))?;
        Ok(Pending {
            visible: wait(partition, &appended, &topic.settings.load()),
            appended,
        })
    }

    /// The rules of the request; those of the log come after. Here the batch's header is parsed: all that follow take the batch.
    fn check(&self, bytes: Bytes) -> Result<OwnedBatch, Refusal> {
        let invalid = |message: &str| Err(Refusal::new(ErrorCode::InvalidRecord, message));
        let Some(&magic) = bytes.get(MAGIC_AT) else {
            return if bytes.is_empty() {
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
        let sent = bytes.len();
        let owned = match OwnedBatch::parse(bytes) {
            Err(RecordsError::Incomplete { needed, have }) => {
                let message =
                    format!("the record batch says that it has {needed} bytes, {have} were sent");
                return Err(Refusal::new(ErrorCode::CorruptMessage, message));
            }
            parsed => parsed?,
        };
        let batch = owned.view();
        if batch.bytes().len() < sent {
            return invalid("the request must contain exactly one record batch for each partition");
        }
        let header = batch.header();
        if header.compression() == Compression::Zstd && self.context.api_version < FIRST_WITH_ZSTD {
            let message = "zstd needs Produce version 7 or later";
            return Err(Refusal::new(ErrorCode::UnsupportedCompressionType, message));
        }
        if header.is_transactional() || self.transactional {
            let message = "transactions are not supported; produce without a transactional.id";
            return Err(Refusal::new(ErrorCode::UnsupportedVersion, message));
        }
        Ok(owned)
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

async fn answer(index: i32, pending: AppendOutcome, deadline: Instant) -> ProducedPartition {
    let Pending { appended, visible } = match pending {
        Ok(pending) => pending,
        Err(rejection) => return refused(index, rejection),
    };
    let written = ProducedPartition {
        index,
        base_offset: appended.first_offset,
        log_append_time_ms: appended.append_time.unwrap_or(-1),
        log_start_offset: appended.log_start_offset,
        ..Default::default()
    };
    let Some(visible) = visible else {
        return written;
    };
    let Ok(flushed) = timeout_at(deadline, visible).await else {
        let message = "the batch is written, and was not flushed to disk within timeout_ms; it will be, \
                       and sent again by an idempotent producer it is not written twice";
        return ProducedPartition {
            error_code: ErrorCode::RequestTimedOut,
            error_message: Some(message.to_owned()),
            ..written
        };
    };
    match flushed.unwrap_or_else(|_| Err(Refusal::stopping())) {
        Ok(()) => written,
        Err(refusal) => refused(
            index,
            Rejection {
                log_start_offset: appended.log_start_offset,
                ..refusal.into()
            },
        ),
    }
}

fn refused(index: i32, rejection: Rejection) -> ProducedPartition {
    let record_errors = rejection.records.into_iter().map(|fault| RecordError {
        batch_index: fault.index as i32,
        batch_index_error_message: Some(fault.reason),
    });
    ProducedPartition {
        index,
        error_code: rejection.refusal.code,
        base_offset: -1,
        log_start_offset: rejection.log_start_offset,
        record_errors: record_errors.collect(),
        error_message: Some(rejection.refusal.message),
        ..Default::default()
    }
}
