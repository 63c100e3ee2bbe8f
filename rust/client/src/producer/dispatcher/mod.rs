//! What is sent when, and what becomes of it, as a pure state machine: events and time in; requests, questions and settlements
//! out. No clock, socket or task inside.
//!
//! It takes batches that are ready, at most one of a partition into a request, one request for all partitions of a leader;
//! settles batches when answers come, or sends them again. [`on`](Dispatcher::on) takes note of what happened,
//! [`dispatch`](Dispatcher::dispatch) does what can be done by now, [`next_effect`](Dispatcher::next_effect) hands out what comes
//! of both.
//!
//! With the threads that produce it shares what has to be looked at and changed in one step: it takes batches out of the
//! accumulators, and forgets topics that they do not use.

mod event;
mod identity;
mod idle;
mod lane;
mod link;
mod missing;
mod packing;
mod request;
mod settle;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use kafkalite_link::Backoff;
use kafkalite_wire::api::produce::ProduceResponse;
use kafkalite_world::Dice;
use tokio::time::Instant;

use super::accumulator::Accumulator;
use super::compressors::Compressors;
use super::topics::KnownTopics;
use crate::cluster::Metadata;
use crate::config::ProducerConfig;
use crate::error::{ClientError, Result};
pub(super) use event::{DispatcherEffect, DispatcherEvent, Settlement};
use identity::Idempotence;
use lane::{Lane, Readiness};
use link::{Link, Way};
pub(super) use request::Parcel;
use request::Sent;

#[derive(Debug)]
pub(super) struct Dispatcher {
    config: ProducerConfig,
    compressors: Arc<Compressors>,
    topics: Arc<KnownTopics>,
    /// What the cluster looks like.
    image: Arc<Metadata>,
    idempotence: Idempotence,
    /// By the numbers of their accumulators.
    lanes: BTreeMap<usize, Lane>,
    /// Lanes that may have something to send, or in flight.
    active: BTreeSet<usize>,
    /// By the numbers of the brokers.
    links: BTreeMap<i32, Link>,
    /// Counts connections.
    connections: u64,
    /// What is in flight, by the number of the request.
    requests: BTreeMap<u64, InFlight>,
    next_request: u64,
    refresh: Refresh,
    refresh_wanted: bool,
    /// Pauses between refreshes, and between requests for a producer id.
    backoff: Backoff,
    /// When to look for topics that are not used any more.
    look_at: Instant,
    /// What last went wrong that is not about a single batch; the reason, if time runs out.
    last_error: Option<ClientError>,
    /// For the jitter of pauses.
    dice: Dice,
    effects: VecDeque<DispatcherEffect>,
    /// When the event at hand happened.
    now: Instant,
    /// When to look again at the latest.
    wake_at: Instant,
}

/// A request that is not answered, or whose answer came before that of an earlier one.
#[derive(Debug)]
struct InFlight {
    leader: i32,
    /// The number of the connection that it went over.
    connection: u64,
    sent: Vec<Sent>,
    answer: Option<Result<Option<ProduceResponse>>>,
}

/// A look at the cluster.
#[derive(Debug)]
enum Refresh {
    /// None is under way.
    Resting,
    /// At this moment, unless somebody has by then since this image was taken.
    At(Instant, Arc<Metadata>),
    /// It is asked.
    Asked,
}

impl Dispatcher {
    pub(super) fn new(
        config: ProducerConfig,
        compressors: Arc<Compressors>,
        topics: Arc<KnownTopics>,
        image: Arc<Metadata>,
        idempotent: bool,
        dice: Dice,
        now: Instant,
    ) -> Self {
        Self {
            compressors,
            topics,
            image,
            idempotence: if idempotent {
                Idempotence::Wanted(now)
            } else {
                Idempotence::Off
            },
            lanes: BTreeMap::new(),
            active: BTreeSet::new(),
            links: BTreeMap::new(),
            connections: 0,
            requests: BTreeMap::new(),
            next_request: 0,
            refresh: Refresh::Resting,
            refresh_wanted: false,
            backoff: retry_backoff(&config, &dice),
            look_at: now,
            last_error: None,
            dice,
            effects: VecDeque::new(),
            now,
            wake_at: now,
            config,
        }
    }

    /// What the cluster looked like when it was last told.
    pub(super) fn image(&self) -> &Arc<Metadata> {
        &self.image
    }

    /// The next thing to be done.
    pub(super) fn next_effect(&mut self) -> Option<DispatcherEffect> {
        self.effects.pop_front()
    }

    fn want(&mut self, effect: DispatcherEffect) {
        self.effects.push_back(effect);
    }

    /// Takes note of what happened.
    pub(super) fn on(&mut self, event: DispatcherEvent, now: Instant) {
        self.now = now;
        match event {
            DispatcherEvent::Fresh(accumulator) => self.adopt(accumulator),
            DispatcherEvent::Image(image) => self.learn(image),
            DispatcherEvent::Connected(leader, result) => self.connected(leader, result),
            DispatcherEvent::Lost(leader) => self.links.entry(leader).or_default().lost(),
            DispatcherEvent::Answered {
                request,
                answer,
                now_ms,
            } => self.settle_requests(request, answer, now_ms),
            DispatcherEvent::Compressed(lane, content) => self.compressed(lane, content),
            DispatcherEvent::Refreshed(result) => {
                self.refresh = Refresh::Resting;
                if let Err(error) = result {
                    self.note(error);
                }
            }
            DispatcherEvent::Identified(Ok(identity)) => self.identified_as(identity),
            DispatcherEvent::Identified(Err(error)) => self.unidentified(error),
            DispatcherEvent::Ended => self.end(),
        }
    }

    fn adopt(&mut self, accumulator: Arc<Accumulator>) {
        let number = accumulator.lane;
        let lane = self.lanes.entry(number);
        lane.or_insert_with(|| {
            let backoff = retry_backoff(&self.config, &self.dice);
            Lane::new(accumulator, &self.image, backoff)
        });
        self.active.insert(number);
    }

    fn learn(&mut self, image: Arc<Metadata>) {
        self.topics.learn_all(&image);
        for lane in self.lanes.values_mut() {
            lane.learn(&image);
        }
        self.image = image;
    }

    fn connected(&mut self, leader: i32, result: Result<()>) {
        let link = self.links.entry(leader).or_default();
        match result {
            Ok(()) => {
                self.connections += 1;
                link.opened(self.connections);
            }
            Err(error) => {
                // Not every failure takes time, and each is followed by another attempt.
                link.failed(self.now + self.config.client.retry_backoff);
                self.refresh_wanted = true;
                self.note(error);
            }
        }
    }

    /// Settles what is answered, in the order of sending, which is that of the answers on a connection, whichever is told
    /// first. Otherwise the place of a request could be taken while one from before it is still to be sent again: by then the
    /// broker would have had more batches than it remembers, and take that for a gap.
    fn settle_requests(
        &mut self,
        request: u64,
        answer: Result<Option<ProduceResponse>>,
        now_ms: i64,
    ) {
        let Some(told) = self.requests.get_mut(&request) else {
            return;
        };
        told.answer = Some(answer);
        let connection = told.connection;
        loop {
            let mut requests = self.requests.iter_mut();
            let first = requests.find(|(_, request)| request.connection == connection);
            let Some((number, Some(answer))) =
                first.map(|(number, request)| (*number, request.answer.take()))
            else {
                return;
            };
            if let Some(InFlight { leader, sent, .. }) = self.requests.remove(&number) {
                self.links.entry(leader).or_default().in_flight -= 1;
                self.answered(sent, answer, now_ms);
            }
        }
    }

    fn note(&mut self, error: ClientError) {
        tracing::debug!(%error, "producer meets an error");
        self.last_error = Some(error);
    }

    /// The lane of something that was sent.
    fn lane(&mut self, number: usize) -> &mut Lane {
        self.lanes
            .get_mut(&number)
            .expect("a lane is kept while it has something in flight")
    }

    /// Sends everything that can be sent; when to look again at the latest. `hurry`: nothing lingers.
    pub(super) fn dispatch(&mut self, now: Instant, hurry: bool) -> Instant {
        self.now = now;
        self.forget_idle();
        self.wake_at = self.look_at;
        self.expire();
        if !self.active.is_empty() {
            if now.saturating_duration_since(self.image.taken) > self.config.client.metadata_max_age
            {
                self.refresh_wanted = true;
            }
            if self.identified() {
                // One batch of a partition in each request, so several rounds fill the pipeline.
                while self.dispatch_round(hurry) {}
            }
        }
        self.refresh_if_wanted();
        self.wake_at
    }

    fn wake_by(&mut self, moment: Instant) {
        self.wake_at = self.wake_at.min(moment);
    }

    fn dispatch_round(&mut self, hurry: bool) -> bool {
        let mut parcels: BTreeMap<(i32, u64), Parcel> = BTreeMap::new();
        for index in self.active.iter().copied().collect::<Vec<_>>() {
            let Some(lane) = self.lanes.get_mut(&index) else {
                continue;
            };
            match lane.readiness(self.now, self.config.linger, hurry) {
                Readiness::Idle => {
                    self.active.remove(&index);
                    continue;
                }
                Readiness::Blocked => continue,
                Readiness::At(moment) => {
                    self.wake_by(moment);
                    continue;
                }
                Readiness::Ready => {}
            }
            let (topic, partition) = (&lane.accumulator.topic, lane.accumulator.partition);
            let Some(leader) = self.image.partition(topic, partition).leader else {
                if self.image.lacks(topic) {
                    // What waits here was sent: the topic may come for it. Not if only the partition is missing, or one that
                    // is deleted when this is given up would be brought back.
                    let topic = Arc::clone(topic);
                    self.want(DispatcherEffect::MayCreate(topic));
                }
                self.refresh_wanted = true;
                continue;
            };
            let Some(connection) = self.link(leader) else {
                continue;
            };
            let parcel = parcels.entry((leader, connection)).or_default();
            if parcel.bytes < self.config.max_request_size {
                self.pack(index, connection, parcel);
            }
        }
        let mut progress = false;
        for ((leader, connection), parcel) in parcels {
            progress |= self.post(leader, connection, parcel);
        }
        progress
    }

    /// The open connection to a leader that takes another request; if there is none yet, it is made.
    fn link(&mut self, leader: i32) -> Option<u64> {
        let link = self.links.entry(leader).or_default();
        match link.way(self.now, self.config.max_in_flight) {
            Way::Open(connection) => return Some(connection),
            Way::Missing => {
                link.connecting();
                self.want(DispatcherEffect::Connect(leader));
            }
            Way::At(moment) => self.wake_by(moment),
            Way::Blocked => {}
        }
        None
    }

    fn refresh_if_wanted(&mut self) {
        if self.refresh_wanted && matches!(self.refresh, Refresh::Resting) {
            self.refresh_wanted = false;
            // Leaders take a moment to move: a pause before each but the first refresh in a while.
            let age = self.now.saturating_duration_since(self.image.taken);
            if age > self.config.client.retry_backoff_max * 10 {
                self.backoff.succeeded();
            }
            let pause = self.backoff.failed();
            self.refresh = Refresh::At(self.now + pause, Arc::clone(&self.image));
        }
        if let Refresh::At(moment, seen) = &self.refresh {
            if *moment > self.now {
                self.wake_by(*moment);
            } else {
                let seen = Arc::clone(seen);
                self.refresh = Refresh::Asked;
                self.want(DispatcherEffect::Refresh(seen));
            }
        }
    }

    /// However it ends, nobody waits for a delivery in vain.
    fn end(&mut self) {
        for accumulator in self.topics.accumulators() {
            self.adopt(accumulator);
        }
        let error = ClientError::Closed("producer");
        for request in std::mem::take(&mut self.requests).into_values() {
            for sent in request.sent.iter().filter(|sent| !sent.expired) {
                self.fail(sent.lane, &sent.batch, error.clone());
            }
        }
        for index in self.lanes.keys().copied().collect::<Vec<_>>() {
            for batch in self.lane(index).shut() {
                self.fail(index, &batch, error.clone());
            }
        }
    }
}

fn retry_backoff(config: &ProducerConfig, dice: &Dice) -> Backoff {
    let (first, longest) = (config.client.retry_backoff, config.client.retry_backoff_max);
    Backoff::new(first, longest, dice.rng())
}
