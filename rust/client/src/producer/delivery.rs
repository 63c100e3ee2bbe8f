//! What became of a record.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::error::{ClientError, Result};

/// Where a record was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordMetadata {
    /// The topic.
    pub topic: Arc<str>,
    /// The partition.
    pub partition: i32,
    /// Its offset; `None` with acks=0, or where a retry found it written already and the broker forgot where.
    pub offset: Option<i64>,
    /// Milliseconds since 1970: the record's own, or the broker's where the topic takes the time of the append.
    pub timestamp: i64,
}

/// What became of one record that was handed to the producer, or of a message set, all of whose records share one fate.
///
/// It need not be looked at: a failure that nobody looked at is reported by flush and close.
#[derive(Debug)]
pub struct Delivery {
    outcome: Arc<BatchOutcome>,
    index: u32,
    /// Records that it stands for.
    records: u32,
    timestamp: i64,
    seen: AtomicBool,
}

impl Delivery {
    pub(super) fn new(outcome: Arc<BatchOutcome>, index: u32, timestamp: i64) -> Self {
        Self {
            outcome,
            index,
            records: 1,
            timestamp,
            seen: AtomicBool::new(false),
        }
    }

    /// That of a message set, which has a batch of its own.
    pub(super) fn of_set(outcome: Arc<BatchOutcome>, records: u32, timestamp: i64) -> Self {
        Self {
            records,
            ..Self::new(outcome, 0, timestamp)
        }
    }

    /// The outcome of the batch that the record is in by now, and its place there.
    fn outcome(&self) -> (&BatchOutcome, u32) {
        let (mut outcome, mut index) = (&self.outcome, self.index);
        while let Some(Settled::Split(parts)) = outcome.settled.get() {
            let behind = parts.partition_point(|part| part.first <= index);
            let Some(part) = behind.checked_sub(1).and_then(|at| parts.get(at)) else {
                break; // parts begin at the first record
            };
            index -= part.first;
            outcome = &part.outcome;
        }
        (outcome, index)
    }

    /// Whether it is settled, one way or the other.
    pub fn is_done(&self) -> bool {
        self.outcome().0.settled.get().is_some()
    }

    /// The result, if it is settled.
    pub fn result(&self) -> Option<Result<RecordMetadata>> {
        let (outcome, index) = self.outcome();
        Some(match outcome.settled.get()? {
            Settled::Written(written) => Ok(RecordMetadata {
                topic: Arc::clone(&self.outcome.topic),
                partition: self.outcome.partition,
                offset: written.base_offset.map(|base| base + i64::from(index)),
                timestamp: written.append_time.unwrap_or(self.timestamp),
            }),
            Settled::Split(_) => return None,
            Settled::Failed { error, round } => {
                if !self.seen.swap(true, Ordering::Relaxed) {
                    self.outcome.failures.seen(*round, self.records);
                }
                Err(error.clone())
            }
        })
    }

    /// Waits until it is settled.
    pub async fn wait(&self) -> Result<RecordMetadata> {
        loop {
            let outcome = self.outcome().0;
            let settled = outcome.done.notified();
            // Where it was split meanwhile, another outcome is to be waited for.
            if outcome.settled.get().is_none() {
                settled.await;
            }
            if let Some(result) = self.result() {
                return result;
            }
        }
    }

    /// The topic it goes to.
    pub fn topic(&self) -> &Arc<str> {
        &self.outcome.topic
    }

    /// The partition it goes to.
    pub fn partition(&self) -> i32 {
        self.outcome.partition
    }
}

/// What became of a batch: what its records' deliveries share.
#[derive(Debug)]
pub(super) struct BatchOutcome {
    pub(super) topic: Arc<str>,
    pub(super) partition: i32,
    settled: OnceLock<Settled>,
    done: Notify,
    failures: Arc<Failures>,
}

/// Where a batch was written.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WrittenAt {
    pub(super) base_offset: Option<i64>,
    pub(super) append_time: Option<i64>,
}

#[derive(Debug)]
enum Settled {
    Written(WrittenAt),
    Failed {
        error: ClientError,
        round: u64,
    },
    /// Its records are in other batches now.
    Split(Vec<BatchPart>),
}

/// One of the batches that another was split into.
#[derive(Debug)]
pub(super) struct BatchPart {
    /// Its first record's place in the one that was split; that of the first part is 0.
    pub(super) first: u32,
    pub(super) outcome: Arc<BatchOutcome>,
}

impl BatchOutcome {
    pub(super) fn new(topic: Arc<str>, partition: i32, failures: Arc<Failures>) -> Arc<Self> {
        Arc::new(Self {
            topic,
            partition,
            settled: OnceLock::new(),
            done: Notify::new(),
            failures,
        })
    }

    pub(super) fn written(&self, written: WrittenAt) {
        let _ = self.settled.set(Settled::Written(written));
        self.done.notify_waiters();
    }

    /// One of its own for each part, of which these are the first records.
    pub(super) fn split(&self, firsts: impl IntoIterator<Item = u32>) -> Vec<Arc<Self>> {
        let part = |first| {
            let failures = Arc::clone(&self.failures);
            let outcome = Self::new(Arc::clone(&self.topic), self.partition, failures);
            BatchPart { first, outcome }
        };
        let parts: Vec<_> = firsts.into_iter().map(part).collect();
        let outcomes = parts.iter().map(|part| Arc::clone(&part.outcome)).collect();
        let _ = self.settled.set(Settled::Split(parts));
        self.done.notify_waiters();
        outcomes
    }

    pub(super) fn failed(&self, error: ClientError, records: u32) {
        let round = self.failures.add(self, &error, records);
        let _ = self.settled.set(Settled::Failed { error, round });
        self.done.notify_waiters();
    }
}

/// Failed deliveries that nobody has looked at yet.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<Unseen>);

#[derive(Debug, Default)]
struct Unseen {
    /// Counts the reports: a look at a failure that was reported before changes nothing.
    round: u64,
    count: u64,
    first: Option<(Arc<str>, i32, ClientError)>,
}

impl Failures {
    fn add(&self, outcome: &BatchOutcome, error: &ClientError, records: u32) -> u64 {
        let mut unseen = self.0.lock();
        unseen.count += u64::from(records);
        if unseen.first.is_none() {
            unseen.first = Some((Arc::clone(&outcome.topic), outcome.partition, error.clone()));
        }
        unseen.round
    }

    fn seen(&self, round: u64, records: u32) {
        let mut unseen = self.0.lock();
        if unseen.round == round {
            unseen.count = unseen.count.saturating_sub(records.into());
            if unseen.count == 0 {
                unseen.first = None;
            }
        }
    }

    /// Reports what nobody looked at, once.
    pub(super) fn report(&self) -> Result<()> {
        let mut unseen = self.0.lock();
        unseen.round += 1;
        let count = std::mem::take(&mut unseen.count);
        match unseen.first.take() {
            None => Ok(()),
            Some((topic, partition, first)) => Err(ClientError::Undelivered {
                count,
                topic,
                partition,
                first: Arc::new(first),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(failures: &Arc<Failures>) -> (Arc<BatchOutcome>, Delivery, Delivery) {
        let outcome = BatchOutcome::new("t".into(), 0, Arc::clone(failures));
        let delivery = |index| Delivery::new(Arc::clone(&outcome), index, 7);
        (Arc::clone(&outcome), delivery(0), delivery(1))
    }

    #[tokio::test]
    async fn records_of_a_batch_get_consecutive_offsets() {
        let (outcome, first, second) = batch(&Arc::default());
        assert!(second.result().is_none());
        outcome.written(WrittenAt {
            base_offset: Some(40),
            append_time: None,
        });
        assert_eq!(first.wait().await.unwrap().offset, Some(40));
        let second = second.wait().await.unwrap();
        assert_eq!((second.offset, second.timestamp), (Some(41), 7));
    }

    #[tokio::test]
    async fn records_of_a_batch_that_is_split_have_the_fate_of_their_part() {
        let (outcome, first, second) = batch(&Arc::default());
        let waiting = async {
            assert_eq!(second.wait().await.unwrap().offset, Some(7));
        };
        let settling = async {
            let parts = outcome.split([0, 1]);
            assert!(!first.is_done() && first.result().is_none());
            let again = parts[1].split([0]);
            parts[0].failed(ClientError::Closed("producer"), 1);
            again[0].written(WrittenAt {
                base_offset: Some(7),
                append_time: None,
            });
        };
        tokio::join!(waiting, settling);
        assert!(first.result().unwrap().is_err());
    }

    #[test]
    fn only_failures_that_nobody_looked_at_are_reported_and_only_once() {
        let failures = Arc::new(Failures::default());
        let (outcome, first, second) = batch(&failures);
        outcome.failed(ClientError::Closed("producer"), 2);
        assert!(first.result().unwrap().is_err());
        assert!(first.result().unwrap().is_err());
        assert!(matches!(
            failures.report(),
            Err(ClientError::Undelivered { count: 1, .. })
        ));
        failures.report().unwrap();
        assert!(second.result().unwrap().is_err());
        let (outcome, _, _) = batch(&failures);
        outcome.failed(ClientError::Closed("producer"), 2);
        assert!(matches!(
            failures.report(),
            Err(ClientError::Undelivered { count: 2, .. })
        ));
    }

    #[test]
    fn who_looks_at_a_set_has_looked_at_all_its_records() {
        let failures = Arc::new(Failures::default());
        let outcome = BatchOutcome::new("t".into(), 0, Arc::clone(&failures));
        let set = Delivery::of_set(Arc::clone(&outcome), 3, 7);
        outcome.failed(ClientError::Closed("producer"), 3);
        assert!(set.result().unwrap().is_err());
        failures.report().unwrap();
    }
}
