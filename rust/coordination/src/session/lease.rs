//! Until when a session certainly lasts, by one's own clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The lease of a session that is over.
const ENDED: u64 = 0;

/// A session's life as far as its own process can be sure of it: ZooKeeper lets it live for its time-out after it has heard of
/// it, and has heard of it when or after the process asked something that was answered. What a session owns is its own as long
/// as this holds, even if the process cannot reach ZooKeeper; afterwards it may be another's, even if it does not know yet.
///
/// The clock goes on while the process is stopped and while the machine sleeps.
#[derive(Debug, Clone)]
pub struct Lease {
    /// Milliseconds since the machine was started.
    until: Arc<AtomicU64>,
    /// Of the session.
    timeout: Duration,
}

/// A moment, by the machine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SinceBoot(Duration);

impl SinceBoot {
    pub(super) fn now() -> Self {
        let now = clock_gettime(ClockId::Boottime);
        Self(Duration::new(
            now.tv_sec.unsigned_abs(),
            now.tv_nsec.unsigned_abs() as u32,
        ))
    }

    fn millis(self) -> u64 {
        u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX)
    }
}

impl Lease {
    /// One that begins with a question which was asked then and has been answered.
    pub(super) fn new(asked: SinceBoot, timeout: Duration) -> Self {
        let until = Arc::new(AtomicU64::new(Self::end_of(asked, timeout)));
        Self { until, timeout }
    }

    /// Whether the session certainly is not over. For a consumer: whether what it holds is still its own to hand out.
    pub fn holds(&self) -> bool {
        self.holds_at(SinceBoot::now())
    }

    fn holds_at(&self, now: SinceBoot) -> bool {
        now.millis() < self.until.load(Ordering::Acquire)
    }

    /// A question that was asked then has been answered.
    pub(super) fn renew(&self, asked: SinceBoot) {
        let later = Self::end_of(asked, self.timeout);
        let renewed = |until| (until != ENDED).then_some(later.max(until));
        let _ = self
            .until
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, renewed);
    }

    /// The session is over, whatever is answered later.
    pub(super) fn end(&self) {
        self.until.store(ENDED, Ordering::Release);
    }

    fn end_of(asked: SinceBoot, timeout: Duration) -> u64 {
        SinceBoot(asked.0 + timeout).millis()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SinceBoot {
        SinceBoot(Duration::from_secs(seconds))
    }

    #[test]
    fn a_session_lasts_for_its_timeout_after_a_question_that_was_answered() {
        let lease = Lease::new(at(100), Duration::from_secs(6));
        assert!(lease.holds_at(at(105)) && !lease.holds_at(at(106)));
        lease.renew(at(104));
        assert!(lease.holds_at(at(109)) && !lease.holds_at(at(110)));
    }

    #[test]
    fn an_answer_that_comes_late_takes_nothing_away() {
        let lease = Lease::new(at(100), Duration::from_secs(6));
        lease.renew(at(90));
        assert!(lease.holds_at(at(105)));
    }

    #[test]
    fn a_lease_that_is_over_is_not_renewed() {
        let lease = Lease::new(at(100), Duration::from_secs(6));
        let copy = lease.clone();
        lease.end();
        copy.renew(at(101));
        assert!(!copy.holds_at(at(101)));
    }
}
