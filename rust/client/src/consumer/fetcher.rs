//! Fetches ahead from one leader, on a connection of its own: a fetch that waits for data would hold up other requests.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kafkalite_link::Backoff;
use kafkalite_names::TopicPartition;
use kafkalite_records::Decompressor;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::fetch::{FetchRequest, FetchResponse, FetchedPartition};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::StartAt;
use super::asked::Asked;
use super::buffering::buffer;
use super::decode::{Fetched, extent};
use super::offsets::{Question, ask_leader};
use super::plan::Plan;
use super::session::{FetcherSession, FetcherSessionRequest, Want};
use super::shared::ConsumerShared;
use crate::cluster::Purpose;
use crate::config::OffsetReset;
use crate::error::{ClientError, Result, StaleMetadata};
use kafkalite_link::{Connection, PendingReply};

/// A fetch that has been waiting this long is given up, with its connection, for a partition that is to be fetched anew.
const PATIENCE: Duration = Duration::from_millis(5);

/// How long giving back a session may take: a broker forgets it anyway when it has rested for long.
const FAREWELL: Duration = Duration::from_secs(1);

pub(super) struct Fetcher {
    shared: Arc<ConsumerShared>,
    leader: i32,
    /// Told when there is something new to fetch.
    wake: Arc<Notify>,
    connection: Option<Connection>,
    session: FetcherSession,
    /// The session names topics by id.
    by_id: bool,
    backoff: Backoff,
    /// When the broker, which counts what each client asks of it, is to be asked again (KIP-219).
    throttled_until: Option<Instant>,
    decompressor: Decompressor,
}

/// A fetch under way.
struct UnderWay {
    reply: PendingReply<FetchRequest>,
    asked: Asked,
    since: Instant,
    /// The broker may hold it for long.
    is_long: bool,
}

impl Fetcher {
    pub(super) fn new(shared: Arc<ConsumerShared>, leader: i32, wake: Arc<Notify>) -> Self {
        Self {
            backoff: shared.cluster.reconnect_backoff(),
            shared,
            leader,
            wake,
            connection: None,
            session: FetcherSession::default(),
            by_id: false,
            throttled_until: None,
            decompressor: Decompressor::default(),
        }
    }

    /// Fetches until the consumer is closed.
    pub(super) async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        tokio::select! {
            () = self.fetch_on() => {}
            () = shared.closing.closed() => {}
        }
        self.give_back_session().await;
    }

    async fn fetch_on(&mut self) {
        let mut fetched = Vec::new();
        loop {
            let plan = self.shared.plan(self.leader, Instant::now());
            if !plan.unresolved.is_empty() {
                self.buffer(&mut fetched).await;
                self.resolve(plan.unresolved).await;
                continue;
            }
            let wake_at = plan.wake_at;
            let under_way = match self.fetch(plan).await {
                Ok(under_way) => under_way,
                Err((error, asked)) => {
                    self.buffer(&mut fetched).await;
                    self.unreachable(asked.iter(), error).await;
                    continue;
                }
            };
            // While the broker works on the next fetch.
            self.buffer(&mut fetched).await;
            match under_way {
                Some(under_way) => fetched = self.answer(under_way).await,
                None => self.idle(wake_at).await,
            }
        }
    }

    /// Has the broker forget the session, so that another client can have its place (KIP-227).
    async fn give_back_session(&mut self) {
        let is_reached = self.connection.as_ref().is_some_and(Connection::is_open);
        let Some(FetcherSessionRequest { id, epoch, .. }) = self.session.last_request() else {
            return;
        };
        if !is_reached {
            return;
        }
        let (cluster, leader) = (&self.shared.cluster, self.leader);
        let given_back = async {
            // Not over its own connection, which may be held up by a fetch that waits for data.
            let connection = cluster.connection(leader, Purpose::Ask).await?;
            let request = FetchRequest {
                session_id: id,
                session_epoch: epoch,
                ..FetchRequest::default()
            };
            Ok::<_, ClientError>(connection.call(&request, FAREWELL).await?)
        };
        match timeout(FAREWELL, given_back).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!(leader, %error, "a fetch session is not given back"),
            Err(_) => tracing::debug!(leader, "a fetch session is not given back in time"),
        }
    }

    async fn idle(&mut self, wake_at: Option<Instant>) {
        match wake_at {
            Some(moment) => tokio::select! {
                () = self.wake.notified() => {}
                () = sleep_until(moment) => {}
            },
            None => self.wake.notified().await,
        }
    }

    /// Sends a fetch for what is planned, if anything is.
    async fn fetch(&mut self, plan: Plan) -> Result<Option<UnderWay>, (ClientError, Asked)> {
        if plan.wanted.is_empty() {
            return Ok(None);
        }
        if let Some(moment) = self.throttled_until.take() {
            sleep_until(moment).await;
        }
        let asked = Asked::new(&plan.wanted);
        let (is_long, max_wait) = (plan.is_long(), plan.max_wait);
        let wanted = plan.wanted.into_iter().map(|(want, _)| want).collect();
        match self.send(wanted, max_wait).await {
            Ok(reply) => Ok(Some(UnderWay {
                reply,
                asked,
                since: Instant::now(),
                is_long,
            })),
            Err(error) => Err((error, asked)),
        }
    }

    async fn send(
        &mut self,
        wanted: Vec<Want>,
        max_wait: Duration,
    ) -> Result<PendingReply<FetchRequest>> {
        let connection = match self.connection.take() {
            Some(connection) if connection.is_open() => connection,
            _ => {
                // Which of the requests before reached the broker is not known.
                self.session.restart();
                self.shared.cluster.dedicated(self.leader).await?
            }
        };
        let mut version = connection.version::<FetchRequest>()?;
        let by_id = version >= 13 && wanted.iter().all(|want| !want.topic_id.is_nil());
        if !by_id {
            version = version.min(12);
        }
        if by_id != self.by_id {
            self.by_id = by_id;
            self.session.restart();
        }
        let config = &self.shared.config;
        let FetcherSessionRequest {
            id,
            epoch,
            topics,
            forgotten,
        } = self.session.request(wanted);
        let request = FetchRequest {
            max_wait_ms: max_wait.as_millis() as i32,
            min_bytes: config.fetch_min_bytes,
            max_bytes: config.fetch_max_bytes,
            session_id: id,
            session_epoch: epoch,
            topics,
            forgotten_topics_data: forgotten,
            ..FetchRequest::default()
        };
        let timeout = config.client.request_timeout + max_wait;
        let reply = connection.send_spliced(&request, version, &[], timeout)?;
        self.connection = Some(connection);
        Ok(reply)
    }

    /// Waits for the answer, unless something else is to be fetched and the broker is only waiting for data.
    async fn answer(&mut self, under_way: UnderWay) -> Vec<Fetched> {
        let UnderWay {
            reply,
            asked,
            since,
            is_long,
        } = under_way;
        let response = reply.response();
        tokio::pin!(response);
        let something_urgent = async {
            while !self.shared.is_urgent(self.leader, Instant::now()) {
                self.wake.notified().await;
            }
            sleep_until(since + PATIENCE).await;
        };
        let response = tokio::select! {
            biased;
            response = &mut response => response,
            () = something_urgent, if is_long => {
                self.connection = None;
                return Vec::new();
            }
        };
        match response {
            Ok(response) if response.error_code != ErrorCode::None => {
                self.refused(response.error_code).await;
                Vec::new()
            }
            Ok(response) => self.accept(response, &asked),
            Err(error) => {
                self.connection = None;
                self.unreachable(asked.iter(), error.into()).await;
                Vec::new()
            }
        }
    }

    /// The broker refused the request as a whole. Most often it forgot the session: the next request says everything. One
    /// that said everything already is made again after a pause.
    async fn refused(&mut self, code: ErrorCode) {
        let was_full = self.session.is_full();
        self.session.refused(code);
        if was_full || !is_about_session(code) {
            let subject = format!("broker {}", self.leader);
            self.shared
                .troubled(ClientError::broker("Fetch", subject, code, None));
            sleep(self.backoff.failed()).await;
        }
    }

    /// Notes where to fetch on, so that the next fetch can go; what is left is decoding.
    fn accept(&mut self, response: FetchResponse, asked: &Asked) -> Vec<Fetched> {
        self.session.answered(response.session_id);
        self.backoff.succeeded();
        self.shared.untroubled();
        if let Ok(pause @ 1..) = u64::try_from(response.throttle_time_ms) {
            self.throttled_until = Some(Instant::now() + Duration::from_millis(pause));
        }
        let mut fetched = Vec::new();
        for topic in response.responses {
            let Some(name) = asked.topic(&topic.topic, topic.topic_id) else {
                continue;
            };
            for partition in topic.partitions {
                let of = TopicPartition::new(Arc::clone(&name), partition.partition_index);
                if let Some(generation) = asked.generation(&of) {
                    fetched.extend(self.accept_partition(of, generation, partition));
                }
            }
        }
        fetched
    }

    fn accept_partition(
        &self,
        of: TopicPartition,
        generation: u64,
        partition: FetchedPartition,
    ) -> Option<Fetched> {
        let now = Instant::now();
        match partition.error_code {
            ErrorCode::None => {}
            ErrorCode::OffsetOutOfRange => {
                let reset = self.shared.config.auto_offset_reset;
                self.shared.fetched(&of, generation, |partition| {
                    partition.out_of_range(&of, reset);
                });
                return None;
            }
            code => {
                let error = ClientError::broker("Fetch", of.to_string(), code, None);
                if code.stale_metadata() {
                    self.shared.lost(&of, generation, now, error);
                } else if code.is_retriable() {
                    self.shared.fetched(&of, generation, |partition| {
                        partition.pause_after_error(now);
                    });
                    self.shared.troubled(error);
                } else {
                    self.shared
                        .fetched(&of, generation, |partition| partition.halt(error));
                }
                return None;
            }
        }
        let mut bytes = partition.records.into_bytes();
        let high_watermark = partition.high_watermark;
        let walked = self.shared.fetched(&of, generation, |state| {
            state.high_watermark = Some(high_watermark);
            let from = state.fetch_offset.filter(|_| !bytes.is_empty())?;
            match extent(&bytes, from) {
                Ok(extent) => {
                    state.expect(extent.next, extent.bytes);
                    Some((from, extent))
                }
                Err(source) => {
                    let (topic, partition) = (of.topic.clone(), of.partition);
                    state.halt(ClientError::Records {
                        topic,
                        partition,
                        offset: from,
                        source,
                    });
                    None
                }
            }
        });
        let (from, extent) = walked??;
        bytes.truncate(extent.bytes);
        Some(Fetched {
            of,
            generation,
            from,
            high_watermark,
            bytes,
            is_compressed: extent.is_compressed,
        })
    }

    /// Empties `fetched` into the partitions' buffers.
    async fn buffer(&mut self, fetched: &mut Vec<Fetched>) {
        let fetched = std::mem::take(fetched);
        buffer(&self.shared, fetched, &mut self.decompressor).await;
    }

    /// Asks for the offsets where partitions start.
    async fn resolve(&mut self, unresolved: Vec<(TopicPartition, StartAt, i32, u64)>) {
        let reset = self.shared.config.auto_offset_reset;
        let mut questions: Vec<Question> = Vec::new();
        let mut generations = Vec::new();
        for (of, start, leader_epoch, generation) in unresolved {
            match start.question(reset) {
                Some(timestamp) => {
                    questions.push((of.clone(), leader_epoch, timestamp));
                    generations.push((of, generation));
                }
                // There is no position, and none may be chosen.
                None => {
                    self.shared.fetched(&of, generation, |partition| {
                        partition.out_of_range(&of, OffsetReset::None);
                    });
                }
            }
        }
        if questions.is_empty() {
            return;
        }
        match ask_leader(&self.shared.cluster, self.leader, &questions).await {
            Ok(answers) => {
                let mut answers: HashMap<_, _> = answers.into_iter().collect();
                for (of, generation) in &generations {
                    let answer = answers.remove(of).unwrap_or_else(|| Err(unanswered(of)));
                    self.resolved(of, *generation, answer);
                }
            }
            Err(error) => {
                let asked = generations.iter().map(|(of, generation)| (of, *generation));
                self.unreachable(asked, error).await;
            }
        }
    }

    fn resolved(
        &self,
        of: &TopicPartition,
        generation: u64,
        answer: Result<Option<super::OffsetAndTimestamp>>,
    ) {
        match answer {
            Ok(Some(found)) => {
                self.shared
                    .fetched(of, generation, |partition| partition.resolved(found.offset));
            }
            // Every record is older than the time asked for: what comes next is not.
            Ok(None) => {
                self.shared
                    .fetched(of, generation, |partition| partition.start = StartAt::End);
            }
            Err(error) if error.stale_metadata() || error.retriable() => {
                self.shared.lost(of, generation, Instant::now(), error);
            }
            Err(error) => {
                self.shared
                    .fetched(of, generation, |partition| partition.halt(error));
            }
        }
    }

    /// The leader can't be reached: the cluster is asked whether it still leads, and it is tried again after a pause.
    async fn unreachable(
        &mut self,
        partitions: impl Iterator<Item = (&TopicPartition, u64)>,
        error: ClientError,
    ) {
        self.connection = None;
        let fatal = !error.retriable() && error.code().is_none();
        let now = Instant::now();
        for (of, generation) in partitions {
            if fatal {
                self.shared
                    .fetched(of, generation, |partition| partition.halt(error.clone()));
            } else {
                self.shared.lost(of, generation, now, error.clone());
            }
        }
        sleep(self.backoff.failed()).await;
    }
}

/// Whether a request that says everything is likely to succeed at once.
fn is_about_session(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::FetchSessionIdNotFound
            | ErrorCode::InvalidFetchSessionEpoch
            | ErrorCode::FetchSessionTopicIdError
    )
}

/// The error of a question that the leader's answer leaves out: whoever leads is asked again.
fn unanswered(of: &TopicPartition) -> ClientError {
    let detail = Some("the answer leaves it out".to_owned());
    ClientError::broker(
        "ListOffsets",
        of.to_string(),
        ErrorCode::OffsetNotAvailable,
        detail,
    )
}
