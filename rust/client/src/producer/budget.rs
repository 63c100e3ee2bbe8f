//! The memory that records wait in (`buffer.memory`).

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::error::{ClientError, Result};

#[derive(Debug)]
pub(super) struct Budget {
    limit: usize,
    used: AtomicUsize,
    room: Notify,
}

impl Budget {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            used: AtomicUsize::new(0),
            room: Notify::new(),
        }
    }

    /// Takes `bytes` if they are free. A record larger than all of it passes when it is alone.
    pub(super) fn reserve(&self, bytes: usize) -> bool {
        let taken = |used: usize| self.has_room(used, bytes).then(|| used + bytes);
        self.used
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, taken)
            .is_ok()
    }

    fn has_room(&self, used: usize, bytes: usize) -> bool {
        used == 0 || used.saturating_add(bytes) <= self.limit
    }

    /// Gives back what was reserved: by a batch that is settled, or for a record that was not taken after all.
    pub(super) fn release(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::AcqRel);
        self.room.notify_waiters();
    }

    /// Waits until `bytes` are free, `max.block.ms` at the most.
    pub(super) async fn room(&self, bytes: usize, max_block: Duration) -> Result<()> {
        let deadline = Instant::now() + max_block;
        loop {
            let room = self.room.notified();
            if self.has_room(self.used.load(Ordering::Acquire), bytes) {
                return Ok(());
            }
            if timeout_at(deadline, room).await.is_err() {
                let what = format!(
                    "waiting for room in the buffer (buffer.memory={})",
                    self.limit
                )
                .into();
                return Err(ClientError::TimedOut {
                    what,
                    setting: "max.block.ms",
                    limit: max_block,
                    cause: None,
                });
            }
        }
    }
}
