//! The rules of KIP-98 and KIP-360: which batch of an idempotent producer is new, which is a retry, which is refused.

use kafkalite_log::LogError;
use kafkalite_log::producers::{
    Admission, NO_SEQUENCE, Origin, ProducerBatch, Producers, Staged, TransactionEnd,
};

const ID: i64 = 4000;

/// A log reduced to its end offset.
#[derive(Default)]
struct Partition {
    producers: Producers,
    staged: Staged,
    end: i64,
}

#[derive(Debug, PartialEq)]
enum Outcome {
    At(i64),
    Before(i64, i64),
    OutOfOrder { expected: i32 },
    Fenced { by: i16 },
    Invalid,
    OutsideOfTransaction,
}
use Outcome::{At, Before, Fenced, Invalid, OutOfOrder, OutsideOfTransaction};

impl Partition {
    fn batch(&self, epoch: i16, sequence: i32, records: i32) -> ProducerBatch {
        ProducerBatch {
            producer_id: ID,
            producer_epoch: epoch,
            base_sequence: sequence,
            base_offset: self.end,
            last_offset_delta: records - 1,
            max_timestamp: 1000 + self.end,
            transactional: false,
        }
    }

    fn append_from(&mut self, origin: Origin, batch: ProducerBatch) -> Outcome {
        match self.producers.admit(&mut self.staged, origin, &batch) {
            Ok(Admission::New) => {
                self.producers.commit(&mut self.staged);
                self.end += i64::from(batch.last_offset_delta) + 1;
                At(batch.base_offset)
            }
            Ok(Admission::Duplicate(earlier)) => {
                Before(earlier.first_offset(), earlier.last_offset)
            }
            Err(LogError::OutOfOrderSequence { expected, .. }) => OutOfOrder { expected },
            Err(LogError::ProducerFenced { current, .. }) => Fenced { by: current },
            Err(LogError::InvalidRecord { .. }) => Invalid,
            Err(LogError::OutsideOfTransaction { .. }) => OutsideOfTransaction,
            Err(error) => panic!("{error}"),
        }
    }

    fn append(&mut self, epoch: i16, sequence: i32, records: i32) -> Outcome {
        self.append_from(Origin::Client, self.batch(epoch, sequence, records))
    }
}

/// Runs (epoch, first sequence, number of records) one after another against the expected outcomes.
fn check(steps: &[((i16, i32, i32), Outcome)]) {
    let mut partition = Partition::default();
    for (index, ((epoch, sequence, records), expected)) in steps.iter().enumerate() {
        assert_eq!(
            &partition.append(*epoch, *sequence, *records),
            expected,
            "step {index}"
        );
    }
}

#[test]
fn batches_in_order_are_new_and_a_gap_is_refused() {
    check(&[
        ((0, 0, 3), At(0)),
        ((0, 3, 1), At(3)),
        ((0, 5, 1), OutOfOrder { expected: 4 }),
        ((0, 4, 2), At(4)),
        ((0, 6, 1), At(6)),
    ]);
}

#[test]
fn each_of_the_last_five_batches_is_a_duplicate_and_an_older_one_is_out_of_order() {
    check(&[
        ((0, 0, 1), At(0)),
        ((0, 1, 2), At(1)),
        ((0, 3, 3), At(3)),
        ((0, 6, 1), At(6)),
        ((0, 7, 1), At(7)),
        ((0, 8, 2), At(8)),
        ((0, 1, 2), Before(1, 2)),
        ((0, 3, 3), Before(3, 5)),
        ((0, 6, 1), Before(6, 6)),
        ((0, 7, 1), Before(7, 7)),
        ((0, 8, 2), Before(8, 9)),
        ((0, 0, 1), OutOfOrder { expected: 10 }),
        ((0, 10, 1), At(10)),
        ((0, 1, 2), OutOfOrder { expected: 11 }),
    ]);
}

#[test]
fn a_range_that_only_overlaps_an_earlier_batch_is_no_duplicate() {
    check(&[
        ((0, 0, 4), At(0)),
        ((0, 0, 3), OutOfOrder { expected: 4 }),
        ((0, 1, 3), OutOfOrder { expected: 4 }),
        ((0, 0, 5), OutOfOrder { expected: 4 }),
    ]);
}

#[test]
fn a_producer_that_is_not_known_starts_anywhere() {
    check(&[
        ((3, 71, 2), At(0)),
        ((3, 73, 1), At(2)),
        ((3, 71, 2), Before(0, 1)),
    ]);
}

#[test]
fn a_new_epoch_starts_at_zero_and_fences_the_old_one() {
    check(&[
        ((0, 0, 2), At(0)),
        ((1, 2, 1), OutOfOrder { expected: 0 }),
        ((1, 0, 2), At(2)),
        ((0, 2, 1), Fenced { by: 1 }),
        ((1, 0, 2), Before(2, 3)), // of this epoch, not of the one before
        ((1, 2, 1), At(4)),
    ]);
}

#[test]
fn sequences_wrap_around_after_the_largest() {
    let max = i32::MAX;
    check(&[
        ((0, max - 1, 1), At(0)),
        ((0, max, 1), At(1)),
        ((0, 1, 1), OutOfOrder { expected: 0 }),
        ((0, 0, 1), At(2)),
        ((0, 1, 1), At(3)),
        ((0, max, 1), Before(1, 1)),
    ]);
    check(&[
        ((0, max - 1, 4), At(0)), // max-1, max, 0, 1
        ((0, max - 1, 4), Before(0, 3)),
        ((0, 0, 1), OutOfOrder { expected: 2 }),
        ((0, 2, 1), At(4)),
    ]);
}

#[test]
fn a_client_cannot_hide_the_sequence_but_the_broker_itself_writes_without() {
    let mut partition = Partition::default();
    assert_eq!(partition.append(0, NO_SEQUENCE, 1), Invalid);
    assert_eq!(partition.append(0, i32::MIN, 1), Invalid);
    let batch = partition.batch(2, NO_SEQUENCE, 3);
    assert_eq!(partition.append_from(Origin::Coordinator, batch), At(0));
    let batch = partition.batch(2, NO_SEQUENCE, 3);
    assert_eq!(partition.append_from(Origin::Coordinator, batch), At(3));
    let batch = partition.batch(1, NO_SEQUENCE, 1);
    assert_eq!(
        partition.append_from(Origin::Coordinator, batch),
        Fenced { by: 2 }
    );
}

#[test]
fn a_replica_is_not_questioned() {
    let mut partition = Partition::default();
    for (epoch, sequence) in [(5, 10), (5, 20), (4, 7)] {
        let batch = partition.batch(epoch, sequence, 1);
        assert!(matches!(
            partition.append_from(Origin::Replica, batch),
            At(_)
        ));
    }
    assert_eq!(partition.append(4, 8, 1), At(3));
}

#[test]
fn batches_of_one_append_are_judged_together_and_nothing_is_kept_of_a_refused_one() {
    let mut partition = Partition::default();
    partition.append(0, 0, 1);
    let before = partition.producers.clone();
    let (first, second) = (partition.batch(0, 1, 2), partition.batch(0, 4, 1));
    let mut staged = Staged::default();
    let admit =
        |staged: &mut Staged, batch: &ProducerBatch| before.admit(staged, Origin::Client, batch);
    assert_eq!(admit(&mut staged, &first).unwrap(), Admission::New);
    assert!(admit(&mut staged, &second).is_err());
    staged.clear();
    partition.producers.commit(&mut staged);
    assert_eq!(partition.producers, before);

    let second = partition.batch(0, 3, 1);
    assert_eq!(admit(&mut staged, &first).unwrap(), Admission::New);
    assert_eq!(admit(&mut staged, &second).unwrap(), Admission::New);
    partition.producers.commit(&mut staged);
    let entry = partition.producers.entry(ID).unwrap();
    assert_eq!(entry.last_sequence(), 3);
    assert_eq!(entry.batches().len(), 3);
}

#[test]
fn other_producers_are_other_people() {
    let mut partition = Partition::default();
    partition.append(0, 0, 5);
    let other = ProducerBatch {
        producer_id: ID + 1,
        ..partition.batch(0, 0, 5)
    };
    assert_eq!(partition.append_from(Origin::Client, other), At(5));
    assert_eq!(partition.append(0, 5, 1), At(10));
}

#[test]
fn who_has_not_written_for_long_is_forgotten_unless_a_transaction_is_open() {
    let mut partition = Partition::default();
    partition.append(0, 0, 1); // timestamp 1000
    let open = ProducerBatch {
        producer_id: ID + 1,
        transactional: true,
        ..partition.batch(0, 0, 1)
    };
    partition.append_from(Origin::Client, open);
    partition.producers.expire(1000 + 59, 60);
    assert!(partition.producers.entry(ID).is_some());
    partition.producers.expire(1000 + 60, 60);
    assert!(partition.producers.entry(ID).is_none());
    partition.producers.expire(i64::MAX, 60);
    assert!(partition.producers.entry(ID + 1).is_some());
    assert_eq!(partition.append(0, 7, 1), At(2)); // unknown again: may go on anywhere
}

#[test]
fn a_transaction_is_open_from_its_first_batch_to_its_marker() {
    let mut partition = Partition::default();
    let end = |producer_epoch, coordinator_epoch| TransactionEnd {
        producer_id: ID,
        producer_epoch,
        coordinator_epoch,
        timestamp: 9,
        aborted: false,
    };
    let batch = ProducerBatch {
        transactional: true,
        ..partition.batch(0, 0, 2)
    };
    partition.append_from(Origin::Client, batch);
    assert_eq!(partition.producers.first_open_transaction(), Some(0));
    assert_eq!(partition.append(0, 2, 1), OutsideOfTransaction);

    let mut mark = |end| {
        let (producers, mut staged) = (&mut partition.producers, Staged::default());
        let first_offset = producers.admit_end(&mut staged, Origin::Coordinator, &end)?;
        producers.commit(&mut staged);
        Ok::<_, LogError>(first_offset)
    };
    assert_eq!(mark(end(0, 7)).unwrap(), Some(0));
    assert_eq!(mark(end(0, 7)).unwrap(), None);
    let fenced = mark(end(0, 6)).unwrap_err();
    assert!(matches!(
        fenced,
        LogError::CoordinatorFenced {
            epoch: 6,
            current: 7,
            ..
        }
    ));
    assert_eq!(partition.producers.first_open_transaction(), None);
    assert_eq!(partition.append(0, 2, 1), At(2));

    let mut mark = |end| {
        let (producers, mut staged) = (&mut partition.producers, Staged::default());
        let first_offset = producers.admit_end(&mut staged, Origin::Coordinator, &end)?;
        producers.commit(&mut staged);
        Ok::<_, LogError>(first_offset)
    };
    assert_eq!(mark(end(1, 7)).unwrap(), None); // the coordinator fences the producer
    assert_eq!(partition.append(0, 3, 1), Fenced { by: 1 });
    assert_eq!(partition.append(1, 0, 1), At(3));
}

#[test]
fn replay_believes_the_log_more_than_the_snapshot() {
    let mut partition = Partition::default();
    let open = ProducerBatch {
        transactional: true,
        ..partition.batch(0, 0, 1)
    };
    partition.producers.replay(&open);
    let plain = partition.batch(1, 40, 2);
    partition.producers.replay(&plain);
    assert_eq!(partition.producers.entry(ID).unwrap().last_sequence(), 41);
    assert_eq!(partition.producers.first_open_transaction(), None);
}
