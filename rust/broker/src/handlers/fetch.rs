//! `Fetch` · key 1 · versions 4–18
//!
//! Behaviour: answers views of the segments' files, which the connection sends without reading them. Partitions get
//! their share of `max_bytes` in the order of the session or the request; the first batch found comes even if it is
//! larger (KIP-74), and comes whole if the offset lies inside of it. With less than `min_bytes` the request waits for
//! `max_wait_ms`, woken when enough has arrived, when a partition fails or goes away, or when the broker stops.
//! `read_committed` sees what `read_uncommitted` sees: without transactions the last stable offset is the high watermark.
//!
//! Version notes: sessions from 7 (KIP-227). Leader epochs from 9 (KIP-320). Topics are named by id from 13 (KIP-516).
//! Records are never null, which librdkafka rejects from 12; the preferred replica is always -1.

use std::{collections::HashMap, sync::Arc, time::Duration};

use kafkalite_log::{LogSlice, ReadUpTo};
use kafkalite_wire::{
    ErrorCode, Records,
    api::fetch::{FetchRequest, FetchResponse, FetchedPartition, FetchedTopic},
};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::{Context, Reply, leader_epoch};
use crate::{
    clock,
    fetch_sessions::{Fetch, Outcome, SessionError, SessionRequest, TopicKey, Wanted},
    partition::{Partition, Wait},
    topics::Topics,
};

const FIRST_WITH_TOPIC_IDS: i16 = 13;
const READ_COMMITTED: i8 = 1;

pub(super) async fn handle(context: &Context, request: FetchRequest) -> Reply<FetchResponse> {
    let sessions = &context.broker.fetch_sessions;
    let terms = Terms::of(context, &request);
    let fetch = match begin(context, request) {
        Ok(fetch) => fetch,
        Err(error) => return session_error(error).into(),
    };

    let results = read(context, &terms, fetch.wanted()).await;

    let outcomes: Vec<Outcome> = results.iter().map(outcome).collect();
    let wanted = fetch.wanted().to_vec();
    match fetch.finish(sessions, &outcomes, clock::now_ms()) {
        Err(error) => session_error(error).into(),
        Ok(answer) => {
            let mut response = Response::new(&terms);
            for ((wanted, result), included) in wanted.iter().zip(results).zip(answer.included) {
                if included {
                    response.add(wanted, result);
                }
            }
            response.finish(answer.session_id)
        }
    }
}

/// What the request says about the answer as a whole.
struct Terms {
    deadline: Instant,
    min_bytes: usize,
    max_bytes: usize,
    committed_only: bool,
}

impl Terms {
    fn of(context: &Context, request: &FetchRequest) -> Self {
        let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
        let max_bytes = request
            .max_bytes
            .min(context.broker.configs.settings().fetch_max_bytes);
        let max_bytes = usize::try_from(max_bytes).unwrap_or(0);
        Self {
            deadline: Instant::now() + wait,
            min_bytes: usize::try_from(request.min_bytes)
                .unwrap_or(0)
                .min(max_bytes),
            max_bytes,
            committed_only: request.isolation_level == READ_COMMITTED,
        }
    }
}

/// What one partition gave.
enum Read {
    Records {
        slice: LogSlice,
        high_watermark: i64,
        log_start_offset: i64,
    },
    Refused(ErrorCode),
}

fn begin(context: &Context, request: FetchRequest) -> Result<Fetch, SessionError> {
    let uses_topic_ids = context.api_version >= FIRST_WITH_TOPIC_IDS;
    let key = |name: String, id: Uuid| {
        if uses_topic_ids {
            TopicKey::Id(id)
        } else {
            TopicKey::Name(name.into())
        }
    };
    let mut wanted = Vec::new();
    for topic in request.topics {
        let key = key(topic.topic, topic.topic_id);
        wanted.extend(topic.partitions.into_iter().map(|partition| Wanted {
            topic: key.clone(),
            partition: partition.partition,
            offset: partition.fetch_offset,
            max_bytes: partition.partition_max_bytes,
            current_leader_epoch: partition.current_leader_epoch,
        }));
    }
    let mut forgotten = Vec::new();
    for topic in request.forgotten_topics_data {
        let key = key(topic.topic, topic.topic_id);
        forgotten.extend(
            topic
                .partitions
                .into_iter()
                .map(|partition| (key.clone(), partition)),
        );
    }
    let session = SessionRequest {
        id: request.session_id,
        epoch: request.session_epoch,
        uses_topic_ids,
    };
    context
        .broker
        .fetch_sessions
        .begin(session, wanted, &forgotten, clock::now_ms())
}

/// Reads all partitions, and again as they grow, until there is enough or the time is up.
async fn read(context: &Context, terms: &Terms, wanted: &[Wanted]) -> Vec<Read> {
    let partitions: Vec<_> = wanted
        .iter()
        .map(|wanted| resolve(&context.broker.topics, wanted))
        .collect();
    let mut reads = read_once(terms, wanted, &partitions);
    let found: Vec<Arc<Partition>> = partitions.iter().flatten().cloned().collect();
    // What does not exist does not hurry those that do: a client that asks for both would spin.
    if found.is_empty() || is_ready(terms, &partitions, &reads) || Instant::now() >= terms.deadline
    {
        return reads;
    }

    let wait = Wait::on(found);
    let mut over = std::pin::pin!(context.parking_over());
    loop {
        let before = wait.arrived();
        reads = read_once(terms, wanted, &partitions);
        if is_ready(terms, &partitions, &reads) {
            return reads;
        }
        let missing = terms.min_bytes.saturating_sub(total_bytes(&reads)).max(1);
        tokio::select! {
            () = wait.until(before, missing as u64) => {}
            () = sleep_until(terms.deadline) => return reads,
            () = &mut over => return reads,
        }
    }
}

fn resolve(topics: &Topics, wanted: &Wanted) -> Result<Arc<Partition>, ErrorCode> {
    let snapshot = topics.snapshot();
    let (topic, unknown) = match &wanted.topic {
        TopicKey::Name(name) => (snapshot.by_name(name), ErrorCode::UnknownTopicOrPartition),
        TopicKey::Id(id) => (snapshot.by_id(*id), ErrorCode::UnknownTopicId),
    };
    let partition = topic.ok_or(unknown)?.partition(wanted.partition);
    partition.cloned().ok_or(ErrorCode::UnknownTopicOrPartition)
}

fn read_once(
    terms: &Terms,
    wanted: &[Wanted],
    partitions: &[Result<Arc<Partition>, ErrorCode>],
) -> Vec<Read> {
    let mut left = terms.max_bytes;
    let mut first = true;
    let mut reads = Vec::with_capacity(wanted.len());
    for (wanted, partition) in wanted.iter().zip(partitions) {
        let read = match partition {
            Ok(partition) => read_partition(wanted, partition, left, first, terms.committed_only),
            Err(code) => Err(*code),
        };
        if let Ok(Read::Records { slice, .. }) = &read
            && !slice.is_empty()
        {
            left = left.saturating_sub(slice.len());
            first = false;
        }
        reads.push(read.unwrap_or_else(Read::Refused));
    }
    reads
}

fn read_partition(
    wanted: &Wanted,
    partition: &Partition,
    left: usize,
    first: bool,
    committed_only: bool,
) -> Result<Read, ErrorCode> {
    if partition.is_deleted() {
        return Err(match wanted.topic {
            TopicKey::Name(_) => ErrorCode::UnknownTopicOrPartition,
            TopicKey::Id(_) => ErrorCode::UnknownTopicId,
        });
    }
    leader_epoch::check(partition, wanted.current_leader_epoch)?;
    let max_bytes = usize::try_from(wanted.max_bytes).unwrap_or(0).min(left);
    let log = &partition.log;
    let slice = log
        .read(wanted.offset, max_bytes, ReadUpTo::HighWatermark, first)
        .map_err(|error| partition.explain(error).code)?;
    // Read after the records, so that the answer never shows records above its own watermark.
    let high_watermark = if committed_only {
        log.last_stable_offset()
    } else {
        log.high_watermark()
    };
    Ok(Read::Records {
        slice,
        high_watermark,
        log_start_offset: log.start_offset(),
    })
}

/// Is there a reason to answer now?
fn is_ready(
    terms: &Terms,
    partitions: &[Result<Arc<Partition>, ErrorCode>],
    reads: &[Read],
) -> bool {
    let failed = |(partition, read): (&Result<_, _>, &Read)| {
        partition.is_ok() && matches!(read, Read::Refused(_))
    };
    total_bytes(reads) >= terms.min_bytes
        || partitions.iter().zip(reads).any(failed)
        || partitions
            .iter()
            .zip(reads)
            .any(|(partition, read)| match (partition, read) {
                (Ok(partition), Read::Records { slice, .. }) => {
                    stops_at_segment_end(partition, slice)
                }
                _ => false,
            })
}

/// A view ends with its segment. When there is another segment behind it, waiting would not make it longer.
fn stops_at_segment_end(partition: &Partition, slice: &LogSlice) -> bool {
    let log = &partition.log;
    !slice.is_empty()
        && log
            .read(log.high_watermark(), 0, ReadUpTo::HighWatermark, false)
            .is_ok_and(|end| !Arc::ptr_eq(end.file(), slice.file()))
}

fn total_bytes(reads: &[Read]) -> usize {
    let bytes = |read: &Read| match read {
        Read::Records { slice, .. } => slice.len(),
        Read::Refused(_) => 0,
    };
    reads.iter().map(bytes).sum()
}

fn outcome(read: &Read) -> Outcome {
    match read {
        Read::Records {
            slice,
            high_watermark,
            log_start_offset,
        } => Outcome {
            failed: false,
            high_watermark: *high_watermark,
            log_start_offset: *log_start_offset,
            bytes: slice.len(),
        },
        Read::Refused(_) => Outcome {
            failed: true,
            high_watermark: -1,
            log_start_offset: -1,
            bytes: 0,
        },
    }
}

fn session_error(error: SessionError) -> FetchResponse {
    let error_code = match error {
        SessionError::NotFound => ErrorCode::FetchSessionIdNotFound,
        SessionError::WrongEpoch => ErrorCode::InvalidFetchSessionEpoch,
        SessionError::TopicIds => ErrorCode::FetchSessionTopicIdError,
    };
    FetchResponse {
        error_code,
        ..Default::default()
    }
}

/// The answer while it is put together: partitions by topic, topics in the order of their first partition.
struct Response<'a> {
    terms: &'a Terms,
    topics: Vec<FetchedTopic>,
    places: HashMap<TopicKey, usize>,
    slices: Vec<LogSlice>,
}

impl<'a> Response<'a> {
    fn new(terms: &'a Terms) -> Self {
        Self {
            terms,
            topics: Vec::new(),
            places: HashMap::new(),
            slices: Vec::new(),
        }
    }

    fn add(&mut self, wanted: &Wanted, read: Read) {
        let partition = match read {
            Read::Refused(error_code) => FetchedPartition {
                partition_index: wanted.partition,
                error_code,
                high_watermark: -1,
                ..Default::default()
            },
            Read::Records {
                slice,
                high_watermark,
                log_start_offset,
            } => FetchedPartition {
                partition_index: wanted.partition,
                high_watermark,
                last_stable_offset: high_watermark,
                log_start_offset,
                aborted_transactions: self.terms.committed_only.then(Vec::new),
                records: self.splice(slice),
                ..Default::default()
            },
        };
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

    fn finish(self, session_id: i32) -> Reply<FetchResponse> {
        let body = FetchResponse {
            session_id,
            responses: self.topics,
            ..Default::default()
        };
        Reply::Answer {
            body,
            slices: self.slices,
        }
    }
}
