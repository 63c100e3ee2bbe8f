//! The chores. Each goes over all partitions; what fails in one is logged and stops no other.

use std::sync::atomic::Ordering;

use kafkalite_log::LogError;

use super::schedule::Chore;
use crate::replicas::Replicas;
use crate::replicas::partition::Partition;
use crate::state::BrokerState;
use crate::warnings::About;
use kafkalite_names::counted;

/// Does one chore. Blocks.
pub(super) fn run(chore: Chore, broker: &BrokerState) {
    let now_ms = broker.world.now_ms();
    match chore {
        Chore::Flush => on_each(broker, "flush", |partition| partition.flush_if_due(now_ms)),
        Chore::WarnOfTimes => warn_of_times(&broker.replicas, now_ms, WHILE_IT_RUNS),
        Chore::Retain => {
            // What came since the last look is not to go without a word either.
            warn_of_times(&broker.replicas, now_ms, WHILE_IT_RUNS);
            retain(broker, now_ms);
        }
        Chore::NoteFlushed => note("how far the logs are flushed", broker.replicas.checkpoint()),
        Chore::NoteStarts => note(
            "where the logs begin",
            broker.replicas.checkpoint_start_offsets(),
        ),
        Chore::ExpireOffsets => broker.groups.expire_offsets(),
        Chore::ExpireProducers => {
            let expiration_ms = broker.configs.settings().producer_id_expiration_ms;
            on_each(broker, "expire producers of", |partition| {
                partition.log.expire_producers(now_ms, expiration_ms);
                Ok(())
            });
        }
    }
}

fn retain(broker: &BrokerState, now_ms: i64) {
    on_each(broker, "remove old segments of", |partition| {
        let retained = partition.log.retain(now_ms)?;
        let (topic, index) = (&partition.topic, partition.index);
        if let Some(reason) = retained.held_back {
            let reason =
                format!("the last segment of {topic}-{index} stays, though it is to go: {reason}");
            warn_of_logs(broker, &reason);
        }
        if retained.segments > 0 {
            tracing::info!(
                "{topic}-{index}: removed {} of {}",
                counted(retained.segments, "old segment"),
                counted(retained.bytes, "byte")
            );
        }
        Ok(())
    });
}

/// When there is time to change a topic's settings, seen from a broker that runs on.
const WHILE_IT_RUNS: &str = "now";
/// The same, seen from one that stops: nobody can ask it for anything any more.
pub(super) const AFTER_THE_STOP: &str = "before or right after the next start";

/// Says of each topic once that messages are about to be deleted which were just written, with times of long ago; `when` is when
/// something can be done about it.
pub(super) fn warn_of_times(replicas: &Replicas, now_ms: i64, when: &str) {
    for topic in replicas.snapshot().iter() {
        let Some(first) = topic.partitions.first() else {
            continue;
        };
        if first.warned_of_times.load(Ordering::Relaxed) {
            continue;
        }
        // What fails here is told by retention, which does the same.
        let counts = topic.partitions.iter();
        let counts = counts.filter_map(|partition| partition.log.expiring_history(now_ms).ok());
        let going: u64 = counts.sum();
        let retention_ms = topic.settings.load().log.retention_ms;
        if let Some(retention_ms) = retention_ms.filter(|_| going > 0) {
            first.warned_of_times.store(true, Ordering::Relaxed);
            tracing::warn!(
                "topic '{}': {} will be deleted at the next check of retention \
                 (log.retention.check.interval.ms), though just written: their times are older than \
                 retention.ms={retention_ms}; to keep them set retention.ms=-1 on the topic {when}, or create it with \
                 message.timestamp.type=LogAppendTime",
                topic.name,
                counted(going, "message")
            );
        }
    }
}

fn note(what: &str, outcome: Result<(), LogError>) {
    if let Err(error) = outcome {
        tracing::warn!("cannot note {what}: {error}; tried again later");
    }
}

fn on_each(broker: &BrokerState, what: &str, chore: impl Fn(&Partition) -> Result<(), LogError>) {
    for partition in broker.replicas.partitions() {
        match chore(&partition) {
            // Deleted, or the broker has just stopped: nothing is left to do.
            Ok(()) | Err(LogError::Closed { .. }) => {}
            Err(error) => {
                let (topic, index) = (&partition.topic, partition.index);
                warn_of_logs(broker, &format!("cannot {what} {topic}-{index}: {error}"));
            }
        }
    }
}

/// Says of a few logs what is wrong with them, and of all others how many they are: a disk that is full is so for each.
fn warn_of_logs(broker: &BrokerState, reason: &str) {
    if broker.warnings.is_new(About::Logs, reason) {
        tracing::warn!("{reason}");
    }
}
