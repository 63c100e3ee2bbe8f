//! What records wait for and the cluster does not have.

use std::sync::Arc;

use tokio::time::Instant;

use super::Dispatcher;
use crate::cluster::Missing;

/// Records that wait for a partition that is missing.
#[derive(Debug)]
pub(in crate::producer) struct Stranded<'a> {
    pub(in crate::producer) topic: &'a Arc<str>,
    pub(in crate::producer) partition: i32,
    pub(in crate::producer) missing: Missing,
    pub(in crate::producer) records: u64,
    pub(in crate::producer) oldest: Instant,
}

impl Dispatcher {
    /// What waits for partitions that the cluster does not have.
    pub(in crate::producer) fn stranded(&self) -> impl Iterator<Item = Stranded<'_>> {
        let active = self.active.iter().filter_map(|lane| self.lanes.get(lane));
        active.filter_map(|lane| {
            let (topic, partition) = (&lane.accumulator.topic, lane.accumulator.partition);
            let missing = self.image.missing(topic, partition)?;
            let (records, oldest) = lane.unsent();
            Some(Stranded {
                topic,
                partition,
                missing,
                records,
                oldest: oldest?,
            })
        })
    }
}
