//! Which batches are not settled yet, and which failed and nobody has looked at.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::batch::BatchPlace;
use super::delivery::Failures;

#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) failures: Arc<Failures>,
    batch_ids: AtomicU64,
    /// Batches that are not settled.
    unsettled: Mutex<BTreeSet<BatchPlace>>,
    settled: Notify,
}

impl Ledger {
    pub(super) fn next_batch_id(&self) -> u64 {
        self.batch_ids.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn opened(&self, batch: BatchPlace) {
        self.unsettled.lock().insert(batch);
    }

    /// A batch was delivered or failed.
    pub(super) fn settled(&self, batch: BatchPlace) {
        self.unsettled.lock().remove(&batch);
        self.settled.notify_waiters();
    }

    /// Waits until every batch that exists now is settled.
    pub(super) async fn drained(&self) {
        let mark = self.batch_ids.load(Ordering::Acquire);
        loop {
            let settled = self.settled.notified();
            if self
                .unsettled
                .lock()
                .first()
                .is_none_or(|oldest| oldest.batch >= mark)
            {
                return;
            }
            settled.await;
        }
    }
}
