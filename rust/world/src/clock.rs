//! The wall clock, as Kafka counts: milliseconds since 1970.
//!
//! What only measures how long something takes, or waits, asks the runtime's timers instead, which a test can pause.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Says what time of which day it is.
pub trait Clock: Debug + Send + Sync {
    /// Milliseconds since 1970 UTC; may go back.
    fn now_ms(&self) -> i64;
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    /// A clock before 1970 counts as 1970.
    fn now_ms(&self) -> i64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis() as i64)
    }
}

/// A clock that stands still until it is turned by hand. Clones of the `Arc` show the same time.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// One that shows `now_ms`.
    pub fn at(now_ms: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(now_ms)))
    }

    /// Turns it forward.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_millis() as i64, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}
