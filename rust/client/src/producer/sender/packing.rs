//! Puts batches into requests, compressed where that is wanted, and sends these.

use std::sync::Arc;

use bytes::Bytes;
use kafkalite_link::Connection;
use kafkalite_records::{BatchBuilder, BatchOrigin};
use kafkalite_wire::api::produce::ProduceRequest;

use super::identity::Idempotence;
use super::request::Parcel;
use super::{Event, Sender};
use crate::cluster::Metadata;
use crate::codec_pool;
use crate::config::Acks;
use crate::error::ClientError;

impl Sender {
    /// Puts a lane's next batch into a parcel.
    pub(super) fn pack(
        &mut self,
        index: usize,
        connection: &Arc<Connection>,
        parcel: &mut Parcel,
        metadata: &Metadata,
    ) {
        if !self.idempotence.is_settled() {
            return; // an earlier lane of this round used up the epochs
        }
        let Some(lane) = self.lanes.get_mut(&index) else {
            return;
        };
        if lane.in_flight > 0
            && !lane
                .connection
                .as_ref()
                .is_some_and(|other| Arc::ptr_eq(other, connection))
        {
            return;
        }
        if lane.wants_epoch()
            && let Idempotence::Known(identity) = self.idempotence
        {
            // The lane is settled but for what is to be sent again: `readiness` saw to it.
            let Some(bumped) = identity.bumped() else {
                self.idempotence = Idempotence::Wanted;
                return;
            };
            self.idempotence = Idempotence::Known(bumped);
            lane.start_over(bumped);
            let (topic, partition) = (&lane.accumulator.topic, lane.accumulator.partition);
            tracing::debug!(%topic, partition, epoch = bumped.epoch, "sequences start over");
        }
        let Some(mut batch) = lane.take() else { return };
        if let Some(records) = batch.take_long(&self.compressors) {
            lane.compressing = Some(batch);
            return self.compress(index, records);
        }
        if !parcel.sent.is_empty()
            && parcel.bytes + batch.size() > self.shared.config.max_request_size
        {
            lane.untake(batch);
            return;
        }
        let settled = lane.is_settled();
        let stamp = match (batch.stamp(), self.idempotence) {
            (None, Idempotence::Known(identity)) => {
                Some(lane.sequences.stamp(identity, batch.records, settled))
            }
            (stamp, _) => stamp,
        };
        let (bytes, spare) = batch.encode(stamp, &self.compressors);
        if let Some(builder) = spare {
            self.shared.intake.builders.recycle(builder);
        }
        batch.attempts += 1;
        lane.in_flight += 1;
        lane.connection = Some(Arc::clone(connection));
        parcel.add(index, batch, bytes, metadata);
    }

    /// Has records compressed elsewhere. The batch stays with its lane, so that it is settled however that ends.
    fn compress(&mut self, index: usize, mut records: BatchBuilder) {
        let compressors = Arc::clone(&self.compressors);
        self.work.spawn(async move {
            let compressed = codec_pool::run(move || {
                let bytes = compressors.build(&mut records, BatchOrigin::ANONYMOUS);
                (bytes, records)
            });
            // A task of its own, so that a panic ends there and is told.
            Event::Compressed(index, tokio::spawn(compressed).await.ok())
        });
    }

    pub(super) fn compressed(&mut self, index: usize, content: Option<(Bytes, BatchBuilder)>) {
        let Some(mut batch) = self.lane(index).compressing.take() else {
            return;
        };
        match content {
            Some((bytes, spare)) => {
                if let Some(builder) = batch.give_back(bytes, spare) {
                    self.shared.intake.builders.recycle(builder);
                }
                self.lane(index).untake(batch);
            }
            None => self.fail(index, &batch, ClientError::Closed("runtime")),
        }
    }

    /// Sends a parcel; whether there was anything in it.
    pub(super) fn post(&mut self, leader: i32, mut parcel: Parcel) -> bool {
        if parcel.sent.is_empty() {
            return false;
        }
        let link = self.links.entry(leader).or_default();
        link.in_flight += 1;
        let connection = link.connection.clone();
        let config = &self.shared.config;
        let (acks, timeout_ms) = (
            config.acks,
            config.client.request_timeout.as_millis() as i32,
        );
        // However old its batches: giving up a request gives up its connection, with all that others have in flight there.
        let patience = config.client.request_timeout;
        let sent = std::mem::take(&mut parcel.sent);
        let posted = connection
            .ok_or(ClientError::Closed("connection"))
            .and_then(|connection| {
                let (request, version) = parcel.request(
                    acks.code(),
                    timeout_ms,
                    connection.version::<ProduceRequest>()?,
                );
                if acks == Acks::None {
                    Ok(Posted::Unanswered(connection.send_unanswered(
                        &request,
                        version,
                        &parcel.slots,
                    )?))
                } else {
                    Ok(Posted::Asked(
                        connection.send_spliced(&request, version, &parcel.slots, patience)?,
                        connection,
                    ))
                }
            });
        let task = self.work.spawn(async move {
            Event::Answered(match posted {
                Ok(Posted::Asked(reply, _connection)) => {
                    reply.response().await.map(Some).map_err(ClientError::from)
                }
                Ok(Posted::Unanswered(written)) => written
                    .done()
                    .await
                    .map(|()| None)
                    .map_err(ClientError::from),
                Err(error) => Err(error),
            })
        });
        self.requests.insert(task.id(), (leader, sent));
        true
    }
}

enum Posted {
    /// The connection is kept until the answer is there: dropping it would close it.
    Asked(kafkalite_link::Reply<ProduceRequest>, Arc<Connection>),
    Unanswered(kafkalite_link::Written),
}
