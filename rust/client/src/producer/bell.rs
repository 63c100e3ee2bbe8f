//! Wakes the sender: something is new, or somebody is in a hurry.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// Rung by any thread; the sender takes what it was rung for.
#[derive(Debug)]
pub(super) struct Bell<T> {
    fresh: Mutex<Vec<T>>,
    rung: Notify,
    /// Flushes that wait, and threads that wait for room: nothing lingers meanwhile.
    hurried: AtomicUsize,
}

impl<T> Default for Bell<T> {
    fn default() -> Self {
        Self {
            fresh: Mutex::default(),
            rung: Notify::new(),
            hurried: AtomicUsize::new(0),
        }
    }
}

/// While it lives nothing lingers.
pub(super) struct Hurry<'a>(&'a AtomicUsize);

impl Drop for Hurry<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl<T> Bell<T> {
    /// Tells the sender that this has something new.
    pub(super) fn ring_for(&self, fresh: T) {
        self.fresh.lock().push(fresh);
        self.ring();
    }

    /// Has the sender look up.
    pub(super) fn ring(&self) {
        self.rung.notify_one();
    }

    /// Waits until it is rung, or was since this was last waited for.
    pub(super) async fn rung(&self) {
        self.rung.notified().await;
    }

    pub(super) fn take_fresh(&self) -> Vec<T> {
        std::mem::take(&mut self.fresh.lock())
    }

    pub(super) fn hurry(&self) -> Hurry<'_> {
        self.hurried.fetch_add(1, Ordering::AcqRel);
        self.ring();
        Hurry(&self.hurried)
    }

    pub(super) fn is_hurried(&self) -> bool {
        self.hurried.load(Ordering::Acquire) > 0
    }
}
