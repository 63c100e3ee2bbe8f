//! What the broker is to the partition, and how far it may show it.

use std::sync::atomic::Ordering;

use kafkalite_log::{LogError, Role};

use super::{Partition, reach};
use crate::replicas::duty::Duty;

impl Partition {
    /// What this broker is to the partition.
    pub(crate) fn role(&self) -> Role {
        let unsaid = Role::Follower { epoch: 0 };
        self.log.role().unwrap_or(unsaid)
    }

    /// The epoch of the partition's leader, be it this broker or another.
    pub(crate) fn leader_epoch(&self) -> i32 {
        self.role().epoch()
    }

    /// Has this broker be to the partition what it is told; news of an earlier epoch is refused. Those who wait here are woken, and
    /// find out whether they have to ask another broker. Call it in turn with others of its kind.
    pub(crate) fn take(&self, duty: Duty) -> Result<(), LogError> {
        let (role, in_sync_with_others) = match duty {
            Duty::Alone => {
                let epoch = self.log.epoch_of(i64::MAX).unwrap_or(0);
                (Role::Leader { epoch }, false)
            }
            Duty::Among {
                role,
                in_sync_with_others,
            } => (role, in_sync_with_others),
        };
        let before = self.log.role();
        let was_shared = self.in_sync_with_others.load(Ordering::Acquire);
        if in_sync_with_others && !was_shared {
            // Before it may lead: what is seen stays seen, and nothing more is until it is known who has it.
            self.log.agree_on_visible();
        }
        let taken = self.log.take_role(role);
        let is_shared = if taken.is_ok() {
            in_sync_with_others
        } else {
            was_shared
        };
        self.in_sync_with_others.store(is_shared, Ordering::Release);
        if !is_shared && (was_shared || in_sync_with_others) {
            self.agree(None);
        }
        taken?;
        if before != Some(role) {
            self.parked.wake_all();
        }
        Ok(())
    }

    /// Sets how far all brokers [have](kafkalite_log::Log::agree) the partition that must; `None` where this one alone must.
    /// Consumers that wait wake for what they can read now: not when something is written, and those who read committed messages
    /// only when it is also of no open transaction. Other brokers, which wait for what is written, sleep on.
    pub(crate) fn agree(&self, offset: Option<i64>) {
        {
            // So that of two that come at once the later one knows that there was a fall.
            let mut hidden = self.hidden.lock();
            let before = self.log.high_watermark();
            self.log.agree(offset);
            let now = self.log.high_watermark();
            if now < before {
                hidden.fall(before, now);
                self.parked.fell(|| reach(&self.log));
            }
        }
        self.became_visible();
    }

    /// How many fetches wait here.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.parked.len()
    }
}
