//! Fetches ahead from one leader, on a connection of its own: a fetch that waits for data would hold up other requests.

use std::sync::Arc;
use std::time::Duration;

use kafkalite_records::Decompressor;
use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::fetch::{FetchRequest, FetchResponse, FetchedPartition};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};

use super::decode::{Fetched, decode, extent};
use super::offsets::{Question, ask_leader};
use super::session::{Session, SessionRequest, Want};
use super::shared::{Plan, Shared};
use super::{StartAt, TopicPartition};
use crate::backoff::Backoff;
use crate::config::OffsetReset;
use crate::connection::{Connection, Reply};
use crate::error::{ClientError, Result, StaleMetadata};

/// The broker waits no longer than this for data while a partition is left out because its buffer is full: it may have
/// room again at any moment, and a request can't be taken back.
const WAIT_WHILE_FULL: Duration = Duration::from_millis(10);

/// A fetch that has been waiting this long is given up, with its connection, for a partition that is to be fetched anew.
const PATIENCE: Duration = Duration::from_millis(5);

pub(super) struct Fetcher {
    shared: Arc<Shared>,
    leader: i32,
    /// Told when there is something new to fetch.
    wake: Arc<Notify>,
    connection: Option<Connection>,
    session: Session,
    /// The session names topics by id.
    by_id: bool,
    backoff: Backoff,
    decompressor: Decompressor,
}

/// A fetch under way.
struct UnderWay {
    reply: Reply<FetchRequest>,
    generations: Vec<(TopicPartition, u64)>,
    since: Instant,
    /// The broker may hold it for longer than [`WAIT_WHILE_FULL`].
    is_long: bool,
}

impl Fetcher {
    pub(super) fn new(shared: Arc<Shared>, leader: i32, wake: Arc<Notify>) -> Self {
        let client = &shared.config.client;
        let backoff = Backoff::new(client.reconnect_backoff, client.reconnect_backoff_max);
        Self {
            shared,
            leader,
            wake,
            connection: None,
            session: Session::default(),
            by_id: false,
            backoff,
            decompressor: Decompressor::default(),
        }
    }

    pub(super) async fn run(mut self) {
        let mut fetched = Vec::new();
        loop {
            let plan = self.shared.plan(self.leader, Instant::now());
            if !plan.unresolved.is_empty() {
                self.decode(&mut fetched);
                self.resolve(plan.unresolved).await;
                continue;
            }
            let wake_at = plan.wake_at;
            let under_way = match self.fetch(plan).await {
                Ok(under_way) => under_way,
                Err((error, plan)) => {
                    self.decode(&mut fetched);
                    self.unreachable(&plan, error).await;
                    continue;
                }
            };
            // While the broker works on the next fetch.
            self.decode(&mut fetched);
            match under_way {
                Some(under_way) => fetched = self.answer(under_way).await,
                None => self.idle(wake_at).await,
            }
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
    async fn fetch(
        &mut self,
        plan: Plan,
    ) -> Result<Option<UnderWay>, (ClientError, Vec<(TopicPartition, u64)>)> {
        if plan.wanted.is_empty() {
            return Ok(None);
        }
        let generations: Vec<_> = plan
            .wanted
            .iter()
            .map(|(want, generation)| (want.of.clone(), *generation))
            .collect();
        let wanted = plan.wanted.into_iter().map(|(want, _)| want).collect();
        let is_long = !plan.some_full && self.shared.config.fetch_max_wait > WAIT_WHILE_FULL;
        match self.send(wanted, plan.some_full).await {
            Ok(reply) => Ok(Some(UnderWay {
                reply,
                generations,
                since: Instant::now(),
                is_long,
            })),
            Err(error) => Err((error, generations)),
        }
    }

    async fn send(&mut self, wanted: Vec<Want>, some_full: bool) -> Result<Reply<FetchRequest>> {
        let connection = match self.connection.take() {
            Some(connection) if connection.is_open() => connection,
            _ => {
                self.session.reset();
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
            self.session.reset();
        }
        let config = &self.shared.config;
        let max_wait = if some_full {
            config.fetch_max_wait.min(WAIT_WHILE_FULL)
        } else {
            config.fetch_max_wait
        };
        let SessionRequest {
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
            generations,
            since,
            is_long,
        } = under_way;
        let response = reply.response();
        tokio::pin!(response);
        let something_new = async {
            while !self
                .shared
                .plan(self.leader, Instant::now())
                .exceeds(&generations)
            {
                self.wake.notified().await;
            }
            sleep_until(since + PATIENCE).await;
        };
        let response = tokio::select! {
            biased;
            response = &mut response => response,
            () = something_new, if is_long => {
                self.connection = None;
                return Vec::new();
            }
        };
        match response {
            Ok(response) if response.error_code != ErrorCode::None => {
                self.refused(response.error_code).await;
                Vec::new()
            }
            Ok(response) => self.accept(response, &generations),
            Err(error) => {
                self.connection = None;
                self.unreachable(&generations, error).await;
                Vec::new()
            }
        }
    }

    /// The broker refused the request as a whole. Most often it forgot the session: the next request says everything. It
    /// follows after a pause, for a broker may refuse that as well.
    async fn refused(&mut self, code: ErrorCode) {
        self.session.reset();
        let subject = format!("broker {}", self.leader);
        self.shared
            .troubled(ClientError::broker("Fetch", subject, code, None));
        sleep(self.backoff.failed()).await;
    }

    /// Notes where to fetch on, so that the next fetch can go; what is left is decoding.
    fn accept(
        &mut self,
        response: FetchResponse,
        generations: &[(TopicPartition, u64)],
    ) -> Vec<Fetched> {
        self.session.answered(response.session_id);
        self.backoff.succeeded();
        self.shared.untroubled();
        let mut fetched = Vec::new();
        for topic in response.responses {
            for partition in topic.partitions {
                let index = partition.partition_index;
                let Some(of) = self
                    .session
                    .find(&topic.topic, topic.topic_id, index)
                    .map(|want| want.of.clone())
                else {
                    continue;
                };
                let Some((_, generation)) = generations.iter().find(|(other, _)| *other == of)
                else {
                    continue;
                };
                fetched.extend(self.accept_partition(of, *generation, partition));
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
                    Some((from, extent.bytes))
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
        let (from, whole) = walked??;
        bytes.truncate(whole);
        Some(Fetched {
            of,
            generation,
            from,
            high_watermark,
            bytes,
        })
    }

    fn decode(&mut self, fetched: &mut Vec<Fetched>) {
        let config = &self.shared.config;
        for fetched in fetched.drain(..) {
            let Fetched {
                of,
                generation,
                bytes,
                ..
            } = &fetched;
            let decoded = decode(
                &fetched,
                &mut self.decompressor,
                config.max_batch_bytes,
                config.check_crcs,
                |batch| {
                    self.shared
                        .fetched(of, *generation, |partition| partition.buffer(batch));
                },
            );
            self.shared.fetched(of, *generation, |partition| {
                partition.expected_done(bytes.len());
                if let Err(error) = decoded {
                    partition.halt(error);
                }
            });
        }
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
        match ask_leader(&self.shared.cluster, self.leader, &questions).await {
            Ok(answers) => {
                for (of, answer) in answers {
                    if let Some((_, generation)) =
                        generations.iter().find(|(other, _)| *other == of)
                    {
                        self.resolved(&of, *generation, answer);
                    }
                }
            }
            Err(error) => self.unreachable(&generations, error).await,
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
    async fn unreachable(&mut self, partitions: &[(TopicPartition, u64)], error: ClientError) {
        self.connection = None;
        let fatal = !error.retriable() && error.code().is_none();
        let now = Instant::now();
        for (of, generation) in partitions {
            if fatal {
                self.shared
                    .fetched(of, *generation, |partition| partition.halt(error.clone()));
            } else {
                self.shared.lost(of, *generation, now, error.clone());
            }
        }
        sleep(self.backoff.failed()).await;
    }
}
