//! Which chore is due when. Pure: time comes in as the time since the start.

use std::time::Duration;

use crate::config::Settings;

/// Something to be done from time to time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chore {
    /// Flush logs whose `flush.ms` is over, and segments that are not written to any more.
    Flush,
    /// Take segments that are too old or too many out of the logs.
    Retain,
    /// Say that messages are about to go whose times are old.
    WarnOfTimes,
    /// Note how far each log is flushed: recovery starts from there.
    NoteFlushed,
    /// Note where each log begins: what is before has been deleted.
    NoteStarts,
    /// Forget idempotent producers that have been silent for long.
    ExpireProducers,
    /// Forget committed offsets that nobody has used for long.
    ExpireOffsets,
}

/// `flush.ms` of a topic is kept to within this, however rarely the broker's own setting wants to look.
const FLUSH_LOOK: Duration = Duration::from_secs(1);

/// Messages that retention is about to take are told of within this, or half of its interval.
const TIMES_LOOK: Duration = Duration::from_secs(5);

/// When each chore is due next.
#[derive(Debug)]
pub(super) struct Schedule {
    entries: [Entry; 7],
}

#[derive(Debug)]
struct Entry {
    chore: Chore,
    every: Duration,
    next: Duration,
}

impl Schedule {
    pub(super) fn new(settings: &Settings) -> Self {
        let millis = |ms: u64| Duration::from_millis(ms.max(1));
        let entry = |chore, every| Entry {
            chore,
            every,
            next: every,
        };
        Self {
            entries: [
                entry(
                    Chore::Flush,
                    millis(settings.log_flush_scheduler_interval_ms).min(FLUSH_LOOK),
                ),
                entry(
                    Chore::WarnOfTimes,
                    millis(settings.log_retention_check_interval_ms / 2).min(TIMES_LOOK),
                ),
                entry(
                    Chore::Retain,
                    millis(settings.log_retention_check_interval_ms),
                ),
                entry(
                    Chore::NoteFlushed,
                    millis(settings.log_flush_offset_checkpoint_interval_ms),
                ),
                entry(
                    Chore::NoteStarts,
                    millis(settings.log_flush_start_offset_checkpoint_interval_ms),
                ),
                entry(
                    Chore::ExpireProducers,
                    millis(settings.producer_id_expiration_check_interval_ms),
                ),
                entry(
                    Chore::ExpireOffsets,
                    millis(settings.offsets_retention_check_interval_ms),
                ),
            ],
        }
    }

    /// When to look again, as time since the start.
    pub(super) fn next(&self) -> Duration {
        self.entries
            .iter()
            .map(|entry| entry.next)
            .min()
            .unwrap_or(Duration::MAX)
    }

    /// What is due at `now`. What was missed several times (the machine slept) is done once.
    pub(super) fn take_due(&mut self, now: Duration) -> Vec<Chore> {
        let due = self.entries.iter_mut().filter(|entry| entry.next <= now);
        due.map(|entry| {
            entry.next = now.saturating_add(entry.every);
            entry.chore
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::BrokerConfig;

    fn schedule(settings: &[(&str, &str)]) -> Schedule {
        let mut config = BrokerConfig::new();
        for (name, value) in settings {
            config.set(name, value).unwrap();
        }
        Schedule::new(&Settings::of(&config).unwrap())
    }

    #[test]
    fn each_chore_comes_at_its_own_pace() {
        let mut schedule = schedule(&[
            ("log.flush.scheduler.interval.ms", "400"),
            ("log.retention.check.interval.ms", "1000"),
            ("log.flush.offset.checkpoint.interval.ms", "3000"),
            ("producer.id.expiration.check.interval.ms", "5000"),
        ]);
        let mut done = Vec::new();
        let mut now = Duration::ZERO;
        while now < Duration::from_secs(5) {
            now = schedule.next();
            done.extend(
                schedule
                    .take_due(now)
                    .into_iter()
                    .map(|chore| (now.as_millis(), chore)),
            );
        }
        let times = |wanted| -> Vec<u128> {
            done.iter()
                .filter(|(_, chore)| *chore == wanted)
                .map(|(at, _)| *at)
                .collect()
        };
        assert_eq!(times(Chore::Flush).len(), 12);
        assert_eq!(times(Chore::Retain), [1000, 2000, 3000, 4000, 5000]);
        assert_eq!(times(Chore::NoteFlushed), [3000]);
        assert_eq!(times(Chore::ExpireProducers), [5000]);
    }

    #[test]
    fn after_a_long_sleep_each_chore_is_done_once() {
        let mut schedule = schedule(&[]);
        let hour = Duration::from_hours(1);
        assert_eq!(schedule.take_due(hour).len(), 7);
        assert_eq!(schedule.take_due(hour), []);
        assert_eq!(schedule.next(), hour + FLUSH_LOOK);
    }

    #[test]
    fn the_longest_interval_overflows_nothing() {
        let mut schedule = schedule(&[("log.retention.check.interval.ms", "9223372036854775807")]);
        schedule.take_due(Duration::MAX);
        assert_eq!(schedule.next(), Duration::MAX);
    }
}
