//! How large a batch may become where one was refused for its size: half of that, and with time more again.
//!
//! Deciding only. A limit that was raised since is found again by trying: at most one of [`FIRST_TRIAL`] batches is refused for that, and
//! fewer each time that it was in vain.

/// Batches that ended at the limit before a larger one is tried, at first.
const FIRST_TRIAL: u32 = 64;

/// The same at the most.
const LAST_TRIAL: u32 = 4096;

/// Bytes of a batch before compression.
#[derive(Debug)]
pub(super) struct Largest {
    bytes: usize,
    /// Batches that ended there since it was set.
    ended: u32,
    trial: u32,
}

impl Default for Largest {
    fn default() -> Self {
        Self {
            bytes: usize::MAX,
            ended: 0,
            trial: FIRST_TRIAL / 2,
        }
    }
}

impl Largest {
    pub(super) fn allows(&self, bytes: usize) -> bool {
        bytes <= self.bytes
    }

    /// A batch of so many bytes was refused; how large one may be.
    pub(super) fn refused(&mut self, bytes: usize) -> usize {
        let half = bytes / 2;
        if half < self.bytes {
            self.bytes = half;
            self.ended = 0;
            self.trial = (self.trial * 2).min(LAST_TRIAL);
        }
        half.min(self.bytes)
    }

    /// A batch ends because more is not allowed.
    pub(super) fn ended(&mut self) {
        self.ended += 1;
        if self.ended >= self.trial {
            self.ended = 0;
            self.bytes = self.bytes.saturating_mul(2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ends batches until larger ones are allowed; how many.
    fn until_grown(largest: &mut Largest) -> u32 {
        let before = largest.bytes;
        let mut count = 0;
        while largest.bytes == before {
            largest.ended();
            count += 1;
        }
        assert_eq!(largest.bytes, 2 * before);
        count
    }

    #[test]
    fn what_was_refused_is_tried_again_and_less_often_each_time_in_vain() {
        let mut largest = Largest::default();
        assert!(largest.allows(1 << 30));
        assert_eq!(largest.refused(100_000), 50_000);
        assert!(largest.allows(50_000) && !largest.allows(50_001));
        assert_eq!(largest.refused(120_000), 50_000, "it was sent before");
        let mut trials = Vec::new();
        for _ in 0..8 {
            trials.push(until_grown(&mut largest));
            assert!(largest.allows(100_000));
            largest.refused(100_000);
        }
        assert_eq!(trials, [64, 128, 256, 512, 1024, 2048, 4096, 4096]);
    }

    #[test]
    fn a_limit_that_was_raised_is_found() {
        let mut largest = Largest::default();
        largest.refused(20_000);
        for _ in 0..10 {
            assert_eq!(until_grown(&mut largest), FIRST_TRIAL);
        }
        assert!(largest.allows(1 << 20));
    }
}
