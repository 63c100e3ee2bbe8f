//! `Fetch` · key 1 · versions 4–18, and 0–3 where `log.message.downconversion.enable` says so
//!
//! Behaviour: answers views of the segments' files, which the connection sends without reading them. Partitions get
//! their share of `max_bytes` in the order of the session or the request; the first batch found comes even if it is
//! larger (KIP-74), and comes whole if the offset lies inside of it. A partition whose first batch does not fit into what
//! is left gives nothing rather than a piece, over which Java's consumer fails. With less than `min_bytes` the request
//! waits for `max_wait_ms`, woken when enough has arrived, when a partition fails or goes away, or when the broker stops.
//! What no consumer asks, negative sizes, an isolation level that there is none of, as another broker's replica, is refused.
//! `read_committed` ends at the last stable offset, and names the aborted transactions whose records may be in the answer
//! (KIP-98); to `read_uncommitted` those are null. What waits counts what it may read.
//!
//! Who is refused for being wrong about the leader is told who leads, from version 16 (KIP-951).
//!
//! Version notes: 0 to 3 get [message sets](message_sets), by which the rest holds too, but for what waits: nothing but
//! records for brokers only is nothing. Sessions from 7 (KIP-227). Leader epochs from 9 (KIP-320). Topics are named by id from 13 (KIP-516).
//! Records are never null, which librdkafka rejects from 12; the preferred replica is always -1.

mod answer;
mod message_sets;
mod reading;
mod refusing;

use std::time::Duration;

use kafkalite_cluster::TopicKey;
use kafkalite_wire::{
    ErrorCode,
    api::fetch::{FetchRequest, FetchResponse},
};
use tokio::time::Instant;

use super::{Context, Reply, committed_only};
use crate::fetch_sessions::{Fetch, ReadOutcome, SessionError, SessionRequest, Wanted};
use reading::Read;

const FIRST_WITH_BATCHES: i16 = 4;
const FIRST_WITH_TOPIC_IDS: i16 = 13;

pub(super) async fn handle(context: &Context, request: FetchRequest) -> Reply<FetchResponse> {
    if context.api_version < FIRST_WITH_BATCHES {
        // Its state is large, and would be part of every fetch's.
        return Box::pin(message_sets::handle(context, request)).await;
    }
    let Some(committed_only) = committed_only(request.isolation_level) else {
        return refusing::unknown_isolation(context.api_version, request).into();
    };
    let terms = Terms::of(context, &request, committed_only);
    let fetch = match begin(context, request) {
        Ok(fetch) => fetch,
        Err(error) => return session_error(error).into(),
    };
    let reads = reading::read(context, &terms, fetch.wanted()).await;
    let outcomes: Vec<ReadOutcome> = reads.iter().map(Read::outcome).collect();
    match fetch.finish(
        &context.broker.fetch_sessions,
        &outcomes,
        context.broker.world.now_ms(),
    ) {
        Ok(answer) => answer::of(context, &terms, answer, reads),
        Err(error) => session_error(error).into(),
    }
}

/// What the request says about the answer as a whole.
struct Terms {
    deadline: Instant,
    min_bytes: usize,
    max_bytes: usize,
    committed_only: bool,
    /// Whether another broker asks, or says that it is one.
    as_replica: bool,
    /// What every partition is refused with.
    refusal: Option<ErrorCode>,
}

impl Terms {
    fn of(context: &Context, request: &FetchRequest, committed_only: bool) -> Self {
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
            committed_only,
            as_replica: refusing::is_replicas(request),
            refusal: refusing::all(request),
        }
    }
}

fn begin(context: &Context, request: FetchRequest) -> Result<Fetch, SessionError> {
    let uses_topic_ids = context.api_version >= FIRST_WITH_TOPIC_IDS;
    let key = |name: &str, id| TopicKey::of(uses_topic_ids, name, id);
    let mut wanted = Vec::new();
    for topic in request.topics {
        let key = key(&topic.topic, topic.topic_id);
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
        let key = key(&topic.topic, topic.topic_id);
        forgotten.extend(
            topic
                .partitions
                .into_iter()
                .map(|partition| (key.clone(), partition)),
        );
    }
    let session = SessionRequest {
        connection: context.connection.id,
        id: request.session_id,
        epoch: request.session_epoch,
        uses_topic_ids,
    };
    context
        .broker
        .fetch_sessions
        .begin(session, wanted, &forgotten, context.broker.world.now_ms())
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
