//! Compaction, in the background: the dirtiest log first, one after the other, and no faster than allowed.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use kafkalite_log::{Cleanable, Compacted, Compactor, LogError};

use super::throttle::Throttle;
use crate::replicas::partition::Partition;
use crate::state::BrokerState;

/// A change of the settings, and a stop, is noticed within this.
const LOOK: Duration = Duration::from_secs(1);
const SLICE: Duration = Duration::from_millis(100);

/// Looks for logs that are due, every `log.cleaner.backoff.ms`, until the broker stops.
pub(crate) async fn run(broker: Arc<BrokerState>) {
    if !broker.configs.settings().log_cleaner_enable {
        tracing::info!("log.cleaner.enable=false: nothing is compacted");
        return;
    }
    let mut stopping = broker.stopping.subscribe();
    let mut looked = Instant::now();
    loop {
        let backoff = Duration::from_millis(broker.configs.settings().log_cleaner_backoff_ms);
        let wait = backoff.saturating_sub(looked.elapsed());
        if !wait.is_zero() {
            tokio::select! {
                biased;
                _ = stopping.wait_for(|stopping| *stopping) => return,
                () = tokio::time::sleep(wait.min(LOOK)) => continue,
            }
        }
        let state = Arc::clone(&broker);
        let done = tokio::task::spawn_blocking(move || compact_all(&state));
        if done.await.is_err() {
            tracing::error!("a compaction panicked; others go on");
        }
        if *stopping.borrow() {
            return;
        }
        looked = Instant::now();
        tokio::task::yield_now().await;
    }
}

/// The file with how far logs are compacted has a line for each of them.
const BETWEEN_NOTES: Duration = Duration::from_secs(1);

/// A log that may be compacted.
struct Candidate {
    partition: Arc<Partition>,
    cleanable: Cleanable,
}

/// Compacts until nothing is due. Blocks.
fn compact_all(broker: &BrokerState) {
    let mut compactor = Compactor::new(broker.configs.settings().compactor);
    let mut passed_over: Vec<Arc<Partition>> = Vec::new();
    loop {
        let mut due = due(broker, &passed_over);
        if due.is_empty() || !is_safe_on_disk(broker, &mut due, &mut passed_over) {
            return;
        }
        let mut noted = Instant::now();
        for candidate in due {
            if *broker.stopping.borrow() {
                break;
            }
            if !compact(broker, &candidate, &mut compactor) {
                passed_over.push(candidate.partition);
            }
            if noted.elapsed() >= BETWEEN_NOTES {
                note(broker);
                noted = Instant::now();
            }
        }
        note(broker);
        if *broker.stopping.borrow() {
            return;
        }
    }
}

/// Makes sure that no start takes the holes that compaction leaves between segments for lost messages: it asks only behind
/// the recovery points. Those whose log cannot be flushed are passed over.
fn is_safe_on_disk(
    broker: &BrokerState,
    due: &mut Vec<Candidate>,
    passed_over: &mut Vec<Arc<Partition>>,
) -> bool {
    due.retain(|Candidate { partition, .. }| {
        let flushed = partition.log.flush_rolled();
        if let Err(error) = &flushed {
            give_up(partition, error);
            passed_over.push(Arc::clone(partition));
        }
        flushed.is_ok()
    });
    let noted = broker.replicas.checkpoint();
    if let Err(error) = &noted {
        tracing::warn!("cannot note how far logs are flushed: {error}; compacted later");
    }
    noted.is_ok()
}

fn note(broker: &BrokerState) {
    if let Err(error) = broker.replicas.checkpoint_compacted() {
        tracing::warn!("cannot note how far logs are compacted: {error}");
    }
}

/// The logs that are due, the dirtiest first. All logs are looked at once, however many are due.
fn due(broker: &BrokerState, passed_over: &[Arc<Partition>]) -> Vec<Candidate> {
    let now_ms = broker.world.now_ms();
    let mut due = Vec::new();
    for topic in broker.replicas.snapshot().iter() {
        let settings = topic.settings.load();
        if !settings.compact {
            continue;
        }
        for partition in &topic.partitions {
            let passed_over = passed_over.iter().any(|one| Arc::ptr_eq(one, partition));
            if passed_over || partition.uncleanable.load(Ordering::Relaxed) {
                continue;
            }
            let compacted_to = partition.compacted_to.load(Ordering::Relaxed);
            match partition.log.cleanable(compacted_to, now_ms) {
                Ok(cleanable) if is_due(&cleanable, settings.min_cleanable_dirty_ratio) => {
                    due.push(Candidate {
                        partition: Arc::clone(partition),
                        cleanable,
                    });
                }
                Ok(_) => {}
                Err(error) => give_up(partition, &error),
            }
        }
    }
    let ratio = |candidate: &Candidate| candidate.cleanable.dirty_ratio();
    due.sort_by(|one, other| ratio(other).total_cmp(&ratio(one)));
    due
}

fn is_due(cleanable: &Cleanable, min_ratio: f64) -> bool {
    cleanable.dirty_bytes > 0 && (cleanable.overdue || cleanable.dirty_ratio() > min_ratio)
}

/// Whether it may be looked at again at once.
fn compact(broker: &BrokerState, candidate: &Candidate, compactor: &mut Compactor) -> bool {
    let Candidate {
        partition,
        cleanable,
    } = candidate;
    if !partition.log.config().compacted {
        return false; // its policy has changed while others were compacted
    }
    let began = Instant::now();
    let mut throttle = Throttle::default();
    let mut go_on = |bytes| {
        let limit = broker
            .configs
            .settings()
            .log_cleaner_io_max_bytes_per_second;
        let mut pause = throttle.pause(bytes, began.elapsed(), limit);
        while !pause.is_zero() && !*broker.stopping.borrow() {
            thread::sleep(pause.min(SLICE));
            pause = pause.saturating_sub(SLICE);
        }
        !*broker.stopping.borrow()
    };
    partition.has_been_compacted.store(true, Ordering::Relaxed);
    match partition
        .log
        .compact(cleanable, compactor, broker.world.now_ms(), &mut go_on)
    {
        Ok(done) => {
            tell(partition, &done, began.elapsed());
            partition
                .compacted_to
                .store(done.first_dirty, Ordering::Relaxed);
            done.first_dirty > cleanable.first_dirty
        }
        Err(error) => {
            give_up(partition, &error);
            false
        }
    }
}

/// Says why, unless it is nobody's fault. Does not try again before the next start, unless that may help: a disk is not
/// full for ever, and it is compaction that makes room.
fn give_up(partition: &Partition, error: &LogError) {
    let (topic, index) = (&partition.topic, partition.index);
    match error {
        LogError::Closed { .. } | LogError::CompactionStopped { .. } => {}
        LogError::Io { .. } => {
            tracing::warn!("cannot compact {topic}-{index}: {error}; tried again later");
        }
        _ => {
            partition.uncleanable.store(true, Ordering::Relaxed);
            tracing::error!(
                "{topic}-{index} is not compacted until the broker is started again: {error}"
            );
        }
    }
}

fn tell(partition: &Partition, done: &Compacted, took: Duration) {
    let sentence = format!(
        "compacted {}-{}: {} to {}, {} to {} records, in {:.1} s",
        partition.topic,
        partition.index,
        size(done.bytes_before),
        size(done.bytes_after),
        thousands(done.records_before),
        thousands(done.records_after),
        took.as_secs_f64()
    );
    tracing::info!("{sentence}");
}

/// Bytes as a person reads them.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["bytes", "kB", "MB", "GB"];
    let mut unit = 0;
    let mut amount = bytes;
    while amount >= 10_000 && unit + 1 < UNITS.len() {
        amount = (amount + 500) / 1000;
        unit += 1;
    }
    format!("{} {}", thousands(amount), UNITS[unit])
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_200_000), "1,200,000");
        assert_eq!(size(730), "730 bytes");
        assert_eq!(size(9_999), "9,999 bytes");
        assert_eq!(size(120_400_000), "120 MB");
        assert_eq!(size(3_000_000_000_000), "3,000 GB");
    }

    #[test]
    fn a_log_is_due_when_it_is_dirty_enough_or_waits_too_long() {
        let cleanable = |clean_bytes, dirty_bytes, overdue| Cleanable {
            first_dirty: 0,
            first_uncleanable: 10,
            clean_bytes,
            dirty_bytes,
            overdue,
        };
        assert!(is_due(&cleanable(49, 51, false), 0.5));
        assert!(!is_due(&cleanable(50, 50, false), 0.5));
        assert!(is_due(&cleanable(99, 1, true), 0.5));
        assert!(!is_due(&cleanable(99, 0, true), 0.0));
        assert!(!is_due(&cleanable(0, 0, false), 0.0));
    }
}
