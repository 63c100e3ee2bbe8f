//! One partition as the dispatcher sees it: what is in flight, what is to be sent again, and when.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use kafkalite_link::Backoff;
use tokio::time::Instant;
use uuid::Uuid;

use super::super::accumulator::{Accumulator, NextBatch};
use super::super::batch::{BatchPlace, OutgoingBatch};
use super::super::sequences::{ProducerIdentity, Sequences, Stamp};
use crate::cluster::Metadata;

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) accumulator: Arc<Accumulator>,
    pub(super) sequences: Sequences,
    pub(super) in_flight: usize,
    /// The number of the connection that what is in flight was sent over. Two connections keep no order between them.
    pub(super) connection: Option<u64>,
    /// The topic's id when it was last looked at; zero where it has none.
    topic_id: Uuid,
    /// Something was written since it last began, or failed. Until then one batch goes at a time: a broker that knows
    /// nothing of the producer takes any first sequence, so it would take the second batch where the first failed.
    proven: bool,
    /// The batch whose records are being compressed: the next, but for what is to be sent again.
    pub(super) compressing: Option<OutgoingBatch>,
    /// To be sent again, in the order of their creation.
    retry: VecDeque<OutgoingBatch>,
    not_before: Option<Instant>,
    backoff: Backoff,
}

/// Whether a lane can send.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    /// It has nothing, and nothing is in flight.
    Idle,
    /// It waits for an answer.
    Blocked,
    /// It can send at this moment, or it can then give up what has waited too long.
    At(Instant),
    /// Now.
    Ready,
}

impl Lane {
    pub(super) fn new(accumulator: Arc<Accumulator>, image: &Metadata, backoff: Backoff) -> Self {
        let mut lane = Self {
            accumulator,
            sequences: Sequences::default(),
            in_flight: 0,
            connection: None,
            topic_id: Uuid::nil(),
            proven: false,
            compressing: None,
            retry: VecDeque::new(),
            not_before: None,
            backoff,
        };
        lane.learn(image);
        lane
    }

    pub(super) fn readiness(&self, now: Instant, linger: Duration, hurry: bool) -> Readiness {
        match self.retry.front() {
            None if self.compressing.is_some() => Readiness::Blocked,
            None => match self.accumulator.waiting(now, linger, hurry) {
                NextBatch::Nothing if self.in_flight > 0 => Readiness::Blocked,
                NextBatch::Nothing => Readiness::Idle,
                NextBatch::Lingering(until) => Readiness::At(until),
                NextBatch::Ready(_) => self.unless_backing_off(now),
            },
            // In order: what is sent again goes alone, so that it can't be overtaken.
            Some(batch) if batch.attempts > 0 && self.in_flight > 0 => Readiness::Blocked,
            Some(_) => self.unless_backing_off(now),
        }
    }

    fn unless_backing_off(&self, now: Instant) -> Readiness {
        if self.in_flight > 0 && (self.wants_epoch() || !self.proven) {
            return Readiness::Blocked;
        }
        match self.not_before {
            Some(moment) if moment > now => Readiness::At(moment),
            _ => Readiness::Ready,
        }
    }

    /// Learns from a refresh. Another topic of the same name knows nothing of the producer.
    pub(super) fn learn(&mut self, metadata: &Metadata) {
        let found = metadata.topics.get(&self.accumulator.topic);
        if let Some(id) = found.map(|topic| topic.id).filter(|id| !id.is_nil()) {
            self.proven &= self.topic_id == id || self.topic_id.is_nil();
            self.topic_id = id;
        }
    }

    /// Whether it has to start over in a new epoch before it sends its next batch.
    pub(super) fn wants_epoch(&self) -> bool {
        let stamped = self.retry.front().is_some_and(OutgoingBatch::is_stamped);
        self.sequences.wants_epoch(stamped)
    }

    /// Whether an earlier batch than this one is to be sent again.
    pub(super) fn has_earlier(&self, place: BatchPlace) -> bool {
        self.retry.front().is_some_and(|batch| batch.place < place)
    }

    /// Whether nothing is in flight, being compressed or to be sent again.
    pub(super) fn is_settled(&self) -> bool {
        self.in_flight == 0 && self.retry.is_empty() && self.compressing.is_none()
    }

    /// How many records are not sent, and since when the oldest waits.
    pub(super) fn unsent(&self) -> (u64, Option<Instant>) {
        let (held, collected) = (
            self.retry.iter().chain(&self.compressing),
            &self.accumulator,
        );
        let (records, oldest) = collected.unsent();
        let held = held.map(|batch| (u64::from(batch.records), Some(batch.created)));
        held.fold((records, oldest), |(sum, oldest), (records, created)| {
            (sum + records, oldest.min(created).or(created))
        })
    }

    /// Puts a batch back into its place, to be sent again after a pause.
    pub(super) fn retry(&mut self, batch: OutgoingBatch, now: Instant) {
        // One pause for what failed together.
        if self.not_before.is_none_or(|moment| moment <= now) {
            self.not_before = Some(now + self.backoff.failed());
        }
        self.proven = false;
        self.put_back(batch);
    }

    fn put_back(&mut self, batch: OutgoingBatch) {
        let before = |other: &OutgoingBatch| other.place < batch.place;
        let at = self.retry.partition_point(before);
        self.retry.insert(at, batch);
    }

    /// Puts the parts of a batch into its place. They go as those do that are sent again, one behind the other.
    pub(super) fn replace(&mut self, parts: Vec<OutgoingBatch>) {
        self.proven = false;
        for part in parts {
            self.put_back(part);
        }
    }

    /// Something was written to the topic with this id.
    pub(super) fn succeeded(&mut self, topic_id: Uuid) {
        // What was written to a topic that is gone says nothing about the one that has its name now. And what is still to be sent
        // again may be written already, with others behind it: with more of them the broker would not know it any more.
        let is_of_now = topic_id == self.topic_id || topic_id.is_nil();
        let has_failed = self.retry.front().is_some_and(|batch| batch.attempts > 0);
        self.proven = is_of_now && !has_failed;
        self.backoff.succeeded();
        self.not_before = None;
    }

    /// The next batch to send.
    pub(super) fn take(&mut self) -> Option<OutgoingBatch> {
        self.retry.pop_front().or_else(|| self.accumulator.take())
    }

    /// Takes back what could not be sent after all; it was not tried.
    pub(super) fn untake(&mut self, batch: OutgoingBatch) {
        self.put_back(batch);
    }

    /// The stamp of the next batch, if it has none. While nothing else is unsettled, the lane goes over to the producer's present
    /// identity, of which the broker may know nothing.
    pub(super) fn stamp(&mut self, current: ProducerIdentity, records: u32) -> Stamp {
        let stamp = self.sequences.stamp(current, records, self.is_settled());
        self.proven &= stamp.base != 0;
        stamp
    }

    /// Starts over under a new identity: the sequence begins at 0 with the oldest batch that is left.
    pub(super) fn start_over(&mut self, identity: ProducerIdentity) {
        self.proven = false;
        self.sequences.start_over(identity);
        for batch in &mut self.retry {
            let stamp = self.sequences.stamp(identity, batch.records, false);
            batch.restamp(stamp);
        }
    }

    /// Takes out what was created before `horizon`; the moment when the next one will be due.
    pub(super) fn expired(
        &mut self,
        horizon: Instant,
        hold_on: Duration,
    ) -> (Vec<OutgoingBatch>, Option<Instant>) {
        let mut expired = Vec::new();
        while self
            .retry
            .front()
            .is_some_and(|batch| batch.created <= horizon)
        {
            expired.extend(self.retry.pop_front());
        }
        let mut next = self.retry.front().map(|batch| batch.created);
        // Open batches count as well, so hurry.
        while let NextBatch::Ready(created) =
            self.accumulator.waiting(horizon, Duration::ZERO, true)
        {
            if created > horizon {
                next = Some(next.map_or(created, |other| other.min(created)));
                break;
            }
            expired.extend(self.accumulator.take());
        }
        (expired, next.map(|created| created + hold_on))
    }

    /// Everything that is left; nothing more is taken in.
    pub(super) fn shut(&mut self) -> Vec<OutgoingBatch> {
        let mut left: Vec<_> = self.retry.drain(..).collect();
        left.extend(self.compressing.take());
        left.extend(self.accumulator.shut());
        left
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::accumulator::Intake;
    use super::*;
    use crate::cluster::TopicMetadata;
    use fastrand::Rng;
    use kafkalite_records::BatchBuilder;
    use kafkalite_wire::ErrorCode;
    use kafkalite_world::ManualClock;

    /// A lane with batches of one record each.
    fn lane(batches: usize) -> Lane {
        lane_of(&Metadata::unknown(), batches)
    }

    fn lane_of(image: &Metadata, batches: usize) -> Lane {
        let intake = Intake::new(100, ManualClock::at(0));
        let accumulator = Accumulator::new("t".into(), 0, 0);
        for _ in 0..batches {
            let mut set = BatchBuilder::new(100);
            assert!(set.try_append(1, None, Some(b"x"), &[]));
            accumulator
                .append_set(&intake, set, 10, 1, Instant::now())
                .unwrap();
        }
        let pause = Duration::from_millis(1);
        Lane::new(
            accumulator,
            image,
            Backoff::new(pause, pause, Rng::with_seed(1)),
        )
    }

    fn readiness(lane: &Lane) -> Readiness {
        // Later than any pause that a test may have caused.
        let now = Instant::now() + Duration::from_mins(1);
        lane.readiness(now, Duration::ZERO, false)
    }

    #[test]
    fn the_first_batch_goes_alone_until_it_is_written() {
        let mut lane = lane(3);
        assert_eq!(readiness(&lane), Readiness::Ready);
        let mut first = lane.take().unwrap();
        first.attempts = 1;
        lane.in_flight = 1;
        assert_eq!(readiness(&lane), Readiness::Blocked);
        lane.in_flight = 0;
        lane.retry(first, Instant::now());
        assert_eq!(readiness(&lane), Readiness::Ready);
        lane.take().unwrap();
        lane.in_flight = 1;
        assert_eq!(readiness(&lane), Readiness::Blocked, "it failed, so again");
        lane.in_flight = 0;
        lane.succeeded(Uuid::nil());
        lane.take().unwrap();
        lane.in_flight = 1;
        assert_eq!(readiness(&lane), Readiness::Ready, "from now on pipelined");
    }

    #[test]
    fn the_first_batch_under_another_id_goes_alone() {
        let mut lane = lane(2);
        let identity = |id| ProducerIdentity { id, epoch: 0 };
        lane.stamp(identity(7), 1);
        lane.succeeded(Uuid::nil());
        assert!(lane.take().is_some());
        lane.stamp(identity(8), 1);
        lane.in_flight = 1;
        assert_eq!(readiness(&lane), Readiness::Blocked);
    }

    #[test]
    fn what_was_written_to_a_topic_proves_nothing_of_the_next_of_its_name() {
        let id = Uuid::from_u128;
        let image = |id| {
            let topic = TopicMetadata {
                name: "t".into(),
                id,
                error: ErrorCode::None,
                partitions: Vec::new(),
            };
            Metadata {
                topics: [(Arc::from("t"), Arc::new(topic))].into(),
                ..Metadata::unknown()
            }
        };
        let mut lane = lane_of(&image(id(1)), 3);
        lane.succeeded(id(1));
        assert!(lane.take().is_some());
        lane.in_flight = 1;
        assert_eq!(readiness(&lane), Readiness::Ready);
        lane.learn(&image(id(2)));
        assert_eq!(readiness(&lane), Readiness::Blocked);
        lane.succeeded(id(1));
        assert_eq!(
            readiness(&lane),
            Readiness::Blocked,
            "that was there before"
        );
        lane.succeeded(id(2));
        assert_eq!(readiness(&lane), Readiness::Ready);
    }

    #[test]
    fn what_is_being_compressed_is_overtaken_by_nothing_but_what_is_sent_again() {
        let mut lane = lane(3);
        lane.succeeded(Uuid::nil());
        let mut first = lane.take().unwrap();
        first.attempts = 1;
        lane.in_flight = 1;
        lane.compressing = lane.take();
        assert_eq!(readiness(&lane), Readiness::Blocked);
        lane.in_flight = 0;
        lane.retry(first, Instant::now());
        assert_eq!(readiness(&lane), Readiness::Ready);
        let second = lane.compressing.take().unwrap();
        lane.untake(second);
        let places: Vec<_> = std::iter::from_fn(|| lane.take())
            .map(|batch| batch.place)
            .collect();
        assert!(places.len() == 3 && places.is_sorted(), "{places:?}");
    }

    #[test]
    fn what_did_not_fit_into_a_request_is_not_held_up() {
        let mut lane = lane(2);
        lane.succeeded(Uuid::nil());
        lane.take().unwrap();
        lane.in_flight = 1;
        let untried = lane.take().unwrap();
        lane.untake(untried);
        assert_eq!(readiness(&lane), Readiness::Ready);
    }
}
