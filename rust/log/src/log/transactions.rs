//! Which transactions are open, which were aborted, and so what readers of committed messages may see (KIP-98).
//!
//! For those readers, who take no lock, writers publish in this order: a transaction is known as open before its first bytes
//! can be read; it is in its segment's index, if it was aborted, before it is known as ended. It counts as ended when its
//! marker is below the high watermark: before that, a power cut may take the marker and leave the messages. Where the watermark
//! falls to before a marker, the transaction is known as open again before the watermark is known to have fallen.

use std::sync::atomic::Ordering;

use super::prepare::Prepared;
use super::{Log, Written};
use crate::segment::{AbortedTransaction, Segment};

/// "No transaction is open."
pub(super) const ALL_STABLE: i64 = i64::MAX;

/// A transaction that the batches of an append end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub(super) producer_id: i64,
    pub(super) first_offset: i64,
    /// The marker's.
    pub(super) last_offset: i64,
    pub(super) aborted: bool,
}

impl Log {
    /// The offset before which every message is visible and of no transaction that is open: how far readers of committed
    /// messages see.
    pub fn last_stable_offset(&self) -> i64 {
        // In this order: what rises above the watermark later is known as open before.
        let visible = self.high_watermark();
        visible.min(self.first_unstable_offset())
    }

    /// The first offset of the oldest open transaction, or [`ALL_STABLE`].
    pub(super) fn first_unstable_offset(&self) -> i64 {
        let unstable = self.unstable.load(Ordering::Acquire);
        unstable.max(self.start_offset())
    }

    /// Hides what is about to be written of transactions.
    pub(super) fn hide_open(&self, batches: &[Prepared<'_>]) {
        let header = |batch: &Prepared<'_>| batch.header;
        let first = batches
            .iter()
            .map(header)
            .find(|header| header.is_transactional() && !header.is_control());
        if let Some(header) = first {
            self.unstable
                .fetch_min(header.base_offset, Ordering::AcqRel);
        }
    }

    /// Hides what a watermark that is about to fall to `visible` makes open again.
    pub(super) fn hide_unconfirmed(&self, written: &Written, visible: i64) {
        self.unstable
            .fetch_min(written.first_unstable(visible), Ordering::AcqRel);
    }

    /// Publishes what is open now, and what has ended but may still be lost.
    pub(super) fn publish_unstable(&self, written: &Written) {
        let unstable = written.first_unstable(self.high_watermark());
        self.unstable.store(unstable, Ordering::Release);
    }
}

impl Written {
    /// The first offset of the oldest transaction that is open, or whose marker is not below `visible`; or [`ALL_STABLE`].
    fn first_unstable(&self, visible: i64) -> i64 {
        let ended = self.ended.first_unconfirmed(visible).into_iter();
        ended
            .chain(self.producers.first_open_transaction())
            .min()
            .unwrap_or(ALL_STABLE)
    }
    /// Takes note of transactions whose markers were written to a segment, in their order.
    pub(super) fn note_ended(&mut self, segment: &Segment, ended: &[Ended]) {
        for (at, one) in ended.iter().enumerate() {
            if one.aborted {
                let open = self.producers.first_open_transaction();
                let ends_later = ended[at + 1..].iter().map(|later| later.first_offset);
                let unstable = ends_later.chain(open).min();
                segment.aborted.push(one.aborted(unstable));
            }
            self.ended.push(one.first_offset, one.last_offset);
        }
    }
}

impl Ended {
    /// The entry for the index. `unstable` is where the oldest transaction begins that was open when this one ended.
    pub(super) fn aborted(&self, unstable: Option<i64>) -> AbortedTransaction {
        let behind = self.last_offset + 1;
        AbortedTransaction {
            producer_id: self.producer_id,
            first_offset: self.first_offset,
            last_offset: self.last_offset,
            last_stable_offset: unstable.map_or(behind, |unstable| unstable.min(behind)),
        }
    }
}
