//! What a group's task does with a consumer: partitions come and go one by one, and what stays is not fetched again.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Claim, Consumer, StartAt};
use crate::cluster::Cluster;
use crate::config::ConsumerConfig;
use crate::error::{ClientError, Result};
use kafkalite_names::TopicPartition;

impl Consumer {
    pub(crate) fn config(&self) -> &ConsumerConfig {
        &self.shared.config
    }

    pub(crate) fn cluster(&self) -> &Arc<Cluster> {
        &self.shared.cluster
    }

    /// Something arrived that can be taken, or [`wake`](Self::wake) was called.
    pub(crate) fn arrived(&self) -> impl Future<Output = ()> {
        self.shared.arrived.notified()
    }

    /// Has everybody who waits for a batch look again.
    pub(crate) fn wake(&self) {
        self.shared.wake_all();
    }

    /// Adds partitions. Each waits until [`begin`](Self::begin), or a seek, says where to start.
    pub(crate) fn claim(&self, claimed: &[(TopicPartition, Arc<Claim>)]) {
        self.shared.claim(claimed);
    }

    /// Starts a partition that waits, if it is still that claim's.
    pub(crate) fn begin(&self, of: &TopicPartition, claim: &Arc<Claim>, at: StartAt) {
        // Not assigned any more: nothing to start.
        let _ = self
            .shared
            .change(of, |partition| partition.begin(claim, at));
    }

    /// Tells the reader why a partition that waits, if it is still that claim's, does not start; it is not read until it is
    /// sought.
    pub(crate) fn cannot_begin(&self, of: &TopicPartition, claim: &Arc<Claim>, error: ClientError) {
        let _ = self
            .shared
            .change(of, |partition| partition.cannot_begin(claim, error));
    }

    /// Notes what is wrong at the moment.
    pub(crate) fn troubled(&self, error: ClientError) {
        self.shared.troubled(error);
    }

    pub(crate) fn untroubled(&self) {
        self.shared.untroubled();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }

    /// What the wait brings, unless the consumer is closed before.
    pub(crate) async fn or_closed<T>(&self, wait: impl Future<Output = Result<T>>) -> Result<T> {
        self.shared.closing.or_closed(wait).await
    }

    /// The claims of all partitions.
    pub(crate) fn claims(&self) -> HashMap<TopicPartition, Arc<Claim>> {
        self.shared.look(|partitions| {
            let claims = partitions.iter();
            claims
                .filter_map(|(of, partition)| Some((of.clone(), partition.claim.clone()?)))
                .collect()
        })
    }

    /// Takes partitions out; what was fetched of them is dropped.
    pub(crate) fn release(&self, released: &[TopicPartition]) {
        self.shared.release(released);
    }

    /// How far each partition's reader is from the end that its leader told last. Partitions of which either is not known
    /// yet are left out.
    pub(crate) fn lag(&self) -> Vec<(TopicPartition, i64)> {
        self.shared.look(|partitions| {
            let behind = partitions.iter().filter_map(|(of, partition)| {
                let read = partition.claim.as_ref()?.consumed()?;
                let behind = partition.high_watermark?.saturating_sub(read).max(0);
                Some((of.clone(), behind))
            });
            behind.collect()
        })
    }
}
