//! One assigned partition: where reading is, what was fetched ahead, who leads it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kafkalite_link::Backoff;
use kafkalite_names::TopicPartition;
use kafkalite_wire::ErrorCode;
use tokio::time::Instant;
use uuid::Uuid;

use super::StartAt;
use super::batch::Batch;
use super::claim::Claim;
use crate::cluster::{Interest, TopicMetadata};
use crate::config::OffsetReset;
use crate::error::ClientError;

/// A number that no partition had before, so that one that is assigned anew is not taken for its predecessor.
fn fresh_generation() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each holds whatever the others do"
)]
pub(super) struct ReadPartition {
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
    /// In a group: what readers and the group's task share. A seek is a new claim, so that what a reader still holds from
    /// before is neither handed out nor committed.
    pub(super) claim: Option<Arc<Claim>>,
    /// In a group: where to start is not known yet, and nothing may be asked for.
    pub(super) waits: bool,
    /// The end, as the leader last told; `None` if the cluster has no such partition any more.
    pub(super) high_watermark: Option<i64>,
    /// Not fetched until the application seeks: it was told why.
    pub(super) halted: bool,
    /// What the application is told when it has taken what was fetched.
    error: Option<ClientError>,
    buffered: VecDeque<Batch>,
    buffered_bytes: usize,
    /// Of those, bytes that were fetched and are not decoded yet.
    undecoded: usize,
    /// Where the first batch that is not buffered begins; `fetch_offset` is ahead of it while there are undecoded bytes.
    decoded_to: Option<i64>,
    /// When the buffer was first found full.
    full_since: Option<Instant>,
    /// The generation in which the fetch that is under way asks for it.
    pub(super) asked: Option<u64>,
    /// Has the cluster ask for the topic.
    pub(super) interest: Option<Interest>,
    /// It is in the queue of those that have something.
    pub(super) is_queued: bool,
    not_before: Option<Instant>,
    backoff: Backoff,
}

impl ReadPartition {
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
            claim: None,
            waits: false,
            high_watermark: None,
            halted: false,
            error: None,
            buffered: VecDeque::new(),
            buffered_bytes: 0,
            undecoded: 0,
            decoded_to: None,
            full_since: None,
            asked: None,
            interest: None,
            is_queued: false,
            not_before: None,
            backoff,
        };
        partition.seek(start);
        partition
    }

    /// One that a group assigned; it waits for its start.
    pub(super) fn claimed(claim: Arc<Claim>, backoff: Backoff) -> Self {
        Self {
            claim: Some(claim),
            waits: true,
            ..Self::new(StartAt::Reset, backoff)
        }
    }

    /// Begins where the group says, unless the application sought meanwhile.
    pub(super) fn begin(&mut self, claim: &Arc<Claim>, at: StartAt) {
        if self.waits_for(claim) {
            self.seek(at);
        }
    }

    /// Where to begin will not be known; unless the application sought meanwhile, it is told.
    pub(super) fn cannot_begin(&mut self, claim: &Arc<Claim>, error: ClientError) {
        if self.waits_for(claim) {
            self.halt(error);
        }
    }

    fn waits_for(&self, claim: &Arc<Claim>) -> bool {
        self.waits && self.claim.as_ref().is_some_and(|it| Arc::ptr_eq(it, claim))
    }

    /// Goes elsewhere; what was fetched is dropped.
    pub(super) fn seek(&mut self, to: StartAt) {
        if !self.waits
            && let Some(claim) = &mut self.claim
        {
            claim.revoke();
            *claim = Arc::new(Claim::new());
        }
        self.waits = false;
        self.start = to;
        self.fetch_offset = match to {
            StartAt::Offset(offset) => Some(offset),
            _ => None,
        };
        self.position = self.fetch_offset;
        self.claim_begins();
        self.generation = fresh_generation();
        self.halted = false;
        self.error = None;
        self.buffered.clear();
        self.buffered_bytes = 0;
        self.undecoded = 0;
        self.decoded_to = self.fetch_offset;
        self.not_before = None;
    }

    /// The start that was asked for was found.
    pub(super) fn resolved(&mut self, offset: i64) {
        self.fetch_offset = Some(offset);
        self.decoded_to = Some(offset);
        self.position = Some(offset);
        self.claim_begins();
        self.fine();
    }

    fn claim_begins(&self) {
        if let (Some(claim), Some(offset)) = (&self.claim, self.position) {
            claim.begin(offset);
        }
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
        self.supersede();
    }

    /// Its fetcher has ended in the middle of something: another one begins where the buffer ends.
    pub(super) fn fetch_again(&mut self) {
        self.asked = None;
        self.supersede();
    }

    /// What is under way is no longer wanted. What was fetched and not decoded yet goes with it, to be fetched again: by
    /// then the offset to fetch was already behind it.
    fn supersede(&mut self) {
        self.generation = fresh_generation();
        if self.undecoded > 0 {
            self.buffered_bytes = self.buffered_bytes.saturating_sub(self.undecoded);
            self.undecoded = 0;
            self.fetch_offset = self.decoded_to;
        }
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
        self.supersede();
        self.start = from;
        self.fetch_offset = None;
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
            if topic.error == ErrorCode::UnknownTopicOrPartition {
                self.high_watermark = None; // what was behind it is gone
            }
            self.leader = None;
            return true;
        }
        // A broker of before topic ids says nothing about them.
        if !topic.id.is_nil() && topic.id != self.topic_id {
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
        if found.is_none() {
            self.high_watermark = None;
        }
        let leader = found.and_then(|partition| partition.leader);
        self.leader_epoch = found.map_or(-1, |partition| partition.leader_epoch);
        if leader == self.leader {
            return false;
        }
        self.leader = leader;
        // What the former leader still answers would come twice.
        self.supersede();
        true
    }

    /// Counts bytes that are fetched and will be buffered.
    pub(super) fn expect(&mut self, next: i64, bytes: usize) {
        self.fetch_offset = Some(next);
        self.buffered_bytes += bytes;
        self.undecoded += bytes;
        self.fine();
    }

    /// Buffers what was expected as `bytes`; whether the application had nothing to take before.
    pub(super) fn buffer(&mut self, batch: Batch) -> bool {
        let was_empty = !self.has_something();
        self.buffered_bytes += batch.payload().len();
        self.decoded_to = Some(batch.next_offset);
        self.buffered.push_back(batch);
        was_empty
    }

    /// The bytes that were expected are dealt with.
    pub(super) fn expected_done(&mut self, bytes: usize) {
        self.buffered_bytes = self.buffered_bytes.saturating_sub(bytes);
        self.undecoded = self.undecoded.saturating_sub(bytes);
        if self.undecoded == 0 {
            self.decoded_to = self.fetch_offset.or(self.decoded_to);
        }
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

    /// Since when the buffer is full, as far as this was asked; `None` if there is room.
    pub(super) fn full_since(&mut self, limit: usize, now: Instant) -> Option<Instant> {
        if self.is_full(limit) {
            self.full_since.get_or_insert(now);
        } else {
            self.full_since = None;
        }
        self.full_since
    }

    /// Whether the reader has nothing of it to work on.
    pub(super) fn is_dry(&self) -> bool {
        self.buffered_bytes == 0
    }

    /// Whether the fetch that is under way asks for it, from where it is now.
    pub(super) fn is_asked_for(&self) -> bool {
        self.asked == Some(self.generation)
    }

    /// Whether nothing shall be fetched for now.
    pub(super) fn rests(&self) -> bool {
        self.paused || self.halted || self.waits
    }

    /// What the application gets next.
    pub(super) fn take(&mut self) -> Option<Result<Batch, ClientError>> {
        let Some(mut batch) = self.buffered.pop_front() else {
            return self.error.take().map(Err);
        };
        self.buffered_bytes = self.buffered_bytes.saturating_sub(batch.payload().len());
        self.position = Some(batch.next_offset);
        batch.claim.clone_from(&self.claim);
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::decode::{Fetched, decode, extent};
    use super::*;
    use crate::cluster::PartitionMetadata;
    use fastrand::Rng;
    use kafkalite_records::{BatchBuilder, BatchOrigin, Compression, Compressor, Decompressor};

    const ID: Uuid = Uuid::from_u128(1);

    fn topic(id: Uuid, leader: i32) -> TopicMetadata {
        TopicMetadata {
            name: "t".into(),
            id,
            error: ErrorCode::None,
            partitions: vec![PartitionMetadata {
                leader: Some(leader),
                leader_epoch: 0,
            }],
        }
    }

    fn of() -> TopicPartition {
        TopicPartition::new(Arc::from("t"), 0)
    }

    /// Led by broker 1, read from offset 0.
    fn partition() -> ReadPartition {
        let pause = Duration::from_millis(1);
        let backoff = Backoff::new(pause, pause, Rng::with_seed(1));
        let mut partition = ReadPartition::new(StartAt::Offset(0), backoff);
        partition.learn(&of(), &topic(ID, 1), OffsetReset::Earliest);
        partition
    }

    /// Three batches of two records each, and their bytes.
    fn batches() -> (Vec<Batch>, usize) {
        let mut compressor = Compressor::new(Compression::None, None).unwrap();
        let mut bytes = Vec::new();
        for base in [0, 2, 4] {
            let mut builder = BatchBuilder::new(1000);
            assert!(builder.try_append(1, None, Some(b"a"), &[]));
            assert!(builder.try_append(1, None, Some(b"b"), &[]));
            bytes.extend(
                builder
                    .build(base, BatchOrigin::ANONYMOUS, &mut compressor)
                    .unwrap(),
            );
        }
        assert_eq!(extent(&bytes, 0).unwrap().next, 6);
        let length = bytes.len();
        let fetched = Fetched {
            of: of(),
            generation: 0,
            from: 0,
            high_watermark: 6,
            bytes: bytes.into(),
            is_compressed: false,
        };
        let mut batches = Vec::new();
        let take = |batch| batches.push(batch);
        decode(&fetched, &mut Decompressor::default(), 1000, true, take).unwrap();
        (batches, length)
    }

    #[test]
    fn a_leader_that_moves_while_batches_are_decoded_leaves_no_gap() {
        let (batches, length) = batches();
        let mut partition = partition();
        partition.expect(6, length);
        let first = batches[0].clone();
        let kept = first.payload().len();
        partition.buffer(first);
        let before = partition.generation;
        partition.learn(&of(), &topic(ID, 2), OffsetReset::Earliest);
        assert_ne!(partition.generation, before, "the fetcher keeps the rest");
        assert_eq!(partition.fetch_offset, Some(2), "and it is fetched again");
        assert_eq!(partition.buffered_bytes, kept);
        assert_eq!(partition.take().unwrap().unwrap().next_offset(), 2);
        assert_eq!(partition.position, Some(2));
        assert_eq!(partition.buffered_bytes, 0, "room for what comes");
    }

    #[test]
    fn a_leader_that_moves_between_fetches_changes_no_offset() {
        let (batches, length) = batches();
        let mut partition = partition();
        partition.expect(6, length);
        for batch in batches {
            partition.buffer(batch);
        }
        partition.expected_done(length);
        partition.learn(&of(), &topic(ID, 2), OffsetReset::Earliest);
        assert_eq!(partition.fetch_offset, Some(6));
    }

    #[test]
    fn a_cluster_that_names_no_topic_ids_has_not_recreated_the_topic() {
        let mut partition = partition();
        partition.learn(&of(), &topic(Uuid::nil(), 1), OffsetReset::Earliest);
        assert_eq!(partition.fetch_offset, Some(0));
        partition.learn(&of(), &topic(Uuid::from_u128(2), 1), OffsetReset::Earliest);
        assert_eq!(partition.fetch_offset, None, "this one has");
    }
}
