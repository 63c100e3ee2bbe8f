//! How far a log goes for whom: one value, one rule.
//!
//! Consumers see what is written, what is flushed where durability asks for that, and what all brokers have that must: the
//! smallest of the three. Each has one writer; the rule is applied when somebody asks.

use std::sync::atomic::{AtomicI64, Ordering};

use super::{Log, Written};

/// Nobody else has to have anything.
const ALONE: i64 = i64::MAX;

/// Offsets before which everything is written, kept, agreed upon. None of them is told anybody before the bytes are there.
#[derive(Debug)]
pub(super) struct Watermarks {
    /// The offset that the next message gets.
    end: AtomicI64,
    /// Before this everything survives a power cut: Kafka's recovery point.
    flushed: AtomicI64,
    /// Before this everything is as durable as the settings ask for: `end`, or what was `flushed`.
    durable: AtomicI64,
    /// Before this all brokers that must have everything have it; set from outside, and can fall.
    agreed: AtomicI64,
}

impl Watermarks {
    /// Those of a log whose messages are all visible that are `agreed` upon.
    pub(super) fn new(end: i64, flushed: i64, agreed: Option<i64>) -> Self {
        Self {
            end: AtomicI64::new(end),
            flushed: AtomicI64::new(flushed),
            durable: AtomicI64::new(end),
            agreed: AtomicI64::new(agreed.unwrap_or(ALONE)),
        }
    }

    pub(super) fn end(&self) -> i64 {
        self.end.load(Ordering::Acquire)
    }

    pub(super) fn flushed(&self) -> i64 {
        self.flushed.load(Ordering::Acquire)
    }

    pub(super) fn agreed(&self) -> i64 {
        self.agreed.load(Ordering::Acquire)
    }

    /// The rule.
    pub(super) fn visible(&self) -> i64 {
        self.durable.load(Ordering::Acquire).min(self.agreed())
    }

    /// Something was written.
    pub(super) fn written(&self, end: i64, is_durable: bool) {
        self.end.store(end, Ordering::Release);
        if is_durable {
            self.is_durable(end);
        }
    }

    /// What is before `offset` was flushed, or is not in the log any more.
    pub(super) fn flushed_to(&self, offset: i64) {
        self.flushed.fetch_max(offset, Ordering::AcqRel);
    }

    /// What is before `offset` is as durable as the settings ask for.
    pub(super) fn is_durable(&self, offset: i64) {
        self.durable.fetch_max(offset, Ordering::AcqRel);
    }

    fn agree(&self, offset: i64) {
        self.agreed.store(offset, Ordering::Release);
    }
}

impl Log {
    /// Sets how far all brokers have this log that must have it; `None` where this one alone must. Consumers see nothing from that
    /// offset on, whatever is written, and from now on also less than before where the offset has fallen (KIP-101).
    ///
    /// A transaction whose marker is not before the offset counts as open, also if consumers have seen that marker once: its end may
    /// yet be cut. Of what ended long before, the log remembers little: then readers of committed messages see less than they might
    /// until the offset has risen again.
    ///
    /// The log knows nothing of what had ended when it was opened, but for what lay behind the offset that was
    /// [agreed](super::OpenOptions::agreed) upon then: the offset does not fall to before that.
    pub fn agree(&self, offset: Option<i64>) {
        self.set_agreed(&self.written.lock(), offset.unwrap_or(ALONE));
    }

    /// [Agrees](Self::agree) on what consumers see at this moment: what is appended or flushed meanwhile is either seen and stays so,
    /// or is not.
    pub fn agree_on_visible(&self) {
        let written = self.written.lock();
        self.set_agreed(&written, self.high_watermark());
    }

    fn set_agreed(&self, written: &Written, offset: i64) {
        self.hide_unconfirmed(written, offset.min(self.high_watermark()));
        self.watermarks.agree(offset);
        self.publish_unstable(written);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consumers_see_the_smallest_of_what_is_written_kept_and_agreed() {
        let marks = Watermarks::new(10, 4, None);
        assert_eq!(marks.visible(), 10);
        marks.written(20, false);
        assert_eq!((marks.end(), marks.visible()), (20, 10), "not kept yet");
        marks.flushed_to(20);
        marks.is_durable(20);
        assert_eq!((marks.flushed(), marks.visible()), (20, 20));
        marks.agree(15);
        assert_eq!(marks.visible(), 15);
        marks.written(30, true);
        assert_eq!(marks.visible(), 15);
        marks.agree(12);
        assert_eq!(marks.visible(), 12, "it can fall");
        marks.agree(ALONE);
        assert_eq!(marks.visible(), 30);
    }
}
