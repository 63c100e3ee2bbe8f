//! A dispatcher, threads that produce, brokers, and what is between them, in a time of their own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use kafkalite_records::BatchBuilder;
use kafkalite_wire::api::produce::ProduceResponse;
use kafkalite_world::{Dice, ManualClock};
use tokio::time::Instant;

use super::brokers::{Brokers, Of, PARTITIONS, TOPICS};
use super::watch::Watch;
use super::wires::{Posted, Wire};
use super::{
    Budget, Compressors, Delivery, Dispatcher, DispatcherEffect, DispatcherEvent, Intake,
    KnownTopics, ProducerRecord,
};
use crate::cluster::{Cluster, Metadata};
use crate::config::ProducerConfig;
use crate::error::Result;

pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_millis(500);
pub(super) const BUFFER: usize = 1 << 30;

/// What is different from run to run.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) config: ProducerConfig,
    /// The version of `Produce`: by names up to 12, by ids from 13.
    pub(super) version: i16,
    pub(super) is_strict: bool,
    pub(super) largest_batch: usize,
    /// Bytes of a record's padding, at the most.
    pub(super) padding: usize,
    pub(super) first_epoch: i16,
    /// What was sent over a connection that is given up may arrive later.
    pub(super) has_strays: bool,
    /// What happens most often of all that may.
    pub(super) theme: usize,
}

pub(super) struct World {
    pub(super) dice: Rng,
    pub(super) now: Instant,
    pub(super) plan: Plan,
    pub(super) dispatcher: Dispatcher,
    pub(super) topics: Arc<KnownTopics>,
    pub(super) intake: Intake,
    pub(super) budget: Budget,
    pub(super) compressors: Arc<Compressors>,
    /// Keeps interests; it is asked nothing.
    pub(super) cluster: Cluster,
    pub(super) brokers: Brokers,
    /// The cluster as it was lately.
    pub(super) images: Vec<Arc<Metadata>>,
    /// What the dispatcher wants to know.
    pub(super) questions: Vec<DispatcherEffect>,
    /// The open connections, with their numbers.
    pub(super) wires: BTreeMap<i32, (u64, Wire)>,
    pub(super) connections: u64,
    pub(super) ids: i64,
    /// What is on its way to leaders over connections that are given up.
    pub(super) strays: Vec<(i32, Wire)>,
    /// Leaders whose connections have ended, which is not told yet.
    pub(super) lost: Vec<i32>,
    /// Answers, which are not told yet.
    pub(super) arrivals: Vec<(u64, Result<Option<ProduceResponse>>)>,
    pub(super) is_hurried: bool,
    pub(super) wake_at: Instant,
    pub(super) watch: Watch,
    pub(super) records: Vec<Record>,
    pub(super) next_number: u64,
    pub(super) has_ended: bool,
}

/// What was given to the producer at once.
pub(super) struct Record {
    pub(super) of: Of,
    pub(super) numbers: Vec<u64>,
    pub(super) delivery: Delivery,
    pub(super) at: Instant,
}

impl World {
    pub(super) fn new(plan: Plan, mut dice: Rng) -> Self {
        let config = &plan.config;
        let now = Instant::now() + Duration::from_hours(1);
        let compressors = Compressors::new(config.compression, None).unwrap();
        let compressors = Arc::new(compressors);
        let topics = Arc::new(KnownTopics::new(Dice::seeded(dice.u64(..))));
        let is_idempotent = config.idempotent().unwrap();
        let brokers = Brokers::new(plan.largest_batch, plan.is_strict, &mut dice);
        let dispatcher = Dispatcher::new(
            config.clone(),
            Arc::clone(&compressors),
            Arc::clone(&topics),
            brokers.image(now),
            is_idempotent,
            Dice::seeded(dice.u64(..)),
            now,
        );
        Self {
            images: vec![brokers.image(now)],
            intake: Intake::new(config.batch_size, ManualClock::at(0)),
            cluster: Cluster::new(config.client.clone(), &Dice::seeded(1)).unwrap(),
            watch: Watch::new(is_idempotent, config.max_in_flight, config.max_request_size),
            budget: Budget::new(BUFFER),
            dispatcher,
            topics,
            compressors,
            brokers,
            plan,
            dice,
            now,
            questions: Vec::new(),
            wires: BTreeMap::new(),
            connections: 0,
            ids: 0,
            strays: Vec::new(),
            lost: Vec::new(),
            arrivals: Vec::new(),
            is_hurried: false,
            wake_at: now,
            records: Vec::new(),
            next_number: 0,
            has_ended: false,
        }
    }

    pub(super) fn one_in(&mut self, count: usize) -> bool {
        self.dice.usize(..count) == 0
    }

    /// One thing that may happen next.
    pub(super) fn step(&mut self) {
        match self.dice.usize(..30) {
            0..=6 => self.produce(),
            7..=11 => self.serve(true),
            12..=15 => self.answer(),
            16..=19 => self.tell(),
            20..=22 => self.resolve(true),
            23 => self.wait(self.wake_at),
            24 if self.one_in(6) => self.pass(1000..5000),
            24 => self.pass(1..40),
            25 | 26 => self.disturb(),
            27 => self.serve_strays(),
            28 => self.is_hurried = self.dice.bool(),
            29 if self.one_in(8) => self.rest(),
            _ => {}
        }
        if self.dice.usize(..4) > 0 {
            self.dispatch();
        }
    }

    pub(super) fn produce(&mut self) {
        for _ in 0..self.dice.usize(1..5) {
            let of = (
                TOPICS[self.dice.usize(..TOPICS.len())],
                self.dice.usize(..PARTITIONS),
            );
            let count = if self.one_in(8) {
                self.dice.usize(1..4)
            } else {
                0
            };
            self.send(of, count);
        }
    }

    /// Gives a record to the producer, as its threads do; or a set of so many.
    pub(super) fn send(&mut self, of: Of, set: usize) {
        let topic = self.topics.get(of.0).unwrap_or_else(|| {
            let image = self.brokers.image(self.now);
            let interest = self.cluster.interest(&of.0.into());
            self.topics.learn(&image.topics[of.0], interest)
        });
        topic.note_use();
        let partition = Some(of.1 as i32);
        let accumulator = topic
            .choose(partition, None, self.plan.config.partitioner)
            .unwrap();
        let numbers: Vec<_> = (self.next_number..).take(set.max(1)).collect();
        self.next_number += numbers.len() as u64;
        let values: Vec<_> = numbers
            .iter()
            .map(|number| {
                let mut value = number.to_be_bytes().to_vec();
                let padding = self.dice.usize(..=self.plan.padding);
                value.extend(std::iter::repeat_with(|| self.dice.u8(..)).take(padding));
                value
            })
            .collect();
        let record = |value| ProducerRecord {
            value: Some(value),
            ..ProducerRecord::default()
        };
        let size = values.iter().map(|value| record(value).size()).sum();
        assert!(self.budget.reserve(size));
        let now = self.now;
        let delivery = if set > 0 {
            let mut builder = BatchBuilder::new(1 << 20);
            for value in &values {
                assert!(builder.try_append(0, None, Some(value), &[]));
            }
            accumulator.append_set(&self.intake, builder, size, 0, now)
        } else {
            accumulator.append(&self.intake, &record(&values[0]), 0, size, || now)
        };
        self.records.push(Record {
            of,
            numbers,
            delivery: delivery.unwrap(),
            at: now,
        });
    }

    pub(super) fn adopt_fresh(&mut self) {
        for accumulator in self.intake.bell.take_fresh() {
            self.dispatcher
                .on(DispatcherEvent::Fresh(accumulator), self.now);
        }
    }

    pub(super) fn dispatch(&mut self) {
        self.adopt_fresh();
        for leader in std::mem::take(&mut self.lost) {
            self.dispatcher.on(DispatcherEvent::Lost(leader), self.now);
        }
        self.wake_at = self.dispatcher.dispatch(self.now, self.is_hurried);
        assert!(self.wake_at > self.now, "it wants to be woken in the past");
        self.carry_out();
        let limit = self.plan.config.delivery_timeout;
        let compressing = self.dispatcher.lanes.values();
        let compressing: Vec<_> = compressing
            .filter(|lane| lane.compressing.is_some())
            .map(|lane| &*lane.accumulator.topic)
            .collect();
        let mut all_done = true;
        for record in &self.records {
            let is_done = record.delivery.is_done();
            all_done &= is_done;
            assert!(
                is_done || record.at + limit > self.now || compressing.contains(&record.of.0),
                "{:?} waits for longer than it may",
                record.numbers
            );
        }
        assert!(all_done || !self.is_drained(), "a flush would not wait");
    }

    pub(super) fn carry_out(&mut self) {
        while let Some(effect) = self.dispatcher.next_effect() {
            match effect {
                DispatcherEffect::Send {
                    request,
                    leader,
                    parcel,
                } => {
                    let posted = Posted::new(request, parcel, self.plan.version, self.now);
                    let (connection, wire) = self.wires.get_mut(&leader).expect("it is open");
                    let over = (leader, *connection);
                    self.watch.sent(&posted, over, &self.brokers);
                    wire.requests.push_back(posted);
                }
                DispatcherEffect::Connect(leader) => {
                    assert!(!self.wires.contains_key(&leader), "it is connected");
                    self.questions.push(effect);
                }
                DispatcherEffect::Refresh(_)
                | DispatcherEffect::Identify
                | DispatcherEffect::Compress(..) => {
                    self.questions.push(effect);
                }
                DispatcherEffect::Opened(place) => self.intake.ledger.opened(place),
                DispatcherEffect::Settle(settlement) => {
                    self.intake.ledger.settled(settlement.place);
                    self.budget.release(settlement.memory);
                    settlement.tell();
                }
                DispatcherEffect::Recycle(builder) => self.intake.builders.recycle(builder),
                DispatcherEffect::MayCreate(topic) => panic!("{topic} is there"),
            }
        }
    }
}
