//! A topic as the producer sees it: its partitions' accumulators, and the choice among them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kafkalite_wire::ErrorCode;
use parking_lot::RwLock;

use super::accumulator::Accumulator;
use super::shared::Shared;
use crate::cluster::TopicMetadata;
use crate::config::PartitionerChoice;
use crate::error::{ClientError, Result};
use crate::partitioner::partition_of_key;

#[derive(Debug)]
pub(super) struct Topic {
    pub(super) name: Arc<str>,
    partitions: RwLock<Partitions>,
    /// Where records without a key go until a batch is complete; an index into `available`.
    sticky: AtomicUsize,
}

#[derive(Debug, Default)]
struct Partitions {
    /// By partition number.
    accumulators: Vec<Arc<Accumulator>>,
    /// Those that have a leader; all, if none has.
    available: Vec<usize>,
}

impl Topic {
    pub(super) fn new(name: Arc<str>) -> Arc<Self> {
        Arc::new(Self {
            name,
            partitions: RwLock::default(),
            sticky: AtomicUsize::new(fastrand::usize(..)),
        })
    }

    /// Takes over what a refresh found. Partitions are only ever added; a topic that vanished keeps its batches, and they
    /// time out unless it comes back.
    pub(super) fn learn(&self, found: &TopicMetadata, shared: &Shared) {
        if found.error != ErrorCode::None {
            return;
        }
        let mut partitions = self.partitions.write();
        for number in partitions.accumulators.len()..found.partitions.len() {
            partitions.accumulators.push(Accumulator::new(
                Arc::clone(&self.name),
                number as i32,
                shared.next_lane(),
            ));
        }
        let led = |(number, partition): (usize, &crate::cluster::PartitionMetadata)| {
            partition.leader.map(|_| number)
        };
        partitions.available = found
            .partitions
            .iter()
            .enumerate()
            .filter_map(led)
            .collect();
        if partitions.available.is_empty() {
            partitions.available = (0..partitions.accumulators.len()).collect();
        }
    }

    /// The accumulators of all partitions.
    pub(super) fn accumulators(&self) -> Vec<Arc<Accumulator>> {
        self.partitions.read().accumulators.clone()
    }

    pub(super) fn partition_count(&self) -> usize {
        self.partitions.read().accumulators.len()
    }

    /// The error for a partition that it does not have.
    pub(super) fn lacks(&self, partition: i32) -> ClientError {
        ClientError::UnknownPartition {
            topic: Arc::clone(&self.name),
            partition,
            partitions: self.partition_count(),
        }
    }

    /// The partition of a record: the explicit one, or what the partitioner says.
    pub(super) fn choose(
        &self,
        partition: Option<i32>,
        key: Option<&[u8]>,
        choice: PartitionerChoice,
    ) -> Result<Arc<Accumulator>> {
        let partitions = self.partitions.read();
        let all = &partitions.accumulators;
        let number = match (partition, key, choice) {
            (Some(partition), ..) => usize::try_from(partition).unwrap_or(usize::MAX),
            (None, Some(key), PartitionerChoice::Default | PartitionerChoice::Murmur2Random) => {
                partition_of_key(key, all.len()) as usize
            }
            (None, None, PartitionerChoice::Default) => self.stick(&partitions),
            (None, ..) => *fastrand::choice(&partitions.available).unwrap_or(&0),
        };
        let chosen = all.get(number).cloned();
        drop(partitions);
        chosen.ok_or_else(|| self.lacks(partition.unwrap_or(0)))
    }

    fn stick(&self, partitions: &Partitions) -> usize {
        let count = partitions.available.len().max(1);
        let sticky = self.sticky.load(Ordering::Relaxed) % count;
        let number = partitions.available.get(sticky).copied().unwrap_or(0);
        if count == 1
            || !partitions
                .accumulators
                .get(number)
                .is_some_and(|accumulator| accumulator.turned())
        {
            return number;
        }
        // Any of the others, so that a batch's end always moves on.
        let next = (sticky + 1 + fastrand::usize(..count - 1)) % count;
        self.sticky.store(next, Ordering::Relaxed);
        partitions.available[next]
    }
}
