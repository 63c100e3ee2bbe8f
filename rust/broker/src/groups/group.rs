//! One group at the edge of its state machine: the lock around it, those who wait for its answers, its offsets.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::classic::{Answer, Classic, Ticket};
use super::offsets::Offsets;
use super::storage::Written;

/// A group and its lock. Whatever is done under the lock is short: the longest is an append to the page cache.
pub(super) struct Group {
    pub(super) id: Arc<str>,
    pub(super) held: Mutex<Held>,
}

/// What the lock protects.
pub(super) struct Held {
    /// The members, and where they are. A group of KIP-848 will be the other kind.
    pub(super) classic: Classic,
    pub(super) offsets: Offsets,
    /// Where to send the answers to requests that wait. Who waits no longer has dropped the other end.
    pub(super) waiting: HashMap<Ticket, oneshot::Sender<Answer>>,
    /// The moment that the timers know of.
    pub(super) scheduled: Option<u64>,
    /// The group's last records: who reads its offsets waits until these are visible, so that nobody acts on a commit
    /// that a power cut can take back.
    pub(super) written: Option<Written>,
    /// Whether the log has a record of the group itself, beside those of offsets.
    pub(super) stored: bool,
    /// It is not in the list any more: look the group up again.
    pub(super) gone: bool,
}

impl Held {
    pub(super) fn new(classic: Classic) -> Self {
        Self {
            classic,
            offsets: Offsets::default(),
            waiting: HashMap::new(),
            scheduled: None,
            written: None,
            stored: false,
            gone: false,
        }
    }

    /// Nothing would be lost with it.
    pub(super) fn is_forgettable(&self) -> bool {
        self.classic.is_idle()
            && self.classic.is_unborn()
            && !self.stored
            && self.offsets.is_empty()
    }

    pub(super) fn send(&mut self, ticket: Ticket, answer: Answer) {
        if let Some(waiting) = self.waiting.remove(&ticket) {
            // A receiver that is gone has been told something else.
            let _ = waiting.send(answer);
        }
    }
}
