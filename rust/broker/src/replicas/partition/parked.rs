//! Long polls: fetches that wait for a partition to grow.
//!
//! Each waits for a number of *bytes* over all its partitions, so an append wakes only those whom it completes, and a
//! fetch for a megabyte is not woken a thousand times. No wake-up is lost: a fetch first puts itself on the lists, then
//! reads, then sleeps, and sleeps only if what arrived since before that read is not enough.
//!
//! Bytes count for each when it may read them: for another broker when they are written, for a consumer when they are visible,
//! for one that reads committed messages only when no open transaction can undo them any more either.

use std::{
    borrow::Borrow,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use kafkalite_log::ReadUpTo;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// More than any fetch asks for (an i32), and small enough that many of them do not overflow.
pub(super) const ENOUGH: u64 = 1 << 40;

/// A fetch that may have to wait.
#[derive(Debug)]
struct Waiter {
    /// Bytes that became readable in its partitions since it is on their lists.
    arrived: AtomicU64,
    /// Wake it when `arrived` is this much.
    threshold: AtomicU64,
    /// How far it may read.
    up_to: ReadUpTo,
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

/// How far readers of a partition see: of all messages, and of committed ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reach {
    pub(crate) visible: i64,
    pub(crate) stable: i64,
}

/// The fetches that wait for one partition.
#[derive(Debug, Default)]
pub(crate) struct Parked {
    waiters: Mutex<Waiters>,
}

#[derive(Debug, Default)]
struct Waiters {
    list: Vec<Arc<Waiter>>,
    /// The offset up to which readers of committed messages have been told what there is.
    stable: i64,
    /// Whether something was kept from them, because its transaction was open.
    withheld: bool,
}

impl Waiters {
    /// How much of `bytes` that end at `end` there is to be told to readers of committed messages. What was kept from them, or is
    /// only the first part of `bytes`, nobody has counted.
    fn committed(&mut self, bytes: u64, end: i64, reach: Reach) -> u64 {
        let covered = reach.stable >= end;
        let rose = reach.stable > self.stable;
        let told = match (self.withheld, covered) {
            (false, true) => bytes,
            _ if rose => ENOUGH,
            (true, true) => bytes,
            (_, false) => 0,
        };
        self.stable = self.stable.max(reach.stable);
        self.withheld = reach.stable < reach.visible;
        told
    }

    /// Counts what arrived for each kind of reader.
    fn arrive(&self, written: u64, visible: u64, committed: u64) {
        for waiter in &self.list {
            let bytes = match waiter.up_to {
                ReadUpTo::End => written,
                ReadUpTo::HighWatermark => visible,
                ReadUpTo::LastStableOffset => committed,
            };
            if bytes > 0 {
                waiter.arrive(bytes);
            }
        }
    }
}

impl Parked {
    /// Nobody waits yet for what is beyond `reach`.
    pub(crate) fn new(reach: Reach) -> Self {
        let waiters = Waiters {
            stable: reach.stable,
            withheld: reach.stable < reach.visible,
            ..Waiters::default()
        };
        Self {
            waiters: Mutex::new(waiters),
        }
    }

    /// Tells other brokers that `bytes` more are written, which consumers cannot read yet.
    pub(crate) fn written(&self, bytes: u64) {
        self.waiters.lock().arrive(bytes, 0, 0);
    }

    /// Tells consumers that `bytes` more, up to the offset `end`, can be read. `reach` is asked with the lists locked, so that of
    /// two that come at once the later one knows all that the earlier one knew.
    pub(crate) fn visible(&self, bytes: u64, end: i64, reach: impl FnOnce() -> Reach) {
        let mut waiters = self.waiters.lock();
        let committed = waiters.committed(bytes, end, reach());
        waiters.arrive(0, bytes, committed);
    }

    /// Tells all that `bytes` more, up to the offset `end`, were written and can be read at once.
    pub(crate) fn written_and_visible(&self, bytes: u64, end: i64, reach: impl FnOnce() -> Reach) {
        let mut waiters = self.waiters.lock();
        let committed = waiters.committed(bytes, end, reach());
        waiters.arrive(bytes, bytes, committed);
    }

    /// Consumers see less than before: what they were told of is kept from them again.
    pub(crate) fn fell(&self, reach: impl FnOnce() -> Reach) {
        let mut waiters = self.waiters.lock();
        waiters.stable = waiters.stable.min(reach().stable);
        waiters.withheld = true;
    }

    /// Wakes all who wait: the partition goes away.
    pub(crate) fn wake_all(&self) {
        for waiter in &self.waiters.lock().list {
            waiter.arrive(ENOUGH);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.waiters.lock().list.len()
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
    pub(crate) fn on(partitions: Vec<P>, up_to: ReadUpTo) -> Self {
        let waiter = Arc::new(Waiter {
            arrived: AtomicU64::new(0),
            threshold: AtomicU64::new(u64::MAX),
            up_to,
            wake: Notify::new(),
        });
        for partition in &partitions {
            let mut waiters = partition.borrow().waiters.lock();
            waiters.list.push(Arc::clone(&waiter));
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
            let waiters = &mut partition.borrow().waiters.lock().list;
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
        Wait::on(
            partitions.iter().cloned().map(Handle).collect(),
            ReadUpTo::HighWatermark,
        )
    }

    /// One byte an offset, all of it committed.
    fn arrive(parked: &Parked, bytes: u64) {
        let reach = || Reach {
            visible: i64::MAX,
            stable: i64::MAX,
        };
        parked.written_and_visible(bytes, 0, reach);
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
        arrive(&partitions[0], 60);
        assert!(poll(sleep.as_mut()).is_pending());
        arrive(&partitions[1], 40);
        assert!(poll(sleep.as_mut()).is_ready());
    }

    #[test]
    fn what_arrives_between_the_read_and_the_sleep_counts() {
        let partitions = parked(1);
        let wait = wait(&partitions);
        let before = wait.arrived();
        arrive(&partitions[0], 1);
        assert!(poll(pin!(wait.until(before, 1))).is_ready());
        assert!(
            poll(pin!(wait.until(wait.arrived(), 1))).is_pending(),
            "the next round starts anew"
        );
    }

    #[test]
    fn a_reader_of_committed_messages_sleeps_until_the_transaction_ends() {
        let parked = Arc::new(Parked::default());
        let wait = Wait::on(
            vec![Handle(Arc::clone(&parked))],
            ReadUpTo::LastStableOffset,
        );
        let mut sleep = pin!(wait.until(wait.arrived(), 100));
        let mut arrive = |bytes, end, stable| {
            let visible = end;
            parked.written_and_visible(bytes, end, || Reach { visible, stable });
            poll(sleep.as_mut()).is_ready()
        };
        assert!(!arrive(90, 1, 1), "too little");
        assert!(!arrive(500, 2, 1), "of a transaction");
        assert!(!arrive(500, 3, 1), "behind one that is open");
        assert!(arrive(1, 4, 4), "its marker");
    }

    #[test]
    fn what_was_withheld_at_the_start_counts_when_its_transaction_ends() {
        let open = Reach {
            visible: 5,
            stable: 2,
        };
        let parked = Arc::new(Parked::new(open));
        let wait = Wait::on(
            vec![Handle(Arc::clone(&parked))],
            ReadUpTo::LastStableOffset,
        );
        let mut sleep = pin!(wait.until(wait.arrived(), 100));
        assert!(poll(sleep.as_mut()).is_pending());
        let ended = Reach {
            visible: 6,
            stable: 6,
        };
        parked.visible(1, 6, || ended);
        assert!(poll(sleep.as_mut()).is_ready());
    }

    #[test]
    fn what_becomes_visible_before_an_open_transaction_wakes_a_reader_of_committed_messages() {
        let parked = Arc::new(Parked::default());
        let wait = Wait::on(
            vec![Handle(Arc::clone(&parked))],
            ReadUpTo::LastStableOffset,
        );
        let mut sleep = pin!(wait.until(wait.arrived(), 1));
        assert!(poll(sleep.as_mut()).is_pending());
        let behind_the_first = Reach {
            visible: 2,
            stable: 1,
        };
        parked.visible(200, 2, || behind_the_first);
        assert!(poll(sleep.as_mut()).is_ready());
    }

    #[test]
    fn what_readers_of_committed_messages_saw_before_a_fall_counts_when_they_see_it_again() {
        let parked = Arc::new(Parked::default());
        let reach = |visible, stable| move || Reach { visible, stable };
        parked.written_and_visible(1, 20, reach(20, 20));
        let wait = Wait::on(
            vec![Handle(Arc::clone(&parked))],
            ReadUpTo::LastStableOffset,
        );
        let mut sleep = pin!(wait.until(wait.arrived(), 1));
        assert!(poll(sleep.as_mut()).is_pending());
        parked.fell(reach(12, 12));
        assert!(poll(sleep.as_mut()).is_pending());
        // A transaction is open from there on.
        parked.visible(1, 18, reach(18, 15));
        assert!(poll(sleep.as_mut()).is_ready());
    }

    #[test]
    fn each_kind_of_reader_wakes_for_what_it_may_read() {
        let parked = Arc::new(Parked::default());
        let on = |up_to| Wait::on(vec![Handle(Arc::clone(&parked))], up_to);
        let waits = [
            on(ReadUpTo::End),
            on(ReadUpTo::HighWatermark),
            on(ReadUpTo::LastStableOffset),
        ];
        let awake = || {
            waits
                .each_ref()
                .map(|wait| poll(pin!(wait.until(0, 1))).is_ready())
        };
        let reach = |visible, stable| move || Reach { visible, stable };
        assert_eq!(awake(), [false, false, false]);
        parked.written(1);
        assert_eq!(awake(), [true, false, false]);
        parked.visible(1, 1, reach(1, 0));
        assert_eq!(awake(), [true, true, false], "of an open transaction");
        parked.written_and_visible(1, 2, reach(2, 2));
        assert_eq!(awake(), [true, true, true]);
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
