//! The task that sends: takes batches that are ready, at most one of a partition into a request, one request for all
//! partitions of a leader; settles batches when answers come, or sends them again.

mod identity;
mod idle;
mod lane;
mod missing;
mod packing;
mod request;
mod settle;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use kafkalite_link::Backoff;
use kafkalite_records::BatchBuilder;
use kafkalite_wire::api::produce::ProduceResponse;
use tokio::task::{self, JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

use super::accumulator::Accumulator;
use super::compressors::Compressors;
use super::sequences::Identity;
use super::shared::Shared;
use crate::cluster::{Lane as PoolLane, Metadata};
use crate::error::{ClientError, Result};
use identity::Idempotence;
use kafkalite_link::Connection;
use lane::{Lane, Readiness};
use request::{Parcel, Sent};

/// Runs until the producer is closed and then fails what is left.
pub(super) async fn run(shared: Arc<Shared>, compressors: Compressors, idempotent: bool) {
    let backoff = shared.cluster.retry_backoff();
    let mut sender = Sender {
        shared,
        compressors: Arc::new(compressors),
        idempotence: if idempotent {
            Idempotence::Wanted
        } else {
            Idempotence::Off
        },
        lanes: HashMap::new(),
        active: BTreeSet::new(),
        links: HashMap::new(),
        work: JoinSet::new(),
        requests: HashMap::new(),
        refreshing: false,
        refresh_wanted: false,
        backoff,
        look_at: Instant::now(),
        last_error: None,
    };
    sender.run().await;
}

/// A leader as the sender sees it.
#[derive(Debug, Default)]
struct Link {
    connection: Option<Arc<Connection>>,
    connecting: bool,
    in_flight: usize,
}

struct Sender {
    shared: Arc<Shared>,
    compressors: Arc<Compressors>,
    idempotence: Idempotence,
    /// By the numbers of their accumulators.
    lanes: HashMap<usize, Lane>,
    /// Lanes that may have something to send, or in flight.
    active: BTreeSet<usize>,
    links: HashMap<i32, Link>,
    work: JoinSet<Event>,
    /// What is in flight, by the task that waits for its answer: kept here, so that it is settled however that task ends.
    requests: HashMap<task::Id, (i32, Vec<Sent>)>,
    refreshing: bool,
    refresh_wanted: bool,
    /// Pauses between refreshes, and between requests for a producer id.
    backoff: Backoff,
    /// When to look for topics that are not used any more.
    look_at: Instant,
    /// What last went wrong that is not about a single batch; the reason, if time runs out.
    last_error: Option<ClientError>,
}

/// What a spawned piece of work brings back.
enum Event {
    Connected(i32, Result<Arc<Connection>>),
    /// The records that this lane waits for, and their builder; nothing if that failed.
    Compressed(usize, Option<(Bytes, BatchBuilder)>),
    Answered(Result<Option<ProduceResponse>>),
    Refreshed(Result<Arc<Metadata>>),
    Identified(Result<Identity>),
}

impl Sender {
    async fn run(&mut self) {
        while !self.shared.abort.load(Ordering::Acquire) {
            self.adopt_fresh();
            let now = Instant::now();
            let look_at = self.forget_idle(now);
            let wake_at = self.dispatch(now).map_or(look_at, |it| it.min(look_at));
            let shared = Arc::clone(&self.shared);
            tokio::select! {
                () = shared.intake.bell.rung() => {}
                () = sleep_until(wake_at) => {}
                Some(done) = self.work.join_next_with_id() => {
                    self.done(done);
                    while let Some(done) = self.work.try_join_next_with_id() {
                        self.done(done);
                    }
                }
            }
        }
    }

    /// Learns about partitions with something new.
    fn adopt_fresh(&mut self) {
        for accumulator in self.shared.intake.bell.take_fresh() {
            self.adopt(accumulator);
        }
    }

    fn adopt(&mut self, accumulator: Arc<Accumulator>) {
        let number = accumulator.lane;
        let backoff = || self.shared.cluster.retry_backoff();
        let lane = self.lanes.entry(number);
        lane.or_insert_with(|| Lane::new(accumulator, backoff()));
        self.active.insert(number);
    }

    /// The lane of something that was sent.
    fn lane(&mut self, number: usize) -> &mut Lane {
        self.lanes
            .get_mut(&number)
            .expect("a lane is kept while it has something in flight")
    }

    /// Sends everything that can be sent; when to look again at the latest.
    fn dispatch(&mut self, now: Instant) -> Option<Instant> {
        let mut wake_at = self.expire(now);
        if self.active.is_empty() {
            return wake_at;
        }
        let metadata = self.shared.cluster.metadata();
        if metadata.taken.elapsed() > self.shared.config.client.metadata_max_age {
            self.refresh_wanted = true;
        }
        if self.identified() {
            // One batch of a partition in each request, so several rounds fill the pipeline.
            while self.dispatch_round(now, &metadata, &mut wake_at) {}
        }
        self.refresh_if_wanted(&metadata);
        wake_at
    }

    fn dispatch_round(
        &mut self,
        now: Instant,
        metadata: &Metadata,
        wake_at: &mut Option<Instant>,
    ) -> bool {
        let hurry = self.shared.intake.bell.is_hurried();
        let linger = self.shared.config.linger;
        let mut parcels: HashMap<i32, Parcel> = HashMap::new();
        for index in self.active.iter().copied().collect::<Vec<_>>() {
            let Some(lane) = self.lanes.get_mut(&index) else {
                continue;
            };
            match lane.readiness(now, linger, hurry) {
                Readiness::Idle => {
                    self.active.remove(&index);
                    continue;
                }
                Readiness::Blocked => continue,
                Readiness::At(moment) => {
                    *wake_at = Some(wake_at.map_or(moment, |other| other.min(moment)));
                    continue;
                }
                Readiness::Ready => {}
            }
            let topic = &lane.accumulator.topic;
            let Some(leader) = metadata.partition(topic, lane.accumulator.partition).leader else {
                if metadata.lacks(topic) {
                    // What waits here was sent: the topic may come for it. Not if only the partition is missing, or one that
                    // is deleted when this is given up would be brought back.
                    self.shared.cluster.may_create(topic);
                }
                self.refresh_wanted = true;
                continue;
            };
            let parcel = parcels.entry(leader).or_default();
            if parcel.bytes < self.shared.config.max_request_size
                && let Some(connection) = self.link(leader)
            {
                self.pack(index, &connection, parcel, metadata);
            }
        }
        let mut progress = false;
        for (leader, parcel) in parcels {
            progress |= self.post(leader, parcel);
        }
        progress
    }

    /// The open connection to a leader that takes another request; if there is none yet, it is made.
    fn link(&mut self, leader: i32) -> Option<Arc<Connection>> {
        let link = self.links.entry(leader).or_default();
        if link.connecting || link.in_flight >= self.shared.config.max_in_flight {
            return None;
        }
        match &link.connection {
            Some(connection) if connection.is_open() => Some(Arc::clone(connection)),
            _ => {
                link.connecting = true;
                let shared = Arc::clone(&self.shared);
                self.work.spawn(async move {
                    let connected = shared.cluster.connection(leader, PoolLane::Produce).await;
                    if connected.is_err() {
                        // Not every failure takes time, and each is followed by another attempt.
                        sleep(shared.config.client.retry_backoff).await;
                    }
                    Event::Connected(leader, connected)
                });
                None
            }
        }
    }

    /// A piece of work has ended, with an event or without.
    fn done(&mut self, done: Result<(task::Id, Event), JoinError>) {
        match done {
            Ok((task, event)) => self.handle(task, event),
            // Nobody knows what became of it.
            Err(error) => {
                self.settle_request(error.id(), Err(ClientError::Closed("connection")));
            }
        }
    }

    fn settle_request(&mut self, task: task::Id, result: Result<Option<ProduceResponse>>) {
        if let Some((leader, sent)) = self.requests.remove(&task) {
            self.links.entry(leader).or_default().in_flight -= 1;
            self.answered(sent, result);
        }
    }

    fn handle(&mut self, task: task::Id, event: Event) {
        match event {
            Event::Connected(leader, result) => {
                let link = self.links.entry(leader).or_default();
                link.connecting = false;
                match result {
                    Ok(connection) => link.connection = Some(connection),
                    Err(error) => {
                        link.connection = None;
                        self.refresh_wanted = true;
                        self.note(error);
                    }
                }
            }
            Event::Answered(result) => self.settle_request(task, result),
            Event::Compressed(lane, content) => self.compressed(lane, content),
            Event::Refreshed(result) => {
                self.refreshing = false;
                match result {
                    Ok(metadata) => {
                        self.shared.topics.learn_all(&metadata);
                        for lane in self.lanes.values_mut() {
                            lane.learn(&metadata);
                        }
                        self.tell_of_missing(&metadata);
                    }
                    Err(error) => self.note(error),
                }
            }
            Event::Identified(Ok(identity)) => self.identified_as(identity),
            Event::Identified(Err(error)) => {
                if !error.retriable() {
                    self.fail_everything(&error);
                }
                self.note(error);
                let pause = self.backoff.failed();
                self.ask_for_identity(pause);
            }
        }
    }

    fn note(&mut self, error: ClientError) {
        tracing::debug!(%error, "producer meets an error");
        self.last_error = Some(error);
    }

    fn refresh_if_wanted(&mut self, seen: &Arc<Metadata>) {
        if !self.refresh_wanted || self.refreshing {
            return;
        }
        self.refresh_wanted = false;
        self.refreshing = true;
        // Leaders take a moment to move: a pause before each but the first refresh in a while.
        if seen.taken.elapsed() > self.shared.config.client.retry_backoff_max * 10 {
            self.backoff.succeeded();
        }
        let (shared, seen, pause) = (
            Arc::clone(&self.shared),
            Arc::clone(seen),
            self.backoff.failed(),
        );
        self.work.spawn(async move {
            sleep(pause).await;
            Event::Refreshed(shared.cluster.refresh(&seen).await)
        });
    }
}

impl Drop for Sender {
    /// However the task ends, nobody waits for a delivery in vain.
    fn drop(&mut self) {
        self.shared.closing.close();
        self.adopt_fresh();
        for accumulator in self.shared.topics.accumulators() {
            self.adopt(accumulator);
        }
        self.work.abort_all();
        let error = ClientError::Closed("producer");
        for (_, sent) in std::mem::take(&mut self.requests).into_values() {
            for sent in sent.iter().filter(|sent| !sent.expired) {
                self.fail(sent.lane, &sent.batch, error.clone());
            }
        }
        for index in self.lanes.keys().copied().collect::<Vec<_>>() {
            for batch in self.lane(index).shut() {
                self.fail(index, &batch, error.clone());
            }
        }
        self.shared.cluster.close();
    }
}
