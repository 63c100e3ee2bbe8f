//! The transactions that have ended, for as long as their ends may be hidden again or cut.
//!
//! How far consumers see can fall to any offset, and a marker from there on ends nothing. So none is ever forgotten; but of what
//! ended long before only a little is remembered: neighbours become one that began with the first and ended with the last
//! of them, and these become one again. A watermark that falls far then counts some as open that had ended before it, which hides
//! more, never less.

/// Of each size, a power of two, at least so many spans stay, if there have been as many: the last 32 transactions are remembered one
/// by one, a million in about 500 spans.
const OF_A_SIZE: usize = 32;

/// The ended transactions of a log. Deciding only.
#[derive(Debug, Default)]
pub(super) struct EndedTransactions {
    /// By marker, ascending; sizes do not rise.
    spans: Vec<Span>,
}

/// Transactions that ended one after the other, remembered as one.
#[derive(Clone, Copy, Debug)]
struct Span {
    /// Where the earliest of them begins.
    first_offset: i64,
    /// The last one's marker.
    last_offset: i64,
    /// How many there are.
    size: u64,
}

impl EndedTransactions {
    /// Takes note of a transaction whose marker, at `last_offset`, is behind all others.
    pub(super) fn push(&mut self, first_offset: i64, last_offset: i64) {
        let (mut size, spans) = (1, &mut self.spans);
        spans.push(Span {
            first_offset,
            last_offset,
            size,
        });
        let mut end = spans.len();
        loop {
            let oldest = spans[..end].partition_point(|span| span.size > size);
            // Two become one where enough others stay.
            if end - oldest < OF_A_SIZE + 2 {
                return;
            }
            let joined = spans.remove(oldest);
            let next = &mut spans[oldest];
            next.first_offset = next.first_offset.min(joined.first_offset);
            next.size += joined.size;
            size = next.size;
            end = oldest + 1;
        }
    }

    /// Where the earliest of those begins whose markers are not below `visible`.
    pub(super) fn first_unconfirmed(&self, visible: i64) -> Option<i64> {
        let confirmed = self
            .spans
            .partition_point(|span| span.last_offset < visible);
        let unconfirmed = &self.spans[confirmed..];
        unconfirmed.iter().map(|span| span.first_offset).min()
    }
}

#[cfg(test)]
mod tests {
    use kafkalite_world::Dice;

    use super::*;

    /// Transactions that overlap, by their markers.
    fn overlapping(seed: u64, count: i64) -> Vec<(i64, i64)> {
        let mut rng = Dice::seeded(seed).rng();
        let begun = |number: i64| (3 * number - rng.i64(1..100), 3 * number);
        (100..100 + count).map(begun).collect()
    }

    fn first_of(transactions: &[(i64, i64)]) -> Option<i64> {
        transactions.iter().map(|(first, _)| *first).min()
    }

    #[test]
    fn the_latest_are_remembered_one_by_one_and_the_others_never_show_more() {
        for seed in 0..4 {
            let all = overlapping(seed, 2_000);
            let mut ended = EndedTransactions::default();
            for (count, (first, marker)) in (1..).zip(&all) {
                ended.push(*first, *marker);
                for back in [1, OF_A_SIZE / 2, OF_A_SIZE, 3 * OF_A_SIZE, count / 2, count] {
                    let unconfirmed = &all[count.saturating_sub(back)..count];
                    let Some((_, visible)) = unconfirmed.first() else {
                        continue;
                    };
                    let (found, exact) = (ended.first_unconfirmed(*visible), first_of(unconfirmed));
                    assert!(
                        found.is_some() && found <= exact,
                        "seed {seed}, {back} of {count}"
                    );
                    if back <= OF_A_SIZE {
                        assert_eq!(found, exact, "seed {seed}, {back} of {count}");
                    }
                }
                assert_eq!(ended.first_unconfirmed(marker + 1), None);
            }
        }
    }

    #[test]
    fn a_million_take_little_room_and_hide_little_more_than_what_had_not_ended() {
        let count = 1_000_000;
        let mut ended = EndedTransactions::default();
        for number in 0..count {
            ended.push(2 * number, 2 * number + 1);
        }
        assert!(
            ended.spans.len() <= 16 * OF_A_SIZE + 16,
            "{}",
            ended.spans.len()
        );
        for back in [10, 1_000, 100_000, 999_999] {
            let exact = 2 * (count - back);
            let found = ended.first_unconfirmed(exact).unwrap();
            assert!(
                (exact - back / 8..=exact).contains(&found),
                "{back}: {found}"
            );
        }
    }
}
