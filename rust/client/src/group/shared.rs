//! What the readers of a member and its task share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;

use super::Subscription;
use super::commit_queue::Attempt;
use super::events::Events;
use super::standing::Standing;
use crate::close_signal::CloseSignal;
use crate::consumer::Consumer;
use crate::error::ClientError;

/// What readers tell the task.
#[derive(Debug)]
pub(super) enum MemberOrder {
    /// The subscription has changed; `None` leaves the group.
    Subscribe(Option<Subscription>),
    /// A commit in this generation got this answer.
    Refused(ClientError, i32),
    /// Leave for good.
    Close,
}

#[derive(Debug)]
pub(super) struct MemberShared {
    pub(super) consumer: Consumer,
    pub(super) group: Arc<str>,
    /// The static member's name.
    pub(super) instance: Option<Arc<str>>,
    pub(super) subscription: Mutex<Option<Subscription>>,
    pub(super) standing: watch::Sender<Standing>,
    pub(super) orders: mpsc::UnboundedSender<MemberOrder>,
    pub(super) commits: mpsc::UnboundedSender<Attempt>,
    pub(super) events: Events,
    /// Why the member is not in the group, for the reader to be told.
    failure: Mutex<Option<ClientError>>,
    /// Subscriptions that the task has not taken up yet.
    resubscribed: AtomicUsize,
    started: Instant,
    /// When a reader last asked for something, in ms since `started`.
    asked: AtomicU64,
    /// A reader asked for more of what it had taken, since somebody last looked.
    pub(super) has_asked: AtomicBool,
    /// Readers that wait at this moment.
    asking: AtomicUsize,
    /// The task waits for a reader to ask: it left because nobody did, or because of an error that the reader is told.
    pub(super) rests: AtomicBool,
    /// A reader asked meanwhile.
    pub(super) knocked: AtomicBool,
    pub(super) wake: Notify,
    /// Nobody handles events any more.
    pub(super) closing: Notify,
    /// Closing is over, one way or the other: commits are not waited for any more.
    pub(super) closed: CloseSignal,
}

impl MemberShared {
    pub(super) fn new(
        consumer: Consumer,
        instance: Option<Arc<str>>,
        orders: mpsc::UnboundedSender<MemberOrder>,
        commits: mpsc::UnboundedSender<Attempt>,
    ) -> Self {
        Self {
            group: consumer.config().group_id.as_str().into(),
            consumer,
            instance,
            subscription: Mutex::default(),
            standing: watch::Sender::new(Standing::outside()),
            orders,
            commits,
            events: Events::default(),
            failure: Mutex::default(),
            resubscribed: AtomicUsize::new(0),
            started: Instant::now(),
            asked: AtomicU64::new(0),
            has_asked: AtomicBool::new(false),
            asking: AtomicUsize::new(0),
            rests: AtomicBool::new(false),
            knocked: AtomicBool::new(false),
            wake: Notify::new(),
            closing: Notify::new(),
            closed: CloseSignal::new("consumer"),
        }
    }

    /// A reader asks for something: it is alive.
    pub(super) fn asks(&self) {
        self.note_now();
        // Whoever has not been told yet why the member rests is told first.
        if self.rests.load(Ordering::Acquire) && self.failure.lock().is_none() {
            self.knocked.store(true, Ordering::Release);
            self.wake.notify_one();
        }
    }

    /// What the reader has to be told: once, unless nothing that it can ask for will come any more.
    pub(super) fn failure(&self) -> Option<ClientError> {
        let mut failure = self.failure.lock();
        match &*failure {
            Some(ClientError::Fenced { .. }) if !self.consumer.is_closed() => failure.clone(),
            _ => failure.take(),
        }
    }

    /// Has the reader told what is wrong; unless it wants something else by now, of which that says nothing.
    pub(super) fn fail(&self, error: ClientError) {
        let mut failure = self.failure.lock();
        let is_fenced = matches!(error, ClientError::Fenced { .. });
        if is_fenced || self.resubscribed.load(Ordering::Acquire) == 0 {
            *failure = Some(error);
        }
    }

    /// The reader wants this from now on, or nothing. What was wrong before is not told any more, but for a member that is
    /// fenced: it stays so until it is unsubscribed.
    pub(super) fn subscribe(&self, to: Option<Subscription>) {
        self.resubscribed.fetch_add(1, Ordering::AcqRel);
        let mut failure = self.failure.lock();
        if to.is_none() || !matches!(&*failure, Some(ClientError::Fenced { .. })) {
            *failure = None;
        }
        drop(failure);
        self.subscription.lock().clone_from(&to);
        self.order(MemberOrder::Subscribe(to));
    }

    /// The task has taken up a subscription.
    pub(super) fn taken_up(&self) {
        self.resubscribed.fetch_sub(1, Ordering::AcqRel);
    }

    /// The reader is alive.
    pub(super) fn note_now(&self) {
        let now = self.started.elapsed().as_millis() as u64;
        self.asked.store(now, Ordering::Relaxed);
    }

    /// Counts a reader that waits as one that asks all the time.
    pub(super) fn waits(&self) -> MemberWaits<'_> {
        self.asks();
        self.asking.fetch_add(1, Ordering::Relaxed);
        MemberWaits(self)
    }

    /// Whether a reader waits.
    pub(super) fn is_waited_for(&self) -> bool {
        self.asking.load(Ordering::Relaxed) > 0
    }

    /// When a reader last asked; as precisely as this is called often.
    pub(super) fn last_asked(&self) -> Instant {
        if self.has_asked.swap(false, Ordering::Relaxed) {
            self.asks();
        }
        if self.is_waited_for() {
            return Instant::now();
        }
        self.started + Duration::from_millis(self.asked.load(Ordering::Relaxed))
    }

    pub(super) fn order(&self, order: MemberOrder) {
        // The task has ended only if the member has: nothing is to be done any more.
        let _ = self.orders.send(order);
    }
}

/// While it lives, a reader waits.
pub(super) struct MemberWaits<'a>(&'a MemberShared);

impl Drop for MemberWaits<'_> {
    fn drop(&mut self) {
        self.0.asking.fetch_sub(1, Ordering::Relaxed);
        self.0.note_now();
    }
}

#[cfg(test)]
pub(super) mod tests {
    use kafkalite_wire::ErrorCode;
    use tokio::runtime::Handle;

    use super::*;
    use crate::config::ConsumerConfig;

    /// A member of a cluster that nobody reaches, its orders and its commits.
    pub(in crate::group) fn alone() -> (
        MemberShared,
        mpsc::UnboundedReceiver<MemberOrder>,
        mpsc::UnboundedReceiver<Attempt>,
    ) {
        let pairs = [("bootstrap.servers", "127.0.0.1:1"), ("group.id", "g")];
        let config = ConsumerConfig::from_pairs(pairs).unwrap();
        let consumer = Consumer::new(config, &Handle::current()).unwrap();
        let (orders, ordered) = mpsc::unbounded_channel();
        let (commits, attempts) = mpsc::unbounded_channel();
        let shared = MemberShared::new(consumer, None, orders, commits);
        (shared, ordered, attempts)
    }

    #[tokio::test]
    async fn what_was_wrong_with_an_earlier_subscription_is_not_told_of_a_later_one() {
        let (shared, _ordered, _attempts) = alone();
        let wrong = || ClientError::broker("Metadata", "a b", ErrorCode::InvalidTopic, None);
        let to = || Some(Subscription::topics(["t"]));
        shared.fail(wrong());
        shared.subscribe(to());
        assert!(shared.failure().is_none(), "it was there before");
        shared.fail(wrong());
        assert!(shared.failure().is_none(), "the task does not know yet");
        shared.taken_up();
        shared.fail(wrong());
        assert!(shared.failure().is_some(), "this is about the later one");
        assert!(shared.failure().is_none(), "told once");
        shared.fail(ClientError::Fenced {
            group: "g".into(),
            instance: "me".into(),
        });
        shared.subscribe(to());
        assert!(shared.failure().is_some(), "it is fenced whatever it reads");
    }
}
