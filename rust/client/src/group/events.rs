//! Rebalances on their way to a listener in the reader's thread.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::consumer::TopicPartition;

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
    event: RebalanceEvent,
    pending: Arc<AtomicUsize>,
    /// Dropped with it, which is what the group's task waits for.
    _done: oneshot::Sender<()>,
}

impl PendingEvent {
    /// What happens.
    pub fn event(&self) -> &RebalanceEvent {
        &self.event
    }
}

impl Drop for PendingEvent {
    fn drop(&mut self) {
        self.pending.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Events in order, and whether anybody wants them.
#[derive(Debug, Default)]
pub(super) struct Events {
    wanted: AtomicBool,
    queue: Mutex<VecDeque<PendingEvent>>,
    /// Queued, or being handled.
    pending: Arc<AtomicUsize>,
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
        self.pending.fetch_add(1, Ordering::AcqRel);
        queue.push_back(PendingEvent {
            event,
            pending: Arc::clone(&self.pending),
            _done: done,
        });
        Some(handled)
    }

    /// The group waits no longer: what is still queued as revoked is lost when somebody hears of it.
    pub(super) fn come_too_late(&self) {
        for pending in &mut *self.queue.lock() {
            if let RebalanceEvent::Revoked(partitions) = &mut pending.event {
                pending.event = RebalanceEvent::Lost(std::mem::take(partitions));
            }
        }
    }

    pub(super) fn take(&self) -> Option<PendingEvent> {
        self.queue.lock().pop_front()
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
