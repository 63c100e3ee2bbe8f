//! Where records of one partition are collected into batches.
//!
//! Whoever produces writes here, on any thread; the sender's task takes batches out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kafkalite_records::BatchBuilder;
use kafkalite_world::Clock;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::batch::{BatchKind, BatchPlace, OutgoingBatch};
use super::bell::Bell;
use super::builders::Builders;
use super::delivery::{BatchOutcome, Delivery};
use super::largest::Largest;
use super::ledger::Ledger;
use super::record::ProducerRecord;
use crate::times::Suspicion;

/// What all accumulators of a producer share.
#[derive(Debug)]
pub(super) struct Intake {
    pub(super) ledger: Ledger,
    /// Rung for partitions with something new.
    pub(super) bell: Bell<Arc<Accumulator>>,
    pub(super) builders: Builders,
    /// Looks at the time that each batch begins with.
    pub(super) suspicion: Suspicion,
}

impl Intake {
    /// `batch_size`: bytes (`batch.size`).
    pub(super) fn new(batch_size: usize, clock: Arc<dyn Clock>) -> Self {
        Self {
            ledger: Ledger::default(),
            bell: Bell::default(),
            builders: Builders::new(batch_size),
            suspicion: Suspicion::new(clock),
        }
    }
}

/// One partition's batches that were not sent yet.
#[derive(Debug)]
pub(super) struct Accumulator {
    pub(super) topic: Arc<str>,
    pub(super) partition: i32,
    /// Its place among all the producer's partitions.
    pub(super) lane: usize,
    queue: Mutex<Queue>,
    /// A batch was completed since the last look: time for records without a key to go elsewhere (KIP-480).
    turned: AtomicBool,
}

#[derive(Debug, Default)]
struct Queue {
    open: Option<Open>,
    closed: VecDeque<OutgoingBatch>,
    /// What may be written there, as far as refusals have told.
    largest: Largest,
    /// Nothing more is taken in.
    shut: bool,
}

#[derive(Debug)]
struct Open {
    id: u64,
    builder: BatchBuilder,
    outcome: Arc<BatchOutcome>,
    opened: Instant,
    memory: usize,
}

impl Open {
    fn place(&self) -> BatchPlace {
        BatchPlace {
            batch: self.id,
            record: 0,
        }
    }

    fn close(self) -> OutgoingBatch {
        OutgoingBatch::new(
            self.place(),
            self.outcome,
            self.opened,
            self.memory,
            self.builder,
        )
    }
}

/// Why a record was not appended.
#[derive(Debug, Clone, Copy)]
pub(super) enum NotTaken {
    /// Nothing more is taken in: the producer is closed, or has forgotten the topic or the partition meanwhile.
    Shut,
    /// No batch can hold it.
    TooLarge,
}

/// What the sender finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NextBatch {
    Nothing,
    /// A batch may go, created at this moment.
    Ready(Instant),
    /// The open batch may go at this moment.
    Lingering(Instant),
}

impl Accumulator {
    pub(super) fn new(topic: Arc<str>, partition: i32, lane: usize) -> Arc<Self> {
        Arc::new(Self {
            topic,
            partition,
            lane,
            queue: Mutex::default(),
            turned: AtomicBool::new(false),
        })
    }

    /// Appends a record that `memory` was reserved for. `now` is asked only where a batch begins.
    pub(super) fn append(
        self: &Arc<Self>,
        intake: &Intake,
        record: &ProducerRecord<'_>,
        timestamp: i64,
        memory: usize,
        now: impl FnOnce() -> Instant,
    ) -> Result<Delivery, NotTaken> {
        let mut queue = self.queue.lock();
        if queue.shut {
            return Err(NotTaken::Shut);
        }
        let Queue { open, largest, .. } = &mut *queue;
        if let Some(open) = open {
            if !largest.allows(open.builder.size() + memory) {
                largest.ended();
            } else if open
                .builder
                .try_append(timestamp, record.key, record.value, record.headers)
            {
                open.memory += memory;
                let index = open.builder.count() as u32 - 1;
                return Ok(Delivery::new(Arc::clone(&open.outcome), index, timestamp));
            }
            self.close_open(&mut queue);
        }
        let mut open = self.open(intake, memory, intake.builders.take(), now());
        if !open
            .builder
            .try_append(timestamp, record.key, record.value, record.headers)
        {
            return Err(NotTaken::TooLarge);
        }
        let delivery = Delivery::new(Arc::clone(&open.outcome), 0, timestamp);
        intake.ledger.opened(open.place());
        queue.open = Some(open);
        drop(queue);
        intake.suspicion.look(&self.topic, timestamp);
        intake.bell.ring_for(Arc::clone(self));
        Ok(delivery)
    }

    /// Appends a message set as a batch of its own, behind what is there.
    pub(super) fn append_set(
        self: &Arc<Self>,
        intake: &Intake,
        set: BatchBuilder,
        memory: usize,
        timestamp: i64,
        now: Instant,
    ) -> Result<Delivery, NotTaken> {
        let mut queue = self.queue.lock();
        if queue.shut {
            return Err(NotTaken::Shut);
        }
        self.close_open(&mut queue);
        let open = self.open(intake, memory, set, now);
        let records = open.builder.count() as u32;
        let delivery = Delivery::of_set(Arc::clone(&open.outcome), records, timestamp);
        intake.ledger.opened(open.place());
        let mut batch = open.close();
        batch.made = BatchKind::Set;
        queue.closed.push_back(batch);
        drop(queue);
        intake.suspicion.look(&self.topic, timestamp);
        intake.bell.ring_for(Arc::clone(self));
        Ok(delivery)
    }

    fn open(&self, intake: &Intake, memory: usize, builder: BatchBuilder, now: Instant) -> Open {
        Open {
            id: intake.ledger.next_batch_id(),
            builder,
            outcome: BatchOutcome::new(
                Arc::clone(&self.topic),
                self.partition,
                Arc::clone(&intake.ledger.failures),
            ),
            opened: now,
            memory,
        }
    }

    fn close_open(&self, queue: &mut Queue) {
        if let Some(open) = queue.open.take() {
            queue.closed.push_back(open.close());
            self.turned.store(true, Ordering::Relaxed);
        }
    }

    /// What could be sent; with `hurry` nothing lingers.
    pub(super) fn waiting(&self, now: Instant, linger: Duration, hurry: bool) -> NextBatch {
        let queue = self.queue.lock();
        if let Some(batch) = queue.closed.front() {
            return NextBatch::Ready(batch.created);
        }
        match &queue.open {
            None => NextBatch::Nothing,
            Some(open) if hurry || open.opened + linger <= now => NextBatch::Ready(open.opened),
            Some(open) => NextBatch::Lingering(open.opened + linger),
        }
    }

    /// How many records are here, and since when the oldest.
    pub(super) fn unsent(&self) -> (u64, Option<Instant>) {
        let queue = self.queue.lock();
        let closed = queue.closed.iter();
        let closed = closed.map(|batch| (u64::from(batch.records), batch.created));
        let open = queue.open.iter();
        let open = open.map(|open| (open.builder.count() as u64, open.opened));
        closed
            .chain(open)
            .fold((0, None), |(sum, oldest), (records, created)| {
                (sum + records, oldest.or(Some(created)))
            })
    }

    /// Takes the oldest batch, the open one if there is no other.
    pub(super) fn take(&self) -> Option<OutgoingBatch> {
        let mut queue = self.queue.lock();
        if queue.closed.is_empty() {
            self.close_open(&mut queue);
        }
        queue.closed.pop_front()
    }

    /// Takes everything; nothing more is taken in.
    pub(super) fn shut(&self) -> VecDeque<OutgoingBatch> {
        let mut queue = self.queue.lock();
        queue.shut = true;
        self.close_open(&mut queue);
        std::mem::take(&mut queue.closed)
    }

    /// A batch of so many bytes, before compression, was too large: larger ones are not made for now; how large they may be.
    pub(super) fn refused(&self, bytes: usize) -> usize {
        self.queue.lock().largest.refused(bytes)
    }

    /// Takes nothing more in; what is there stays.
    pub(super) fn refuse(&self) {
        self.queue.lock().shut = true;
    }

    /// Takes nothing more in, if there is nothing.
    pub(super) fn retire(&self) -> bool {
        let mut queue = self.queue.lock();
        queue.shut = queue.open.is_none() && queue.closed.is_empty();
        queue.shut
    }

    pub(super) fn reopen(&self) {
        self.queue.lock().shut = false;
    }

    /// Whether a batch was completed since this was last asked.
    pub(super) fn turned(&self) -> bool {
        self.turned.load(Ordering::Relaxed) && self.turned.swap(false, Ordering::Relaxed)
    }
}
