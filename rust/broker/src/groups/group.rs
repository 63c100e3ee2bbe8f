//! One group at the edge of its state machine: the lock around it, those who wait for its answers, its offsets.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::internal_log::StoredUpTo;
use kafkalite_cluster::ClusterImage;
use kafkalite_groups::classic::{CONSUMER, Classic, MemberAnswer, Ticket};
use kafkalite_groups::consumer::{Consumer, Matched, Pattern};
use kafkalite_groups::offsets::Offsets;

/// A group and its lock. Whatever is done under the lock is short: the longest is an append to the page cache.
pub(super) struct Group {
    pub(super) id: Arc<str>,
    pub(super) held: Mutex<Held>,
}

/// Which protocol the members speak, and what they are doing.
pub(super) enum GroupKind {
    /// Members agree among themselves, generation by generation.
    Classic(Box<Classic>),
    /// The broker decides, and leads each member there (KIP-848).
    Consumer(Box<Consumer>),
}

/// What is asked of a group whatever its kind.
impl GroupKind {
    pub(super) fn new_classic(classic: Classic) -> Self {
        Self::Classic(Box::new(classic))
    }

    /// No members, and none on their way.
    pub(super) fn is_idle(&self) -> bool {
        match self {
            Self::Classic(classic) => classic.is_idle(),
            Self::Consumer(consumer) => consumer.is_empty(),
        }
    }

    /// It has never had members: nothing of it was stored.
    pub(super) fn is_unborn(&self) -> bool {
        match self {
            Self::Classic(classic) => classic.is_unborn(),
            Self::Consumer(consumer) => consumer.is_unborn(),
        }
    }

    /// Its name among the kinds, as `ListGroups` says it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Classic(_) => "classic",
            Self::Consumer(_) => "consumer",
        }
    }

    /// Its state in Kafka's spelling.
    pub(super) fn state(&self) -> String {
        match self {
            Self::Classic(classic) => classic.state().to_string(),
            Self::Consumer(consumer) => consumer.state().to_string(),
        }
    }

    /// What its members do; empty if it never had any.
    pub(super) fn protocol_type(&self) -> &str {
        match self {
            Self::Classic(classic) => classic.protocol_type(),
            Self::Consumer(_) => CONSUMER,
        }
    }

    /// Whether its members consume.
    pub(super) fn is_for_consumers(&self) -> bool {
        self.protocol_type() == CONSUMER
    }

    /// Whether a member consumes the topic, or might.
    pub(super) fn consumes(&self, topic: &str) -> bool {
        match self {
            Self::Classic(classic) => classic.consumes(topic),
            Self::Consumer(consumer) => consumer.consumes(topic),
        }
    }

    /// From which moment (ms since 1970) an offset committed at `committed_ms` begins to age; `None` while it does not.
    pub(super) fn ages_from(&self, committed_ms: i64) -> Option<i64> {
        match self {
            Self::Classic(classic) => classic.ages_from(committed_ms),
            Self::Consumer(_) => Some(committed_ms),
        }
    }

    /// When it wants to be looked at, at the latest.
    pub(super) fn wake(&self) -> Option<u64> {
        match self {
            Self::Classic(classic) => classic.wake(),
            Self::Consumer(consumer) => consumer.wake(),
        }
    }

    /// Ends the group: whoever still holds it finds it dead.
    pub(super) fn bury(&mut self) {
        match self {
            Self::Classic(classic) => classic.bury(),
            Self::Consumer(consumer) => **consumer = Consumer::default(),
        }
    }
}

/// What the lock protects.
pub(super) struct Held {
    /// The members, and where they are.
    pub(super) kind: GroupKind,
    pub(super) offsets: Offsets,
    /// Where to send the answers to requests that wait. Who waits no longer has dropped the other end.
    pub(super) waiting: HashMap<Ticket, oneshot::Sender<MemberAnswer>>,
    /// The moment that the timers know of.
    pub(super) scheduled: Option<u64>,
    /// The group's last records: who reads its offsets waits until these are visible, so that nobody acts on a commit
    /// that a power cut can take back.
    pub(super) written: Option<StoredUpTo>,
    /// Whether the log has a record of the group itself, beside those of offsets.
    pub(super) stored: bool,
    /// The topics that a group of KIP-848 has looked at. Not to be kept for it: that would keep deleted ones.
    pub(super) seen: Option<Weak<ClusterImage>>,
    /// The topics among which all regular expressions of its members were matched.
    pub(super) matched: Option<Weak<ClusterImage>>,
    /// Held while they are matched: one of its members sees to it for all.
    pub(super) matching: Arc<tokio::sync::Mutex<()>>,
    /// It is not in the list any more: look the group up again.
    pub(super) gone: bool,
}

impl Held {
    pub(super) fn new(kind: GroupKind) -> Self {
        Self {
            kind,
            offsets: Offsets::default(),
            waiting: HashMap::new(),
            scheduled: None,
            written: None,
            stored: false,
            seen: None,
            matched: None,
            matching: Arc::default(),
            gone: false,
        }
    }

    /// The regular expressions of its members, if what is known of them is of other topics than these.
    pub(super) fn to_match(&self, topics: &Arc<ClusterImage>) -> Vec<(String, Option<Pattern>)> {
        let GroupKind::Consumer(consumer) = &self.kind else {
            return Vec::new();
        };
        if is_of(self.matched.as_ref(), topics) {
            return Vec::new();
        }
        let patterns = consumer.patterns();
        patterns
            .map(|(regex, pattern)| (regex.to_owned(), pattern.cloned()))
            .collect()
    }

    /// Has a group of KIP-848 take note of the topics as they are; where it subscribes by regular expressions not before they were
    /// matched among these.
    pub(super) fn look_at(&mut self, topics: &Arc<ClusterImage>) {
        let is_matched = is_of(self.matched.as_ref(), topics);
        let GroupKind::Consumer(consumer) = &mut self.kind else {
            return;
        };
        if is_of(self.seen.as_ref(), topics)
            || (!is_matched && consumer.patterns().next().is_some())
        {
            return;
        }
        consumer.look_at(&**topics);
        self.seen = Some(Arc::downgrade(topics));
    }

    /// Hands in what all regular expressions stand for among these topics; one that came meanwhile has to be matched among them, too.
    pub(super) fn set_matched(&mut self, all: Vec<(String, Matched)>, topics: &Arc<ClusterImage>) {
        let GroupKind::Consumer(consumer) = &mut self.kind else {
            return;
        };
        let is_all = consumer
            .patterns()
            .all(|(regex, _)| all.iter().any(|(known, _)| known == regex));
        for (regex, matched) in all {
            consumer.set_matched(&regex, matched);
        }
        self.matched = is_all.then(|| Arc::downgrade(topics));
    }

    /// A member has brought a regular expression that was matched among these topics. Where they are others than those of the
    /// rest, all are matched again.
    pub(super) fn add_matched(&mut self, among: &Weak<ClusterImage>) {
        let GroupKind::Consumer(consumer) = &self.kind else {
            return;
        };
        let is_only_one = consumer.patterns().take(2).count() == 1;
        let known = self.matched.take().filter(|known| known.ptr_eq(among));
        self.matched = known.or_else(|| is_only_one.then(|| among.clone()));
    }

    /// Nothing would be lost with it.
    pub(super) fn is_forgettable(&self) -> bool {
        self.kind.is_idle() && self.kind.is_unborn() && !self.stored && self.offsets.is_empty()
    }

    pub(super) fn send(&mut self, ticket: Ticket, answer: MemberAnswer) {
        if let Some(waiting) = self.waiting.remove(&ticket) {
            // A receiver that is gone has been told something else.
            let _ = waiting.send(answer);
        }
    }
}

/// Whether what is remembered is of these topics.
fn is_of(known: Option<&Weak<ClusterImage>>, topics: &Arc<ClusterImage>) -> bool {
    known.is_some_and(|known| std::ptr::eq(known.as_ptr(), Arc::as_ptr(topics)))
}
