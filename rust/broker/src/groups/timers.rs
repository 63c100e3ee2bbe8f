//! The deadlines of all groups, in one queue with one task.
//!
//! Sessions are renewed far more often than they end, so a group asks to be looked at when its earliest deadline *was*; what
//! it finds then tells when to look again. A heartbeat never touches the queue.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

use super::Groups;

/// A moment in milliseconds since the groups began, and the group to look at then.
type Due = (u64, Arc<str>);

/// When to look at which group, the earliest first.
#[derive(Default)]
pub(super) struct Timers {
    queue: Mutex<BinaryHeap<Reverse<Due>>>,
    earlier: Notify,
}

impl Timers {
    /// Asks for a look at a group, at a moment in milliseconds since the groups began.
    pub(super) fn schedule(&self, at: u64, group: Arc<str>) {
        let mut queue = self.queue.lock();
        let is_first = queue.peek().is_none_or(|Reverse((first, _))| at < *first);
        queue.push(Reverse((at, group)));
        if is_first {
            self.earlier.notify_one();
        }
    }

    fn next(&self) -> Option<u64> {
        self.queue.lock().peek().map(|Reverse((at, _))| *at)
    }

    fn take_due(&self, now_ms: u64) -> Option<Due> {
        let mut queue = self.queue.lock();
        queue.peek().filter(|Reverse((at, _))| *at <= now_ms)?;
        queue.pop().map(|Reverse(due)| due)
    }
}

/// Looks at groups when they are due, until the broker stops.
pub(crate) async fn run(groups: Arc<Groups>, stopping: watch::Sender<bool>) {
    let mut stopping = stopping.subscribe();
    loop {
        while let Some((at, group)) = groups.timers.take_due(groups.now().ms) {
            groups.look_at(&group, at);
        }
        let next = groups.timers.next();
        let sleep = async {
            match next.and_then(|at| groups.began.checked_add(Duration::from_millis(at))) {
                Some(at) => sleep_until(at.max(Instant::now())).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => return,
            () = groups.timers.earlier.notified() => {}
            () = sleep => {}
        }
    }
}
