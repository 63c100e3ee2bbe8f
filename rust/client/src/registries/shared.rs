//! What the readers of a consumer without a master and its task share.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use kafkalite_coordination::session::Lease;
use kafkalite_names::TopicPartition;
use parking_lot::Mutex;
use tokio::sync::{mpsc, watch};

use super::membership::{Beginning, RegistryEvent};
use crate::consumer::{Claim, Consumer, StartAt};

#[derive(Debug)]
pub(super) struct RegistryShared {
    /// One for each stream.
    pub(super) streams: Vec<Consumer>,
    /// Of the session in which what is read is owned.
    lease: Mutex<Option<Lease>>,
    pub(super) orders: mpsc::UnboundedSender<RegistryEvent>,
    pub(super) has_ended: watch::Sender<bool>,
}

impl RegistryShared {
    pub(super) fn new(
        streams: Vec<Consumer>,
        orders: mpsc::UnboundedSender<RegistryEvent>,
    ) -> Self {
        Self {
            streams,
            lease: Mutex::default(),
            orders,
            has_ended: watch::Sender::new(false),
        }
    }

    /// Whether what is read is certainly still this consumer's own.
    pub(super) fn may_hand_out(&self) -> bool {
        let lease = self.lease.lock();
        lease.as_ref().is_some_and(Lease::holds)
    }

    pub(super) fn owns_by(&self, lease: Option<Lease>) {
        *self.lease.lock() = lease;
        self.wake();
    }

    pub(super) fn wake(&self) {
        for stream in &self.streams {
            stream.wake();
        }
    }

    fn claims(&self) -> HashMap<TopicPartition, Arc<Claim>> {
        self.streams.iter().flat_map(Consumer::claims).collect()
    }

    /// How far readers are with all that they have.
    pub(super) fn consumed(&self) -> Vec<(TopicPartition, i64)> {
        let claims = self.claims().into_iter();
        claims
            .filter_map(|(of, claim)| Some((of, claim.consumed()?)))
            .collect()
    }

    /// Readers drop what they have of these.
    pub(super) fn revoke(&self, partitions: &BTreeSet<TopicPartition>) {
        for (of, claim) in self.claims() {
            if partitions.contains(&of) {
                claim.revoke();
            }
        }
    }

    /// Readers let go of these, for good; how far they were.
    pub(super) fn stop(&self, partitions: &BTreeSet<TopicPartition>) -> Vec<(TopicPartition, i64)> {
        self.revoke(partitions);
        let mut consumed = self.consumed();
        consumed.retain(|(of, _)| partitions.contains(of));
        let partitions: Vec<_> = partitions.iter().cloned().collect();
        for stream in &self.streams {
            stream.release(&partitions);
        }
        consumed
    }

    pub(super) fn begin(&self, begun: Vec<Beginning>) {
        for Beginning {
            partition,
            stream,
            offset,
        } in begun
        {
            let Some(consumer) = self.streams.get(stream as usize) else {
                continue;
            };
            let claim = Arc::new(Claim::new());
            let claimed = [(partition.clone(), Arc::clone(&claim))];
            consumer.claim(&claimed);
            let at = offset.map_or(StartAt::Reset, StartAt::Offset);
            consumer.begin(&partition, &claim, at);
        }
    }
}
