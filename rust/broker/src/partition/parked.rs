//! Long polls: fetches that wait for a partition to grow.
//!
//! Each waits for a number of *bytes* over all its partitions, so an append wakes only those whom it completes, and a
//! fetch for a megabyte is not woken a thousand times. No wake-up is lost: a fetch first puts itself on the lists, then
//! reads, then sleeps, and sleeps only if what arrived since before that read is not enough.

use std::{
    borrow::Borrow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// More than any fetch asks for (an i32), and small enough that many of them do not overflow.
const ENOUGH: u64 = 1 << 40;

/// A fetch that may have to wait.
#[derive(Debug, Default)]
struct Waiter {
    /// Bytes that became readable in its partitions since it is on their lists.
    arrived: AtomicU64,
    /// Wake it when `arrived` is this much.
    threshold: AtomicU64,
    wake: Notify,
}

impl Waiter {
    // `arrived` and `threshold` are each written by one side and then the other is read, hence SeqCst: at least one side
    // sees the other's write.
    fn arrive(&self, bytes: u64) {
        let arrived = self.arrived.fetch_add(bytes, SeqCst) + bytes;
        if arrived >= self.threshold.load(SeqCst) {
            self.wake.notify_one();
        }
    }
}

/// The fetches that wait for one partition.
#[derive(Debug, Default)]
pub(crate) struct Parked {
    waiters: Mutex<Vec<Arc<Waiter>>>,
}

impl Parked {
    /// Tells those who wait that `bytes` more can be read.
    pub(crate) fn arrived(&self, bytes: u64) {
        for waiter in &*self.waiters.lock() {
            waiter.arrive(bytes);
        }
    }

    /// Wakes all who wait: the partition goes away.
    pub(crate) fn wake_all(&self) {
        self.arrived(ENOUGH);
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.waiters.lock().len()
    }
}

/// One fetch's places on the lists of its partitions; they are given up when this is dropped.
#[derive(Debug)]
pub(crate) struct Wait<P: Borrow<Parked>> {
    waiter: Arc<Waiter>,
    partitions: Vec<P>,
}

impl<P: Borrow<Parked>> Wait<P> {
    /// Enters the lists. Read again after this, before sleeping.
    pub(crate) fn on(partitions: Vec<P>) -> Self {
        let waiter = Arc::new(Waiter {
            threshold: AtomicU64::new(u64::MAX),
            ..Waiter::default()
        });
        for partition in &partitions {
            partition.borrow().waiters.lock().push(Arc::clone(&waiter));
        }
        Self { waiter, partitions }
    }

    /// How much has arrived so far. Take it before a read and hand it to [`Self::until`] after.
    pub(crate) fn arrived(&self) -> u64 {
        self.waiter.arrived.load(SeqCst)
    }

    /// Sleeps until `missing` more bytes have arrived than [`Self::arrived`] said before the read that found them missing.
    pub(crate) async fn until(&self, before: u64, missing: u64) {
        let threshold = before.saturating_add(missing.min(ENOUGH));
        self.waiter.threshold.store(threshold, SeqCst);
        // A stored permit of an earlier round may end `notified` too soon, so the count decides.
        while self.waiter.arrived.load(SeqCst) < threshold {
            self.waiter.wake.notified().await;
        }
    }
}

impl<P: Borrow<Parked>> Drop for Wait<P> {
    fn drop(&mut self) {
        for partition in &self.partitions {
            let mut waiters = partition.borrow().waiters.lock();
            if let Some(place) = waiters
                .iter()
                .position(|waiter| Arc::ptr_eq(waiter, &self.waiter))
            {
                waiters.swap_remove(place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    struct Handle(Arc<Parked>);

    impl Borrow<Parked> for Handle {
        fn borrow(&self) -> &Parked {
            &self.0
        }
    }

    fn parked(n: usize) -> Vec<Arc<Parked>> {
        (0..n).map(|_| Arc::default()).collect()
    }

    fn wait(partitions: &[Arc<Parked>]) -> Wait<Handle> {
        Wait::on(partitions.iter().cloned().map(Handle).collect())
    }

    fn poll(future: std::pin::Pin<&mut impl Future<Output = ()>>) -> Poll<()> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn wakes_when_the_bytes_of_all_partitions_add_up() {
        let partitions = parked(2);
        let wait = wait(&partitions);
        let mut sleep = pin!(wait.until(wait.arrived(), 100));
        assert!(poll(sleep.as_mut()).is_pending());
        partitions[0].arrived(60);
        assert!(poll(sleep.as_mut()).is_pending());
        partitions[1].arrived(40);
        assert!(poll(sleep.as_mut()).is_ready());
    }

    #[test]
    fn what_arrives_between_the_read_and_the_sleep_counts() {
        let partitions = parked(1);
        let wait = wait(&partitions);
        let before = wait.arrived();
        partitions[0].arrived(1);
        assert!(poll(pin!(wait.until(before, 1))).is_ready());
        assert!(
            poll(pin!(wait.until(wait.arrived(), 1))).is_pending(),
            "the next round starts anew"
        );
    }

    #[test]
    fn a_partition_that_goes_away_wakes_everybody() {
        let partitions = parked(1);
        let (first, second) = (wait(&partitions), wait(&partitions));
        partitions[0].wake_all();
        assert!(poll(pin!(first.until(0, u64::MAX))).is_ready());
        assert!(poll(pin!(second.until(0, 1))).is_ready());
    }

    #[test]
    fn a_dropped_wait_leaves_the_lists() {
        let partitions = parked(3);
        let (kept, dropped) = (wait(&partitions), wait(&partitions[1..]));
        drop(dropped);
        assert_eq!(
            partitions
                .iter()
                .map(|parked| parked.len())
                .collect::<Vec<_>>(),
            [1, 1, 1]
        );
        drop(kept);
        assert!(partitions.iter().all(|parked| parked.len() == 0));
    }
}
