//! What is written and cannot be read by consumers yet, so that they are told of it when it can: once, and not before.

use std::collections::VecDeque;

use super::parked::ENOUGH;

/// What consumers have not been told of. Hidden is what `durability=synced` has not flushed, and what other brokers lack.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    /// Appends in their order: the offset after each, and its bytes.
    appends: VecDeque<(i64, u64)>,
    fall: Option<Fall>,
}

/// The high watermark fell, and is not back yet: nobody counts what is shown once more.
#[derive(Debug, Clone, Copy)]
struct Fall {
    /// Where consumers saw to before it.
    from: i64,
    /// Up to where they have been told since.
    told: i64,
}

/// What can be read now, and could not before.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) bytes: u64,
    /// The offset after the last of it.
    pub(super) end: i64,
}

impl Hidden {
    /// Something was written up to `end`, and is hidden.
    pub(super) fn append(&mut self, end: i64, bytes: u64) {
        // Nearly always the last: two that append may come here the other way round.
        let at = self.appends.partition_point(|&(other, _)| other < end);
        self.appends.insert(at, (end, bytes));
    }

    /// What was visible up to `before` is hidden again from `now` on.
    pub(super) fn fall(&mut self, before: i64, now: i64) {
        let from = self.fall.map_or(before, |fall| fall.from.max(before));
        self.fall = Some(Fall { from, told: now });
    }

    /// Consumers see up to `visible`.
    pub(super) fn show(&mut self, visible: i64) -> Shown {
        let mut shown = Shown { bytes: 0, end: 0 };
        while let Some(&(end, bytes)) = self.appends.front()
            && end <= visible
        {
            shown.bytes += bytes;
            shown.end = end;
            self.appends.pop_front();
        }
        let Some(fall) = self.fall else { return shown };
        self.fall = (visible < fall.from).then(|| Fall {
            told: fall.told.max(visible),
            ..fall
        });
        // Too often rather than not at all: it happens after a change of leaders.
        let has_risen = visible > fall.told;
        Shown {
            bytes: if has_risen { ENOUGH } else { 0 },
            end: visible,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_append_is_shown_once_when_it_is_covered() {
        let mut hidden = Hidden::default();
        hidden.append(1, 100);
        hidden.append(2, 50);
        hidden.append(3, 7);
        assert_eq!(hidden.show(0).bytes, 0);
        let shown = Shown { bytes: 150, end: 2 };
        assert_eq!(hidden.show(2), shown);
        assert_eq!(hidden.show(2).bytes, 0);
        assert_eq!(hidden.show(9), Shown { bytes: 7, end: 3 });
    }

    #[test]
    fn appends_that_come_in_another_order_are_shown_in_that_of_their_offsets() {
        let mut hidden = Hidden::default();
        for (end, bytes) in [(2, 50), (1, 100), (3, 7)] {
            hidden.append(end, bytes);
        }
        assert_eq!(hidden.show(1), Shown { bytes: 100, end: 1 });
        assert_eq!(hidden.show(3), Shown { bytes: 57, end: 3 });
    }

    #[test]
    fn what_was_seen_before_a_fall_wakes_whoever_waits_at_each_rise_until_it_is_seen_again() {
        let mut hidden = Hidden::default();
        hidden.fall(20, 10);
        hidden.append(21, 5);
        assert_eq!(hidden.show(10).bytes, 0, "what falls shows nothing");
        assert_eq!(hidden.show(15).bytes, ENOUGH);
        assert_eq!(hidden.show(15).bytes, 0, "an append is no rise");
        hidden.fall(15, 12);
        assert_eq!(hidden.show(15).bytes, ENOUGH, "it was told before");
        assert_eq!(hidden.show(20).bytes, ENOUGH);
        assert_eq!(hidden.show(20).bytes, 0);
        assert_eq!(hidden.show(21), Shown { bytes: 5, end: 21 });
    }
}
