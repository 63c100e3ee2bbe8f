//! Who this producer is to the brokers.

use tokio::time::Instant;

use super::super::sequences::ProducerIdentity;
use super::{Dispatcher, DispatcherEffect};
use crate::error::ClientError;

/// Whether batches are stamped, and as whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Idempotence {
    /// They are not.
    Off,
    /// They are to be, so a producer id is needed first. It is asked for at this moment.
    Wanted(Instant),
    /// A broker has been asked for one.
    Asked,
    /// This is it.
    Known(ProducerIdentity),
}

impl Idempotence {
    /// Whether it is known how to stamp a batch.
    pub(super) fn is_settled(self) -> bool {
        matches!(self, Self::Off | Self::Known(_))
    }
}

impl Dispatcher {
    /// Whether batches can be sent; if a producer id is missing, asks for one.
    pub(super) fn identified(&mut self) -> bool {
        if let Idempotence::Wanted(moment) = self.idempotence {
            if moment > self.now {
                self.wake_by(moment);
            } else {
                self.idempotence = Idempotence::Asked;
                self.want(DispatcherEffect::Identify);
            }
        }
        self.idempotence.is_settled()
    }

    /// A new id knows nothing of the old one's sequences: lanes that are in order start over when they are idle, the
    /// others at once.
    pub(super) fn identified_as(&mut self, identity: ProducerIdentity) {
        self.idempotence = Idempotence::Known(identity);
        self.backoff.succeeded();
        for lane in self.lanes.values_mut() {
            if lane.wants_epoch() && lane.in_flight == 0 {
                lane.start_over(identity);
            }
        }
    }

    /// There is no id: it is asked for again after a pause.
    pub(super) fn unidentified(&mut self, error: ClientError) {
        if !error.retriable() {
            self.fail_everything(&error);
        }
        self.note(error);
        let pause = self.backoff.failed();
        self.idempotence = Idempotence::Wanted(self.now + pause);
    }
}
