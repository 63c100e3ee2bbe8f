//! How long to wait before trying again: exponential, with jitter (KIP-580).

use std::time::Duration;

use fastrand::Rng;

/// A pause that doubles with each failure in a row.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    failures: u32,
    dice: Rng,
}

impl Backoff {
    /// One that begins with `first` and does not grow beyond `longest`, with jitter from these dice.
    pub fn new(first: Duration, longest: Duration, dice: Rng) -> Self {
        Self {
            first,
            longest,
            failures: 0,
            dice,
        }
    }

    /// Counts a failure; the pause before the next attempt. 20 % of jitter keeps many clients from coming back at once.
    pub fn failed(&mut self) -> Duration {
        let doubled = self.first.saturating_mul(1 << self.failures.min(20));
        self.failures = self.failures.saturating_add(1);
        doubled
            .min(self.longest.max(self.first))
            .mul_f64(0.8 + 0.4 * self.dice.f64())
    }

    /// The next failure is again a first one.
    pub fn succeeded(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_longest_and_starts_again() {
        let mut backoff = Backoff::new(
            Duration::from_millis(100),
            Duration::from_secs(1),
            Rng::with_seed(1),
        );
        for expected in [100, 200, 400, 800, 1000, 1000] {
            let pause = backoff.failed().as_millis();
            assert!(
                (expected * 8 / 10..=expected * 12 / 10).contains(&pause),
                "{pause} for {expected}"
            );
        }
        backoff.succeeded();
        assert!(backoff.failed().as_millis() <= 120);
    }
}
