//! What is written and cannot be read by consumers yet, so that they are told of it when it can: once, and not before.

use super::parked::ENOUGH;

/// What consumers have not been told of. Hidden is what `durability=synced` has not flushed, and what other brokers lack.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    /// Appends: the offset after each, and its bytes.
    appends: Vec<(i64, u64)>,
    /// Where consumers saw to before the high watermark fell, until it is there again: nobody counts what is shown once more.
    fell_from: Option<i64>,
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
        self.appends.push((end, bytes));
    }

    /// What was visible up to `before` is hidden again, or some of it.
    pub(super) fn fall(&mut self, before: i64) {
        self.fell_from = self.fell_from.max(Some(before));
    }

    /// Consumers see up to `visible`.
    pub(super) fn show(&mut self, visible: i64) -> Shown {
        let mut shown = Shown { bytes: 0, end: 0 };
        self.appends.retain(|&(end, bytes)| {
            if end <= visible {
                shown.bytes += bytes;
                shown.end = shown.end.max(end);
            }
            end > visible
        });
        if let Some(before) = self.fell_from {
            // Too often rather than not at all: it happens after a change of leaders.
            shown = Shown {
                bytes: ENOUGH,
                end: visible,
            };
            self.fell_from = Some(before).filter(|&before| visible < before);
        }
        shown
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
    fn what_was_seen_before_a_fall_wakes_whoever_waits_until_it_is_seen_again() {
        let mut hidden = Hidden::default();
        hidden.fall(20);
        assert_eq!(hidden.show(15).bytes, ENOUGH);
        hidden.fall(12);
        assert_eq!(hidden.show(20).bytes, ENOUGH);
        assert_eq!(hidden.show(20).bytes, 0);
    }
}
