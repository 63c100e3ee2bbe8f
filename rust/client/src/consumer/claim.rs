//! The right to read a partition during one assignment: all that a reading thread and a group's task share, without a lock.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// Nothing that could be committed is known.
const UNKNOWN: i64 = -1;

/// The right to read one partition, from when the group assigned it until the group takes it away, or until it is sought.
///
/// Every [`Batch`](crate::Batch) of a [`GroupConsumer`](crate::GroupConsumer) carries it. The reader stores how far it is
/// when it asks for the *next* message, so a message whose processing failed is never committed. The group's task reads
/// that when it commits, and sets `revoked` before it gives the partition up: what the reader still holds of it is then
/// dropped, for it is another member's to read.
#[derive(Debug)]
pub struct Claim {
    consumed: AtomicI64,
    committed: AtomicI64,
    revoked: AtomicBool,
}

impl Claim {
    pub(crate) fn new() -> Self {
        Self {
            consumed: AtomicI64::new(UNKNOWN),
            committed: AtomicI64::new(UNKNOWN),
            revoked: AtomicBool::new(false),
        }
    }

    /// Notes that every message before `next` is done with: one relaxed store. After a batch's last message that is
    /// [`next_offset`](crate::Batch::next_offset), which is beyond offsets that hold no message.
    #[inline]
    pub fn consume(&self, next: i64) {
        self.consumed.store(next, Ordering::Relaxed);
    }

    /// The offset that may be committed: of the message that was handed out last, or is next. `None` if reading has not
    /// found its start yet.
    pub fn consumed(&self) -> Option<i64> {
        let offset = self.consumed.load(Ordering::Relaxed);
        (offset >= 0).then_some(offset)
    }

    /// Whether the partition is to be read no more: drop what is left of its batches.
    #[inline]
    pub fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::Relaxed)
    }

    pub(crate) fn revoke(&self) {
        // The reader may miss this for one more message, and store that it is done after `consumed` was read: it is then
        // delivered again, never lost.
        self.revoked.store(true, Ordering::SeqCst);
    }

    /// Where reading begins is known, unless the reader is beyond that already.
    pub(crate) fn begin(&self, offset: i64) {
        let (relaxed, begun) = (Ordering::Relaxed, &self.consumed);
        let _ = begun.compare_exchange(UNKNOWN, offset, relaxed, relaxed);
    }

    /// What to commit: nothing if that is committed already.
    pub(crate) fn uncommitted(&self) -> Option<i64> {
        let consumed = self.consumed()?;
        (consumed != self.committed.load(Ordering::Relaxed)).then_some(consumed)
    }

    pub(crate) fn committed(&self, offset: i64) {
        self.committed.store(offset, Ordering::Relaxed);
    }
}
