//! Times of records as sentences have them: as a date, and what was probably meant by one that cannot be.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kafkalite_world::Clock;

/// Whoever means a time before this (March 1973) in milliseconds more often means seconds.
const PLAUSIBLE_FROM: i64 = 100_000_000_000;

/// A hundred years.
const CENTURY_MS: i64 = 100 * 365 * 86_400_000;

/// Speaks, once, of a time that is so long ago that it is probably no number of milliseconds.
#[derive(Debug)]
pub(crate) struct Suspicion {
    clock: Arc<dyn Clock>,
    is_told: AtomicBool,
}

impl Suspicion {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            is_told: AtomicBool::new(false),
        }
    }

    #[inline]
    pub(crate) fn look(&self, topic: &str, ms: i64) {
        if (0..PLAUSIBLE_FROM).contains(&ms) && !self.is_told.swap(true, Ordering::Relaxed) {
            let (date, meant) = (date(ms), meant(ms, self.clock.now_ms()));
            tracing::warn!(
                "a record for {topic} has the timestamp {ms}, which is {date}: timestamps are milliseconds since 1970 UTC{meant}; said \
                 once for each producer"
            );
        }
    }
}

/// What to say of records that were refused for their times: of one with the earliest or the first, and of the latest.
pub(crate) fn refusal(first: i64, latest: i64, now: i64) -> String {
    let (time, setting, bound) = if latest > now {
        (latest, "message.timestamp.after.max.ms", "after")
    } else {
        (first, "message.timestamp.before.max.ms", "before")
    };
    format!(
        "{time} is {}, further {bound} now than the topic's {setting} allows; timestamps are milliseconds since 1970 UTC{}",
        date(time),
        meant(time, now)
    )
}

/// The unit in which a time would be one of our days.
fn meant(time: i64, now: i64) -> String {
    let is_of_our_days = |ms: i64| (PLAUSIBLE_FROM..now.saturating_add(CENTURY_MS)).contains(&ms);
    let units = [
        ("seconds", time.checked_mul(1000)),
        ("microseconds", Some(time / 1000)),
        ("nanoseconds", Some(time / 1_000_000)),
    ];
    let unit = units
        .into_iter()
        .find(|(_, ms)| !is_of_our_days(time) && ms.is_some_and(is_of_our_days));
    unit.map_or_else(String::new, |(unit, _)| {
        format!(", and this looks like {unit}")
    })
}

/// `2026-11-29T04:31:00Z`, whatever the year.
fn date(ms: i64) -> String {
    /// The calendar repeats itself after so many years, and days.
    const CYCLE: (i64, i64) = (400, 146_097);
    let seconds = ms.div_euclid(1000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let mut year = 1970 + CYCLE.0 * days.div_euclid(CYCLE.1);
    let mut day = days.rem_euclid(CYCLE.1);
    while day >= days_of_year(year) {
        day -= days_of_year(year);
        year += 1;
    }
    let february = days_of_year(year) - 337;
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!(
        "{year:04}-{month:02}-{:02}T{hour:02}:{minute:02}:{:02}Z",
        day + 1,
        second % 60
    )
}

fn days_of_year(year: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    365 + i64::from(is_leap)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_790_000_000_000;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (ms, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399_999, "2000-02-28T23:59:59Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_798_761_599_000, "2026-12-31T23:59:59Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
            (NOW * 1000, "58692-11-03T14:13:20Z"),
        ] {
            assert_eq!(date(ms), expected);
        }
        assert!(date(i64::MAX).starts_with("292278994-08-17"));
        assert!(date(i64::MIN).ends_with('Z'));
    }

    #[test]
    fn the_unit_that_was_probably_meant_is_named() {
        for (time, expected) in [
            (NOW / 1000, ", and this looks like seconds"),
            (NOW * 1000, ", and this looks like microseconds"),
            (NOW * 1_000_000, ", and this looks like nanoseconds"),
            (NOW + 86_400_000, ""),
            (7, ""),
            (i64::MAX, ""),
        ] {
            assert_eq!(meant(time, NOW), expected, "{time}");
        }
    }
}
