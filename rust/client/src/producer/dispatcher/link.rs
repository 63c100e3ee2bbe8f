//! A leader as the dispatcher sees it.

use tokio::time::Instant;

/// Whether there is a connection, and what is in flight there.
#[derive(Debug, Default)]
pub(super) struct Link {
    state: State,
    /// Requests that are not answered.
    pub(super) in_flight: usize,
}

#[derive(Debug, Default)]
enum State {
    /// There is none.
    #[default]
    Closed,
    /// There is none, and making one failed: none is made before this moment.
    Pausing(Instant),
    Connecting,
    /// The number tells it from others: they keep no order between them.
    Open(u64),
}

/// What a request can go over.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Way {
    Open(u64),
    /// A connection has to be made.
    Missing,
    /// At this moment one may be made.
    At(Instant),
    /// An event has to come first.
    Blocked,
}

impl Link {
    /// The way for one more request, of which so many may be in flight.
    pub(super) fn way(&self, now: Instant, max_in_flight: usize) -> Way {
        if self.in_flight >= max_in_flight {
            return Way::Blocked;
        }
        match self.state {
            State::Open(number) => Way::Open(number),
            State::Connecting => Way::Blocked,
            State::Pausing(moment) if moment > now => Way::At(moment),
            State::Closed | State::Pausing(_) => Way::Missing,
        }
    }

    pub(super) fn connecting(&mut self) {
        self.state = State::Connecting;
    }

    pub(super) fn opened(&mut self, number: u64) {
        self.state = State::Open(number);
    }

    pub(super) fn failed(&mut self, not_before: Instant) {
        self.state = State::Pausing(not_before);
    }

    /// The connection has ended, if there was one.
    pub(super) fn lost(&mut self) {
        if let State::Open(_) = self.state {
            self.state = State::Closed;
        }
    }
}
