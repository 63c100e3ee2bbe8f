//! So many bytes a second and no more. Pure: time comes in as the time since a start.

use std::time::Duration;

/// Shorter pauses are saved up: a sleep takes longer than it is asked for.
const WORTH_A_SLEEP: Duration = Duration::from_millis(2);
/// However little is allowed, the setting is looked at again after this.
const LONGEST: Duration = Duration::from_mins(1);

/// Counts bytes.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    /// When all that was moved so far would be allowed.
    allowed_at: Duration,
}

impl Throttle {
    /// How long to wait after `bytes` were moved, if `limit` bytes are allowed in a second.
    #[expect(
        clippy::cast_precision_loss,
        reason = "bytes of one read, far below 2^52"
    )]
    pub(super) fn pause(&mut self, bytes: u64, now: Duration, limit: f64) -> Duration {
        let takes = Duration::try_from_secs_f64(bytes as f64 / limit).unwrap_or(LONGEST);
        self.allowed_at = self.allowed_at.max(now) + takes.min(LONGEST);
        let pause = self.allowed_at.saturating_sub(now);
        if pause < WORTH_A_SLEEP {
            return Duration::ZERO;
        }
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_take_the_time_that_the_limit_says() {
        let mut throttle = Throttle::default();
        let mut now = Duration::ZERO;
        for _ in 0..1000 {
            now += throttle.pause(1000, now, 1e6);
        }
        let second = Duration::from_secs(1);
        assert!(now <= second && now + WORTH_A_SLEEP > second, "{now:?}");
    }

    #[test]
    fn without_a_limit_nobody_waits_and_with_none_allowed_not_for_ever() {
        let mut throttle = Throttle::default();
        assert_eq!(
            throttle.pause(1 << 40, Duration::ZERO, f64::MAX),
            Duration::ZERO
        );
        assert_eq!(throttle.pause(1, Duration::ZERO, 0.0), LONGEST);
        let later = Duration::from_hours(1);
        assert_eq!(throttle.pause(0, later, 1e6), Duration::ZERO);
    }
}
