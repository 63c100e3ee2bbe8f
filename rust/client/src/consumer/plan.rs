//! What a leader's fetcher shall do now. Deciding only: the time is given.

use std::collections::HashMap;
use std::time::Duration;

use kafkalite_names::TopicPartition;
use tokio::time::Instant;

use super::StartAt;
use super::partition::ReadPartition;
use super::session::Want;
use crate::config::ConsumerConfig;

/// How long the broker may wait for data of the other partitions when a buffer has just become full: it may have room again
/// at any moment, and a request can't be taken back.
const WAIT_WHILE_FULL: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(super) struct Plan {
    pub(super) wanted: Vec<(Want, u64)>,
    /// Partitions whose start has to be asked for.
    pub(super) unresolved: Vec<(TopicPartition, StartAt, i32, u64)>,
    /// How long the broker may wait for data. While partitions are left out because their buffers are full it is as long as
    /// they have been: so a reader that goes on is not held up for long, and one that rests costs few requests.
    pub(super) max_wait: Duration,
    /// When a partition that is left out will not be any more.
    pub(super) wake_at: Option<Instant>,
}

impl Plan {
    /// Of the partitions that this broker leads; those that are wanted are noted as asked for.
    pub(super) fn new(
        partitions: &mut HashMap<TopicPartition, ReadPartition>,
        leader: i32,
        config: &ConsumerConfig,
        now: Instant,
    ) -> Self {
        let mut plan = Self {
            wanted: Vec::new(),
            unresolved: Vec::new(),
            max_wait: config.fetch_max_wait,
            wake_at: None,
        };
        for (of, partition) in partitions {
            if partition.leader != Some(leader) {
                continue;
            }
            partition.asked = None;
            if partition.rests() {
                continue;
            }
            if let Some(moment) = partition.waits_until(now) {
                plan.wake_at = Some(plan.wake_at.map_or(moment, |other| other.min(moment)));
            } else if let Some(offset) = partition.fetch_offset {
                if let Some(since) = partition.full_since(config.queued_max_bytes, now) {
                    let patience = now.saturating_duration_since(since).max(WAIT_WHILE_FULL);
                    plan.max_wait = plan.max_wait.min(patience);
                    continue;
                }
                partition.asked = Some(partition.generation);
                let want = Want {
                    of: of.clone(),
                    topic_id: partition.topic_id,
                    offset,
                    leader_epoch: partition.leader_epoch,
                    max_bytes: config.max_partition_fetch_bytes,
                };
                plan.wanted.push((want, partition.generation));
            } else {
                plan.unresolved.push((
                    of.clone(),
                    partition.start,
                    partition.leader_epoch,
                    partition.generation,
                ));
            }
        }
        plan
    }

    /// Whether the broker may hold the request for so long that something urgent takes it back.
    pub(super) fn is_long(&self) -> bool {
        self.max_wait > WAIT_WHILE_FULL
    }
}

/// Whether the reader may be waiting for a partition that the last plan did not ask for.
pub(super) fn is_urgent(
    partitions: &HashMap<TopicPartition, ReadPartition>,
    leader: i32,
    now: Instant,
) -> bool {
    partitions.values().any(|partition| {
        partition.leader == Some(leader)
            && !partition.is_asked_for()
            && partition.is_dry()
            && !partition.rests()
            && partition.waits_until(now).is_none()
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kafkalite_wire::ErrorCode;
    use uuid::Uuid;

    use super::*;
    use crate::cluster::{PartitionMetadata, TopicMetadata};
    use crate::config::OffsetReset;
    use fastrand::Rng;
    use kafkalite_link::Backoff;

    const LEADER: i32 = 1;

    fn of(partition: i32) -> TopicPartition {
        TopicPartition::new("t", partition)
    }

    /// Two partitions of a leader, read from offset 0, with room for 100 bytes each.
    fn two() -> (HashMap<TopicPartition, ReadPartition>, ConsumerConfig) {
        let settings = [
            ("bootstrap.servers", "127.0.0.1:1"),
            ("queued.max.bytes", "100"),
        ];
        let led = PartitionMetadata {
            leader: Some(LEADER),
            leader_epoch: 0,
        };
        let topic = TopicMetadata {
            name: Arc::from("t"),
            id: Uuid::nil(),
            error: ErrorCode::None,
            partitions: vec![led; 2],
        };
        let partition = |number| {
            let backoff = Backoff::new(Duration::ZERO, Duration::ZERO, Rng::with_seed(1));
            let mut partition = ReadPartition::new(StartAt::Offset(0), backoff);
            partition.learn(&of(number), &topic, OffsetReset::Earliest);
            (of(number), partition)
        };
        let partitions = [partition(0), partition(1)].into();
        (partitions, ConsumerConfig::from_pairs(settings).unwrap())
    }

    fn wanted(plan: &Plan) -> Vec<i32> {
        let mut wanted: Vec<_> = plan.wanted.iter().map(|(it, _)| it.of.partition).collect();
        wanted.sort_unstable();
        wanted
    }

    #[test]
    fn the_longer_a_buffer_has_been_full_the_longer_the_broker_may_wait_for_the_others() {
        let (mut partitions, config) = two();
        let begin = Instant::now();
        let mut now = begin;
        let planned = |partitions: &mut _, now| Plan::new(partitions, LEADER, &config, now);
        let plan = planned(&mut partitions, now);
        assert_eq!(
            (wanted(&plan), plan.max_wait),
            (vec![0, 1], config.fetch_max_wait)
        );
        partitions.get_mut(&of(0)).unwrap().expect(6, 120);
        let mut requests = 0;
        while now < begin + Duration::from_mins(1) {
            let plan = planned(&mut partitions, now);
            assert_eq!(wanted(&plan), [1], "the other one cannot take anything");
            now += plan.max_wait; // nothing comes
            requests += 1;
        }
        let at_the_least = 60_000 / config.fetch_max_wait.as_millis();
        assert!(
            (at_the_least..at_the_least + 10).contains(&requests),
            "{requests} requests in a minute"
        );
        partitions.get_mut(&of(0)).unwrap().expected_done(120);
        let plan = planned(&mut partitions, now);
        assert_eq!(
            (wanted(&plan), plan.max_wait),
            (vec![0, 1], config.fetch_max_wait)
        );
        partitions.get_mut(&of(0)).unwrap().expect(12, 120);
        let plan = planned(&mut partitions, now);
        assert_eq!(plan.max_wait, WAIT_WHILE_FULL, "the reader goes on");
        partitions.get_mut(&of(1)).unwrap().expect(6, 120);
        assert!(planned(&mut partitions, now).wanted.is_empty());
    }

    #[test]
    fn only_what_the_reader_may_be_waiting_for_takes_a_request_back() {
        let (mut partitions, config) = two();
        let now = Instant::now();
        partitions.get_mut(&of(0)).unwrap().expect(6, 120);
        Plan::new(&mut partitions, LEADER, &config, now);
        assert!(!is_urgent(&partitions, LEADER, now));
        partitions.get_mut(&of(0)).unwrap().expected_done(60);
        assert!(
            !is_urgent(&partitions, LEADER, now),
            "there is room, and something to read"
        );
        partitions.get_mut(&of(0)).unwrap().expected_done(60);
        assert!(
            is_urgent(&partitions, LEADER, now),
            "there is nothing to read"
        );
        Plan::new(&mut partitions, LEADER, &config, now);
        assert!(!is_urgent(&partitions, LEADER, now), "it is asked for");
        partitions.get_mut(&of(1)).unwrap().seek(StartAt::Beginning);
        assert!(is_urgent(&partitions, LEADER, now), "from elsewhere");
        assert!(!is_urgent(&partitions, LEADER + 1, now));
    }
}
