//! What makes retries harmless (KIP-98, KIP-360): a producer id and epoch, and a sequence for each partition.
//!
//! Deciding only: no clock, no socket. A sequence counts records; the broker takes a batch of an id and epoch only if
//! its first sequence follows the last one it took, and answers repetitions with what it answered before.

use kafkalite_wire::ErrorCode;

/// An idempotent producer's identity at the brokers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ProducerIdentity {
    pub(super) id: i64,
    pub(super) epoch: i16,
}

impl ProducerIdentity {
    /// The same producer with a fresh sequence space; `None` when the epochs are used up and a new id is needed.
    pub(super) fn bumped(self) -> Option<Self> {
        Some(Self {
            id: self.id,
            epoch: self.epoch.checked_add(1)?,
        })
    }
}

/// A batch's place in the sequence of its partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) identity: ProducerIdentity,
    pub(super) base: i32,
}

impl Stamp {
    /// The stamp of what begins so many records behind.
    pub(super) fn behind(self, records: u32) -> Self {
        Self {
            base: after(self.base, records),
            ..self
        }
    }
}

/// Java's ints: after `i32::MAX` comes 0.
fn after(base: i32, records: u32) -> i32 {
    base.wrapping_add(records as i32) & i32::MAX
}

/// The sequence of one partition.
#[derive(Debug, Default)]
pub(super) struct Sequences {
    identity: Option<ProducerIdentity>,
    next: i32,
    rewind: Rewind,
}

/// Whether the numbers can go on as they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Rewind {
    /// They can.
    #[default]
    No,
    /// A batch was given up, and whether the broker has it is unknown. What was sent after it may have arrived too, so it
    /// keeps its numbers; what comes next starts at 0 in a new epoch.
    Next,
    /// The broker refuses these numbers: everything that is left starts at 0 in a new epoch.
    All,
}

/// What to do with a batch that a broker refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SequenceVerdict {
    /// It counts as written: the broker has had it before.
    Written,
    /// Send it again, in its turn.
    Retry,
    /// Report the failure.
    Fail,
}

impl Sequences {
    /// The stamp for a new batch. `idle`: nothing of this partition is in flight or to be sent again, so that the
    /// partition may move on to the producer's current epoch.
    pub(super) fn stamp(&mut self, current: ProducerIdentity, records: u32, idle: bool) -> Stamp {
        if self.identity != Some(current) && (idle || self.identity.is_none()) {
            self.start_over(current);
        }
        let identity = self.identity.unwrap_or(current);
        let base = self.next;
        self.next = after(base, records);
        Stamp { identity, base }
    }

    /// Whether anything was stamped.
    pub(super) fn has_begun(&self) -> bool {
        self.identity.is_some()
    }

    /// Begins at 0 under this identity. The caller stamps what is to be sent again, in its order.
    pub(super) fn start_over(&mut self, identity: ProducerIdentity) {
        self.identity = Some(identity);
        self.next = 0;
        self.rewind = Rewind::No;
    }

    /// Whether the partition has to [`start_over`](Self::start_over) in a new epoch before its next batch is sent.
    /// `stamped`: that one was sent before.
    pub(super) fn wants_epoch(&self, stamped: bool) -> bool {
        match self.rewind {
            Rewind::No => false,
            Rewind::Next => !stamped,
            Rewind::All => true,
        }
    }

    /// A batch that had a stamp was given up: whether the broker took it is unknown, or it left a gap.
    pub(super) fn gave_up(&mut self) {
        if self.rewind == Rewind::No {
            self.rewind = Rewind::Next;
        }
    }

    /// What a refusal means. `oldest`: no earlier batch of the partition is unsettled.
    pub(super) fn refused(&mut self, code: ErrorCode, oldest: bool) -> SequenceVerdict {
        match code {
            // The broker remembers this sequence, though not its offset.
            ErrorCode::DuplicateSequenceNumber => SequenceVerdict::Written,
            // An earlier batch that is to be sent again left the gap: sending in order closes it.
            ErrorCode::OutOfOrderSequenceNumber if !oldest => SequenceVerdict::Retry,
            // The broker lost the sequence (retention, a restart): only a new epoch may start at 0.
            ErrorCode::OutOfOrderSequenceNumber
            | ErrorCode::UnknownProducerId
            | ErrorCode::InvalidProducerEpoch
            | ErrorCode::InvalidProducerIdMapping => {
                self.rewind = Rewind::All;
                SequenceVerdict::Retry
            }
            code if code.is_retriable() => SequenceVerdict::Retry,
            _ => SequenceVerdict::Fail,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: ProducerIdentity = ProducerIdentity { id: 9, epoch: 0 };

    #[test]
    fn batches_follow_each_other_and_wrap_to_zero() {
        let mut sequences = Sequences::default();
        assert_eq!(
            sequences.stamp(FIRST, 3, true),
            Stamp {
                identity: FIRST,
                base: 0
            }
        );
        assert_eq!(sequences.stamp(FIRST, 5, false).base, 3);
        sequences.next = i32::MAX - 1;
        assert_eq!(sequences.stamp(FIRST, 4, false).base, i32::MAX - 1);
        assert_eq!(
            sequences.stamp(FIRST, 1, false).base,
            2,
            "MAX-1, MAX, 0, 1 are taken"
        );
    }

    #[test]
    fn another_partitions_new_epoch_is_taken_up_only_when_idle() {
        let mut sequences = Sequences::default();
        sequences.stamp(FIRST, 3, true);
        let second = FIRST.bumped().unwrap();
        assert_eq!(
            sequences.stamp(second, 1, false),
            Stamp {
                identity: FIRST,
                base: 3
            }
        );
        assert_eq!(
            sequences.stamp(second, 1, true),
            Stamp {
                identity: second,
                base: 0
            }
        );
    }

    #[test]
    fn a_gap_left_by_an_earlier_batch_is_closed_by_retrying() {
        let mut sequences = Sequences::default();
        assert_eq!(
            sequences.refused(ErrorCode::OutOfOrderSequenceNumber, false),
            SequenceVerdict::Retry
        );
        assert!(!sequences.wants_epoch(true));
    }

    #[test]
    fn what_was_sent_behind_a_batch_that_was_given_up_keeps_its_numbers() {
        let mut sequences = Sequences::default();
        sequences.stamp(FIRST, 3, true);
        sequences.gave_up();
        assert!(
            !sequences.wants_epoch(true),
            "in a new epoch the broker would not know that it has it"
        );
        assert!(sequences.wants_epoch(false));
        // The broker never got what was given up, so it misses that.
        assert_eq!(
            sequences.refused(ErrorCode::OutOfOrderSequenceNumber, true),
            SequenceVerdict::Retry
        );
        assert!(sequences.wants_epoch(true));
        sequences.gave_up();
        assert!(sequences.wants_epoch(true), "nothing takes that back");
    }

    #[test]
    fn a_sequence_that_the_broker_lost_starts_over_in_a_new_epoch() {
        for code in [
            ErrorCode::OutOfOrderSequenceNumber,
            ErrorCode::UnknownProducerId,
        ] {
            let mut sequences = Sequences::default();
            sequences.stamp(FIRST, 3, true);
            assert_eq!(sequences.refused(code, true), SequenceVerdict::Retry);
            assert!(sequences.wants_epoch(true));
            sequences.start_over(FIRST.bumped().unwrap());
            assert!(!sequences.wants_epoch(false));
            assert_eq!(sequences.stamp(FIRST.bumped().unwrap(), 1, false).base, 0);
        }
    }

    #[test]
    fn epochs_end() {
        assert_eq!(
            ProducerIdentity {
                id: 1,
                epoch: i16::MAX
            }
            .bumped(),
            None
        );
    }

    #[test]
    fn repetitions_count_as_written_and_final_errors_fail() {
        let mut sequences = Sequences::default();
        assert_eq!(
            sequences.refused(ErrorCode::DuplicateSequenceNumber, true),
            SequenceVerdict::Written
        );
        assert_eq!(
            sequences.refused(ErrorCode::MessageTooLarge, true),
            SequenceVerdict::Fail
        );
        assert_eq!(
            sequences.refused(ErrorCode::NotLeaderOrFollower, true),
            SequenceVerdict::Retry
        );
    }
}
