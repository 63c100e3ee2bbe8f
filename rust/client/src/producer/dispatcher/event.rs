//! What a dispatcher is told, and what it wants done.

use std::sync::Arc;

use bytes::Bytes;
use kafkalite_records::BatchBuilder;
use kafkalite_wire::api::produce::ProduceResponse;

use super::super::accumulator::Accumulator;
use super::super::batch::{BatchPlace, OutgoingBatch};
use super::super::delivery::{BatchOutcome, WrittenAt};
use super::super::sequences::ProducerIdentity;
use super::request::Parcel;
use crate::cluster::Metadata;
use crate::error::{ClientError, Result};

/// What happened.
#[derive(Debug)]
pub(in crate::producer) enum DispatcherEvent {
    /// A partition has something new.
    Fresh(Arc<Accumulator>),
    /// The cluster was looked at, by whomever.
    Image(Arc<Metadata>),
    /// [`DispatcherEffect::Connect`] is done: there is another connection to this leader, or none.
    Connected(i32, Result<()>),
    /// The connection to this leader has ended. What is in flight there is answered as well, each for itself.
    Lost(i32),
    /// The answer to the [`DispatcherEffect::Send`] with this number, no response with acks=0; and what time of which day it came.
    Answered {
        request: u64,
        answer: Result<Option<ProduceResponse>>,
        now_ms: i64,
    },
    /// The records that this lane waits for, and their builder; nothing if that failed.
    Compressed(usize, Option<(Bytes, BatchBuilder)>),
    /// [`DispatcherEffect::Refresh`] is done. What it brought is told as [`DispatcherEvent::Image`].
    Refreshed(Result<()>),
    /// The answer to [`DispatcherEffect::Identify`].
    Identified(Result<ProducerIdentity>),
    /// Nothing more is sent.
    Ended,
}

/// What is to be done, in this order. Each question is answered by one event, however it ends.
#[derive(Debug)]
pub(in crate::producer) enum DispatcherEffect {
    /// Connect to this leader.
    Connect(i32),
    /// Send a produce request over the connection to this leader.
    Send {
        request: u64,
        leader: i32,
        parcel: Parcel,
    },
    /// Look at the cluster again, unless somebody has since this image was taken.
    Refresh(Arc<Metadata>),
    /// If this topic is missing, the next refresh may create it.
    MayCreate(Arc<str>),
    /// Ask for a producer id.
    Identify,
    /// Compress the records that this lane waits for.
    Compress(usize, BatchBuilder),
    /// There is one more batch to be settled.
    Opened(BatchPlace),
    /// Settle a batch.
    Settle(Settlement),
    /// Keep a builder for another batch.
    Recycle(BatchBuilder),
}

/// A batch was delivered or failed: its deliveries are done, and its memory is free.
#[derive(Debug)]
pub(in crate::producer) struct Settlement {
    pub(in crate::producer) place: BatchPlace,
    /// Bytes that are given back.
    pub(in crate::producer) memory: usize,
    records: u32,
    outcome: Arc<BatchOutcome>,
    fate: Result<WrittenAt>,
}

impl Settlement {
    pub(super) fn of(batch: &OutgoingBatch, fate: Result<WrittenAt, ClientError>) -> Self {
        Self {
            place: batch.place,
            memory: batch.memory,
            records: batch.records,
            outcome: Arc::clone(&batch.outcome),
            fate,
        }
    }

    /// Tells those who wait for the deliveries.
    pub(in crate::producer) fn tell(self) {
        match self.fate {
            Ok(written) => self.outcome.written(written),
            Err(error) => self.outcome.failed(error, self.records),
        }
    }
}
