//! One assigned partition: where reading is, what was fetched ahead, who leads it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};

use kafkalite_wire::ErrorCode;
use tokio::time::Instant;
use uuid::Uuid;

use super::batch::Batch;
use super::{StartAt, TopicPartition};
use crate::backoff::Backoff;
use crate::cluster::TopicMetadata;
use crate::config::OffsetReset;
use crate::error::ClientError;

/// A number that no partition had before, so that one that is assigned anew is not taken for its predecessor.
fn fresh_generation() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[derive(Debug)]
pub(super) struct Partition {
    /// Where to fetch next; `None` while it is to be asked for (`start`).
    pub(super) fetch_offset: Option<i64>,
    pub(super) start: StartAt,
    /// Offset of the next record that the application gets, once known.
    pub(super) position: Option<i64>,
    /// Changes when what is under way is no longer wanted: a seek, another leader.
    pub(super) generation: u64,
    pub(super) leader: Option<i32>,
    pub(super) leader_epoch: i32,
    pub(super) topic_id: Uuid,
    pub(super) paused: bool,
    /// Not fetched until the application seeks: it was told why.
    pub(super) halted: bool,
    /// What the application is told when it has taken what was fetched.
    error: Option<ClientError>,
    buffered: VecDeque<Batch>,
    buffered_bytes: usize,
    not_before: Option<Instant>,
    backoff: Backoff,
}

impl Partition {
    pub(super) fn new(start: StartAt, backoff: Backoff) -> Self {
        let mut partition = Self {
            fetch_offset: None,
            start,
            position: None,
            generation: fresh_generation(),
            leader: None,
            leader_epoch: -1,
            topic_id: Uuid::nil(),
            paused: false,
            halted: false,
            error: None,
            buffered: VecDeque::new(),
            buffered_bytes: 0,
            not_before: None,
            backoff,
        };
        partition.seek(start);
        partition
    }

    /// Goes elsewhere; what was fetched is dropped.
    pub(super) fn seek(&mut self, to: StartAt) {
        self.start = to;
        self.fetch_offset = match to {
            StartAt::Offset(offset) => Some(offset),
            _ => None,
        };
        self.position = self.fetch_offset;
        self.generation = fresh_generation();
        self.halted = false;
        self.error = None;
        self.buffered.clear();
        self.buffered_bytes = 0;
        self.not_before = None;
    }

    /// The start that was asked for was found.
    pub(super) fn resolved(&mut self, offset: i64) {
        self.fetch_offset = Some(offset);
        self.position = Some(offset);
        self.fine();
    }

    /// Nothing is wrong (any more).
    pub(super) fn fine(&mut self) {
        self.backoff.succeeded();
        self.not_before = None;
    }

    /// Something passing went wrong: a pause.
    pub(super) fn pause_after_error(&mut self, now: Instant) {
        self.not_before = Some(now + self.backoff.failed());
    }

    /// When it may be asked for again, if that is not now.
    pub(super) fn waits_until(&self, now: Instant) -> Option<Instant> {
        self.not_before.filter(|moment| *moment > now)
    }

    /// Something went wrong that only the application can put right.
    pub(super) fn halt(&mut self, error: ClientError) {
        self.halted = true;
        self.error = Some(error);
        self.generation = fresh_generation();
    }

    /// The position is not in the log.
    pub(super) fn out_of_range(&mut self, of: &TopicPartition, reset: OffsetReset) {
        let offset = self.fetch_offset.unwrap_or(-1);
        tracing::info!(topic = %of.topic, partition = of.partition, offset, ?reset, "offset is not in the log");
        match reset {
            OffsetReset::Earliest => self.restart(StartAt::Beginning),
            OffsetReset::Latest => self.restart(StartAt::End),
            OffsetReset::None => self.halt(ClientError::OffsetOutOfRange {
                topic: of.topic.clone(),
                partition: of.partition,
                offset,
            }),
        }
    }

    /// Fetches from another start; what was fetched before stays to be handed out.
    fn restart(&mut self, from: StartAt) {
        self.start = from;
        self.fetch_offset = None;
        self.generation = fresh_generation();
    }

    /// Takes over what the cluster says; whether anything changed.
    pub(super) fn learn(
        &mut self,
        of: &TopicPartition,
        topic: &TopicMetadata,
        reset: OffsetReset,
    ) -> bool {
        if topic.error != ErrorCode::None {
            if !topic.error.is_retriable() && !self.halted {
                self.halt(ClientError::broker(
                    "Metadata",
                    of.topic.clone(),
                    topic.error,
                    None,
                ));
            }
            self.leader = None;
            return true;
        }
        if topic.id != self.topic_id {
            let recreated = !self.topic_id.is_nil();
            self.topic_id = topic.id;
            if recreated && !self.halted {
                // Its offsets have nothing to do with those of before. All it holds is new.
                let reset = if reset == OffsetReset::None {
                    reset
                } else {
                    OffsetReset::Earliest
                };
                self.out_of_range(of, reset);
            }
        }
        let found = usize::try_from(of.partition)
            .ok()
            .and_then(|number| topic.partitions.get(number));
        let leader = found.and_then(|partition| partition.leader);
        self.leader_epoch = found.map_or(-1, |partition| partition.leader_epoch);
        if leader == self.leader {
            return false;
        }
        self.leader = leader;
        // What the former leader still answers would come twice.
        self.generation = fresh_generation();
        true
    }

    /// Counts bytes that are fetched and will be buffered.
    pub(super) fn expect(&mut self, next: i64, bytes: usize) {
        self.fetch_offset = Some(next);
        self.buffered_bytes += bytes;
        self.fine();
    }

    /// Buffers what was expected as `bytes`; whether the application had nothing to take before.
    pub(super) fn buffer(&mut self, batch: Batch) -> bool {
        let was_empty = !self.has_something();
        self.buffered_bytes += batch.payload().len();
        self.buffered.push_back(batch);
        was_empty
    }

    /// The bytes that were expected are dealt with.
    pub(super) fn expected_done(&mut self, bytes: usize) {
        self.buffered_bytes = self.buffered_bytes.saturating_sub(bytes);
        if self.buffered.is_empty() && !self.halted {
            self.position = self.fetch_offset.or(self.position);
        }
    }

    pub(super) fn has_something(&self) -> bool {
        !self.buffered.is_empty() || self.error.is_some()
    }

    pub(super) fn is_full(&self, limit: usize) -> bool {
        self.buffered_bytes >= limit
    }

    /// What the application gets next.
    pub(super) fn take(&mut self) -> Option<Result<Batch, ClientError>> {
        let Some(batch) = self.buffered.pop_front() else {
            return self.error.take().map(Err);
        };
        self.buffered_bytes = self.buffered_bytes.saturating_sub(batch.payload().len());
        self.position = Some(batch.next_offset);
        if self.buffered.is_empty()
            && self.buffered_bytes == 0
            && self.fetch_offset.is_some()
            && !self.halted
        {
            // Beyond what has no records for the application: control batches.
            self.position = self.fetch_offset;
        }
        Some(Ok(batch))
    }
}
