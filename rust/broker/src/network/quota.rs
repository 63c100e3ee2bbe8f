//! `queued.max.request.bytes`: how much memory large requests may take together. Small ones are not counted: every
//! connection may hold one.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Larger frames are large: they share a quota.
pub(super) const SMALL: usize = 64 * 1024;
/// The semaphore counts in these.
const UNIT: usize = 1024;

/// Memory that large requests share. Served in the order of asking, so that a large request is not starved by small ones.
#[derive(Debug)]
pub(super) struct Quota {
    units: Option<(Arc<Semaphore>, u32)>,
}

/// The right to hold one frame; gives it back when dropped.
#[derive(Debug, Default)]
pub(super) struct Hold {
    permit: Option<OwnedSemaphorePermit>,
}

impl Quota {
    /// At most `limit` bytes at one time; `None`: no limit.
    pub(super) fn new(limit: Option<u64>) -> Self {
        let units = limit.map(|bytes| {
            let units = usize::try_from(bytes)
                .unwrap_or(usize::MAX)
                .div_ceil(UNIT)
                .clamp(1, Semaphore::MAX_PERMITS >> 32);
            (Arc::new(Semaphore::new(units)), units as u32)
        });
        Self { units }
    }

    /// Waits until a frame of `len` bytes may be held. One that is larger than the limit is held alone.
    pub(super) async fn hold(&self, len: usize) -> Hold {
        match &self.units {
            Some((units, all)) if len > SMALL => {
                let wanted = u32::try_from(len.div_ceil(UNIT))
                    .unwrap_or(u32::MAX)
                    .min(*all);
                // The semaphore is never closed, so this is always a permit.
                Hold {
                    permit: Arc::clone(units).acquire_many_owned(wanted).await.ok(),
                }
            }
            _ => Hold::default(),
        }
    }
}

impl Hold {
    /// Whether others wait for this one to be given back.
    pub(super) fn counts(&self) -> bool {
        self.permit.is_some()
    }

    /// The frame that was held the right for. It gives it back with its last slice: a request that waits for something
    /// else than its own bytes, such as a fetch for records, holds up nobody.
    pub(super) fn with(self, frame: Bytes) -> Bytes {
        if self.counts() {
            Bytes::from_owner(Held { frame, _hold: self })
        } else {
            frame
        }
    }
}

struct Held {
    frame: Bytes,
    _hold: Hold,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.frame
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn large_frames_wait_for_one_another_and_small_ones_do_not() {
        let quota = Quota::new(Some(1 << 20));
        let first = quota.hold(1 << 20).await;
        let second = quota.hold(100_000);
        tokio::pin!(second);
        assert!(
            tokio::time::timeout(Duration::from_millis(1), &mut second)
                .await
                .is_err()
        );
        drop(quota.hold(SMALL).await);
        drop(first);
        drop(second.await);
        // Larger than the limit: alone, but at all.
        drop(quota.hold(usize::MAX).await);
        drop(Quota::new(None).hold(usize::MAX).await);
    }
}
