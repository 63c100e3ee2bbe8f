//! How long nobody takes the place of a fetcher that was lost.

use std::time::Duration;

use kafkalite_link::Backoff;
use tokio::time::Instant;

/// Fetchers that were lost, one after the other.
#[derive(Debug)]
pub(super) struct Losses {
    backoff: Backoff,
    /// So long after a loss the next one has nothing to do with it.
    forgotten_after: Duration,
    last: Option<Instant>,
}

impl Losses {
    pub(super) fn new(backoff: Backoff, forgotten_after: Duration) -> Self {
        Self {
            backoff,
            forgotten_after,
            last: None,
        }
    }

    /// The pause after a loss: longer from one to the next, until for some time there was none.
    pub(super) fn pause(&mut self, now: Instant) -> Duration {
        let last = self.last.replace(now);
        if last.is_some_and(|last| now.duration_since(last) > self.forgotten_after) {
            self.backoff.succeeded();
        }
        self.backoff.failed()
    }
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;

    #[test]
    fn a_loss_long_after_another_one_is_again_a_first_one() {
        let (first, longest) = (Duration::from_millis(100), Duration::from_secs(10));
        let mut losses = Losses::new(
            Backoff::new(first, longest, Rng::with_seed(1)),
            Duration::from_mins(1),
        );
        let now = Instant::now();
        for _ in 0..6 {
            losses.pause(now);
        }
        assert!(losses.pause(now) > first * 10);
        assert!(losses.pause(now + Duration::from_mins(2)) < first * 2);
    }
}
