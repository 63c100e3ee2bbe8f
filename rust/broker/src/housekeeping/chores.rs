//! The chores. Each goes over all partitions; what fails in one is logged and stops no other.

use kafkalite_log::LogError;

use super::schedule::Chore;
use crate::clock::now_ms;
use crate::partition::Partition;
use crate::state::BrokerState;
use crate::topics::Topics;
use crate::wording::counted;

/// Does one chore. Blocks.
pub(super) fn run(chore: Chore, broker: &BrokerState) {
    let now_ms = now_ms();
    match chore {
        Chore::Flush => on_each(&broker.topics, "flush", |partition| {
            partition.flush_if_due(now_ms)
        }),
        Chore::Retain => on_each(&broker.topics, "remove old segments of", |partition| {
            let retained = partition.log.retain(now_ms)?;
            if retained.segments > 0 {
                let (topic, index) = (&partition.topic, partition.index);
                tracing::info!(
                    "{topic}-{index}: removed {} of {}",
                    counted(retained.segments, "old segment"),
                    counted(retained.bytes, "byte")
                );
            }
            Ok(())
        }),
        Chore::NoteFlushed => note("how far the logs are flushed", broker.topics.checkpoint()),
        Chore::NoteStarts => note(
            "where the logs begin",
            broker.topics.checkpoint_start_offsets(),
        ),
        Chore::ExpireOffsets => broker.groups.expire_offsets(),
        Chore::ExpireProducers => {
            let expiration_ms = broker.configs.settings().producer_id_expiration_ms;
            on_each(&broker.topics, "expire producers of", |partition| {
                partition.log.expire_producers(now_ms, expiration_ms);
                Ok(())
            });
        }
    }
}

fn note(what: &str, outcome: Result<(), LogError>) {
    if let Err(error) = outcome {
        tracing::warn!("cannot note {what}: {error}; tried again later");
    }
}

fn on_each(topics: &Topics, what: &str, chore: impl Fn(&Partition) -> Result<(), LogError>) {
    for partition in topics.partitions() {
        match chore(&partition) {
            // Deleted, or the broker has just stopped: nothing is left to do.
            Ok(()) | Err(LogError::Closed { .. }) => {}
            Err(error) => tracing::warn!(
                "cannot {what} {}-{}: {error}",
                partition.topic,
                partition.index
            ),
        }
    }
}
