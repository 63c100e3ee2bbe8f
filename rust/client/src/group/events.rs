//! Rebalances on their way to a listener in the reader's thread.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use kafkalite_names::TopicPartition;

/// What a rebalance changes for one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RebalanceEvent {
    /// These partitions are about to go to others; what was read of them can still be committed.
    Revoked(Vec<TopicPartition>),
    /// These partitions are this member's from now on. What it had before and was not revoked it keeps.
    Assigned(Vec<TopicPartition>),
    /// These partitions are gone: the group went on without this member, and others may read them already. Nothing can be
    /// committed.
    Lost(Vec<TopicPartition>),
}

/// An event that is being handled: the group waits until this is dropped, unless its reader has been silent
/// for `max.poll.interval.ms`.
#[derive(Debug)]
pub struct PendingEvent {
    queued: QueuedEvent,
    /// Dropped last: who is woken by that finds the event gone.
    _turn: Turn,
}

impl PendingEvent {
    /// What happens.
    pub fn event(&self) -> &RebalanceEvent {
        &self.queued.event
    }
}

/// The right to handle events: one thread's at a time.
#[derive(Debug)]
struct Turn(Arc<Handling>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.is_on.store(false, Ordering::Release);
        self.0.ended.notify_waiters();
    }
}

#[derive(Debug)]
struct QueuedEvent {
    event: RebalanceEvent,
    /// Whether one waits is looked at for each message.
    _counted: Counted,
    /// Dropped with it, which is what the group's task waits for.
    _done: oneshot::Sender<()>,
}

/// Counts an event as long as it is queued or being handled.
#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(pending: &Arc<AtomicUsize>) -> Self {
        pending.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(pending))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Whether an event is being handled; and who waits until it was.
#[derive(Debug, Default)]
struct Handling {
    is_on: AtomicBool,
    ended: Notify,
}

/// Events in order, told one after the other, and whether anybody wants them.
#[derive(Debug, Default)]
pub(super) struct Events {
    wanted: AtomicBool,
    queue: Mutex<VecDeque<QueuedEvent>>,
    /// Queued, or being handled.
    pending: Arc<AtomicUsize>,
    handling: Arc<Handling>,
}

impl Events {
    pub(super) fn want(&self, wanted: bool) {
        let mut queue = self.queue.lock();
        self.wanted.store(wanted, Ordering::Release);
        if !wanted {
            queue.clear();
        }
    }

    /// Queues an event if anybody wants it; what resolves when it was handled.
    pub(super) fn push(&self, event: RebalanceEvent) -> Option<oneshot::Receiver<()>> {
        let mut queue = self.queue.lock();
        if !self.wanted.load(Ordering::Acquire) {
            return None;
        }
        let (done, handled) = oneshot::channel();
        queue.push_back(QueuedEvent {
            event,
            _counted: Counted::new(&self.pending),
            _done: done,
        });
        Some(handled)
    }

    /// The group waits no longer: what is still queued as revoked is lost when somebody hears of it.
    pub(super) fn come_too_late(&self) {
        for queued in &mut *self.queue.lock() {
            if let RebalanceEvent::Revoked(partitions) = &mut queued.event {
                queued.event = RebalanceEvent::Lost(std::mem::take(partitions));
            }
        }
    }

    /// The next event, unless one is being handled: in two threads at once they would overtake each other.
    pub(super) fn take(&self) -> Option<PendingEvent> {
        let mut queue = self.queue.lock();
        if queue.is_empty() || self.handling.is_on.swap(true, Ordering::AcqRel) {
            return None;
        }
        let turn = Turn(Arc::clone(&self.handling));
        let queued = queue.pop_front().expect("it is not empty");
        Some(PendingEvent {
            queued,
            _turn: turn,
        })
    }

    /// Whether there is one to take.
    pub(super) fn is_any(&self) -> bool {
        !self.queue.lock().is_empty() && !self.handling.is_on.load(Ordering::Acquire)
    }

    /// Resolves when the event that is being handled was.
    pub(super) fn handled(&self) -> impl Future<Output = ()> {
        self.handling.ended.notified()
    }

    /// Whether an event waits to be handled, or is being handled: nothing is read meanwhile.
    pub(super) fn is_pending(&self) -> bool {
        self.pending.load(Ordering::Acquire) > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_heard_of_too_late_is_lost() {
        let events = Events::default();
        events.want(true);
        let gone = vec![TopicPartition::new("t", 0)];
        let _handled = events.push(RebalanceEvent::Revoked(gone.clone()));
        events.come_too_late();
        let late = events.take().unwrap();
        assert_eq!(late.event(), &RebalanceEvent::Lost(gone));
    }

    #[tokio::test]
    async fn events_are_told_one_after_the_other_and_who_waits_is_woken() {
        let events = Events::default();
        events.want(true);
        let _first = events.push(RebalanceEvent::Assigned(Vec::new()));
        let _second = events.push(RebalanceEvent::Revoked(Vec::new()));
        let first = events.take().unwrap();
        let handled = events.handled();
        assert!(!events.is_any() && events.take().is_none());
        drop(first);
        handled.await;
        assert!(events.is_any());
        let second = events.take().unwrap();
        assert_eq!(second.event(), &RebalanceEvent::Revoked(Vec::new()));
        drop(second);
        assert!(!events.is_any() && !events.is_pending());
    }

    #[test]
    fn an_event_is_pending_until_it_was_handled() {
        let events = Events::default();
        assert!(events.push(RebalanceEvent::Revoked(Vec::new())).is_none());
        events.want(true);
        let mut handled = events.push(RebalanceEvent::Assigned(Vec::new())).unwrap();
        let event = events.take().unwrap();
        assert!(events.take().is_none() && events.is_pending());
        assert!(handled.try_recv().is_err());
        drop(event);
        assert!(!events.is_pending());
        assert_eq!(
            handled.try_recv(),
            Err(oneshot::error::TryRecvError::Closed)
        );
    }
}
