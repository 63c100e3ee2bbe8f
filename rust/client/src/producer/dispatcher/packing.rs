//! Puts batches into requests, compressed where that is wanted.

use bytes::Bytes;
use kafkalite_records::BatchBuilder;

use super::identity::Idempotence;
use super::request::Parcel;
use super::{Dispatcher, DispatcherEffect, InFlight};
use crate::error::ClientError;

impl Dispatcher {
    /// Puts a lane's next batch into a parcel.
    pub(super) fn pack(&mut self, index: usize, connection: u64, parcel: &mut Parcel) {
        if !self.idempotence.is_settled() {
            return; // an earlier lane of this round used up the epochs
        }
        let Some(lane) = self.lanes.get_mut(&index) else {
            return;
        };
        if lane.in_flight > 0 && lane.connection != Some(connection) {
            return;
        }
        if lane.wants_epoch()
            && let Idempotence::Known(identity) = self.idempotence
        {
            // The lane is settled but for what is to be sent again: `readiness` saw to it.
            let Some(bumped) = identity.bumped() else {
                self.idempotence = Idempotence::Wanted(self.now);
                self.identified();
                return;
            };
            self.idempotence = Idempotence::Known(bumped);
            lane.start_over(bumped);
            let (topic, partition) = (&lane.accumulator.topic, lane.accumulator.partition);
            tracing::debug!(%topic, partition, epoch = bumped.epoch, "sequences start over");
        }
        let Some(mut batch) = lane.take() else { return };
        if let Some(records) = batch.take_long(&self.compressors) {
            // The batch stays with its lane, so that it is settled however that ends.
            lane.compressing = Some(batch);
            return self.want(DispatcherEffect::Compress(index, records));
        }
        if !parcel.sent.is_empty() && parcel.bytes + batch.size() > self.config.max_request_size {
            lane.untake(batch);
            return;
        }
        let stamp = match (batch.stamp(), self.idempotence) {
            (None, Idempotence::Known(identity)) => Some(lane.stamp(identity, batch.records)),
            (stamp, _) => stamp,
        };
        let (bytes, spare) = batch.encode(stamp, &self.compressors);
        batch.attempts += 1;
        lane.in_flight += 1;
        lane.connection = Some(connection);
        parcel.add(index, batch, bytes, &self.image);
        if let Some(builder) = spare {
            self.want(DispatcherEffect::Recycle(builder));
        }
    }

    pub(super) fn compressed(&mut self, index: usize, content: Option<(Bytes, BatchBuilder)>) {
        let Some(mut batch) = self.lane(index).compressing.take() else {
            return;
        };
        match content {
            Some((bytes, spare)) => {
                if let Some(builder) = batch.give_back(bytes, spare) {
                    self.want(DispatcherEffect::Recycle(builder));
                }
                self.lane(index).untake(batch);
            }
            None => self.fail(index, &batch, ClientError::Closed("runtime")),
        }
    }

    /// Sends a parcel; whether there was anything in it.
    pub(super) fn post(&mut self, leader: i32, connection: u64, mut parcel: Parcel) -> bool {
        if parcel.sent.is_empty() {
            return false;
        }
        self.links.entry(leader).or_default().in_flight += 1;
        let request = self.next_request;
        self.next_request += 1;
        let in_flight = InFlight {
            leader,
            connection,
            sent: std::mem::take(&mut parcel.sent),
            answer: None,
        };
        self.requests.insert(request, in_flight);
        self.want(DispatcherEffect::Send {
            request,
            leader,
            parcel,
        });
        true
    }
}
