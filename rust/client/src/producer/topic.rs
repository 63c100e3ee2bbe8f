//! A topic as the producer sees it: its partitions' accumulators, and the choice among them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use kafkalite_wire::ErrorCode;
use kafkalite_world::Dice;
use parking_lot::RwLock;
use uuid::Uuid;

use super::accumulator::Accumulator;
use crate::cluster::{Interest, TopicMetadata};
use crate::config::PartitionerChoice;
use crate::error::{ClientError, Result};
use crate::partitioner::partition_of_key;

#[derive(Debug)]
pub(super) struct KnownTopic {
    pub(super) name: Arc<str>,
    /// Has its metadata refreshed.
    _interest: Interest,
    partitions: RwLock<Partitions>,
    /// How often it was [looked at](Self::is_unused) since something was last sent to it.
    unused: AtomicU32,
    /// Where records without a key go until a batch is complete; an index into `available`.
    sticky: AtomicUsize,
    dice: Dice,
}

#[derive(Debug, Default)]
struct Partitions {
    /// The topic's, zero where the cluster has none.
    id: Uuid,
    /// By partition number.
    accumulators: Vec<Arc<Accumulator>>,
    /// Those that have a leader; all, if none has.
    available: Vec<usize>,
}

impl KnownTopic {
    pub(super) fn new(interest: Interest, dice: Dice) -> Arc<Self> {
        Arc::new(Self {
            name: Arc::clone(interest.name()),
            _interest: interest,
            partitions: RwLock::default(),
            unused: AtomicU32::new(0),
            sticky: AtomicUsize::new(dice.rng().usize(..)),
            dice,
        })
    }

    /// Something is sent to it.
    #[inline]
    pub(super) fn note_use(&self) {
        if self.unused.load(Ordering::Relaxed) > 0 {
            self.unused.store(0, Ordering::Relaxed);
        }
    }

    /// Looks whether nothing was sent to it since the last so many looks.
    pub(super) fn is_unused(&self, looks: u32) -> bool {
        self.unused.fetch_add(1, Ordering::Relaxed) >= looks
    }

    /// Takes nothing more, if it has nothing: whoever still holds it has to look for the topic again.
    pub(super) fn retire(&self) -> bool {
        let accumulators = self.accumulators();
        let is_empty = accumulators.iter().all(|one| one.retire());
        if !is_empty {
            for accumulator in accumulators {
                accumulator.reopen();
            }
        }
        is_empty
    }

    /// Takes over what a refresh found. Partitions are only ever added, unless the topic was deleted and created with fewer;
    /// one that vanished keeps its batches, and they time out unless it comes back.
    pub(super) fn learn(&self, found: &TopicMetadata, mut next_lane: impl FnMut() -> usize) {
        if found.error != ErrorCode::None {
            return;
        }
        let mut partitions = self.partitions.write();
        // Only with another id: a broker that was not told yet of further partitions would have them thrown away.
        if partitions.id != found.id && !partitions.id.is_nil() && !found.id.is_nil() {
            let count = found.partitions.len().min(partitions.accumulators.len());
            for gone in partitions.accumulators.drain(count..) {
                gone.refuse();
            }
        }
        partitions.id = found.id;
        for number in partitions.accumulators.len()..found.partitions.len() {
            partitions.accumulators.push(Accumulator::new(
                Arc::clone(&self.name),
                number as i32,
                next_lane(),
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
            (None, ..) => {
                let any = self.dice.rng().choice(&partitions.available);
                *any.unwrap_or(&0)
            }
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
        let next = (sticky + 1 + self.dice.rng().usize(..count - 1)) % count;
        self.sticky.store(next, Ordering::Relaxed);
        partitions.available[next]
    }
}
