//! What becomes of batches: written, sent again, or failed.

use std::sync::Arc;
use std::time::Duration;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::produce::{ProduceResponse, ProducedPartition};
use tokio::time::Instant;
use uuid::Uuid;

use super::super::batch::OutgoingBatch;
use super::super::delivery::WrittenAt;
use super::super::refused::{explained, is_too_large};
use super::super::sequences::SequenceVerdict;
use super::request::{Answers, Sent};
use super::{Dispatcher, DispatcherEffect, Settlement};
use crate::error::{ClientError, Result};

impl Dispatcher {
    /// Settles, or takes back, what was in one request.
    pub(super) fn answered(
        &mut self,
        sent: Vec<Sent>,
        answer: Result<Option<ProduceResponse>>,
        now_ms: i64,
    ) {
        match answer {
            Ok(Some(response)) => {
                let mut answers = Answers::of(response);
                for sent in sent {
                    let answer = answers.take(&sent);
                    self.lane(sent.lane).in_flight -= 1;
                    if sent.expired {
                        self.too_late(&sent, answer.error_code == ErrorCode::None);
                    } else {
                        self.judge(sent, answer, now_ms);
                    }
                }
            }
            Ok(None) => {
                for sent in sent {
                    self.lane(sent.lane).in_flight -= 1;
                    if !sent.expired {
                        self.settle(sent.lane, sent.topic_id, &sent.batch, WrittenAt::default());
                    }
                }
            }
            Err(error) => {
                self.refresh_wanted |= error.stale_metadata();
                for sent in sent {
                    self.lane(sent.lane).in_flight -= 1;
                    if sent.expired {
                        self.too_late(&sent, false);
                    } else {
                        let (error, retriable) = (error.clone(), error.retriable());
                        self.retry_or_fail(sent.lane, sent.batch, error, retriable);
                    }
                }
            }
        }
    }

    /// What became of a batch is known, or never will be, after its delivery was given up.
    fn too_late(&mut self, sent: &Sent, is_written: bool) {
        let lane = self.lane(sent.lane);
        if is_written {
            lane.succeeded(sent.topic_id);
        } else if sent.batch.is_stamped() {
            lane.sequences.gave_up();
        }
    }

    /// What a broker's answer means for a batch.
    fn judge(&mut self, sent: Sent, answer: ProducedPartition, now_ms: i64) {
        let Sent {
            lane: index,
            batch,
            topic_id,
            ..
        } = sent;
        let code = answer.error_code;
        if code == ErrorCode::None {
            let known = |number: i64| Some(number).filter(|number| *number >= 0);
            let written = WrittenAt {
                base_offset: known(answer.base_offset),
                append_time: known(answer.log_append_time_ms),
            };
            return self.settle(index, topic_id, &batch, written);
        }
        let batch = if is_too_large(code) {
            match self.split(index, batch) {
                Some(whole) => whole,
                None => return,
            }
        } else {
            batch
        };
        let lane = self.lane(index);
        let oldest = !lane.has_earlier(batch.place);
        let verdict = if batch.is_stamped() {
            lane.sequences.refused(code, oldest)
        } else if code.is_retriable() {
            SequenceVerdict::Retry
        } else {
            SequenceVerdict::Fail
        };
        let subject = format!("{}-{}", batch.outcome.topic, batch.outcome.partition);
        let detail = answer
            .record_errors
            .into_iter()
            .find_map(|record| record.batch_index_error_message);
        let detail = answer.error_message.or(detail);
        let detail = explained(&batch, code, detail, now_ms);
        let error = ClientError::broker("Produce", subject, code, detail);
        self.refresh_wanted |= error.stale_metadata();
        match verdict {
            SequenceVerdict::Written => self.settle(index, topic_id, &batch, WrittenAt::default()),
            SequenceVerdict::Retry => self.retry_or_fail(index, batch, error, true),
            SequenceVerdict::Fail => self.retry_or_fail(index, batch, error, false),
        }
    }

    /// Has a batch that is too large sent again in parts; returns one that cannot be divided.
    fn split(&mut self, index: usize, batch: OutgoingBatch) -> Option<OutgoingBatch> {
        let lane = self.lane(index);
        let parts = batch.split(|bytes| lane.accumulator.refused(bytes));
        if parts.is_empty() {
            return Some(batch);
        }
        tracing::debug!(
            topic = %batch.outcome.topic,
            partition = batch.outcome.partition,
            bytes = batch.size(),
            parts = parts.len(),
            "a batch that is larger than the topic takes is split"
        );
        for part in &parts {
            self.want(DispatcherEffect::Opened(part.place));
        }
        self.lane(index).replace(parts);
        self.active.insert(index);
        None
    }

    fn settle(&mut self, index: usize, topic_id: Uuid, batch: &OutgoingBatch, written: WrittenAt) {
        self.lane(index).succeeded(topic_id);
        self.want(DispatcherEffect::Settle(Settlement::of(batch, Ok(written))));
    }

    fn retry_or_fail(
        &mut self,
        index: usize,
        mut batch: OutgoingBatch,
        error: ClientError,
        retriable: bool,
    ) {
        if !retriable || batch.attempts > self.config.retries {
            return self.fail(index, &batch, error);
        }
        tracing::debug!(%error, attempt = batch.attempts, "a batch is sent again");
        batch.last_error = Some(error);
        self.active.insert(index);
        let now = self.now;
        self.lane(index).retry(batch, now);
    }

    pub(super) fn fail(&mut self, index: usize, batch: &OutgoingBatch, error: ClientError) {
        if batch.is_stamped() {
            self.lane(index).sequences.gave_up();
        }
        self.report(batch, error);
    }

    fn report(&mut self, batch: &OutgoingBatch, error: ClientError) {
        self.want(DispatcherEffect::Settle(Settlement::of(batch, Err(error))));
    }

    /// Fails what has waited longer than `delivery.timeout.ms`, each batch by itself.
    pub(super) fn expire(&mut self) {
        let limit = self.config.delivery_timeout;
        let Some(horizon) = self.now.checked_sub(limit) else {
            return;
        };
        self.expire_in_flight(horizon, limit);
        for index in self.active.iter().copied().collect::<Vec<_>>() {
            let Some(lane) = self.lanes.get_mut(&index) else {
                continue;
            };
            let (expired, due) = lane.expired(horizon, limit);
            if let Some(due) = due {
                self.wake_by(due);
            }
            for batch in expired {
                let error = self.expired(&batch, "");
                self.fail(index, &batch, error);
            }
        }
    }

    /// What is in flight stays so: the answer tells what became of the sequence.
    fn expire_in_flight(&mut self, horizon: Instant, limit: Duration) {
        let mut requests = std::mem::take(&mut self.requests);
        let sent = requests.values_mut().flat_map(|request| &mut request.sent);
        for sent in sent.filter(|sent| !sent.expired) {
            let created = sent.batch.created;
            if created <= horizon {
                sent.expired = true;
                let error = self.expired(&sent.batch, ", which was sent and is not answered,");
                self.report(&sent.batch, error);
            } else {
                self.wake_by(created + limit);
            }
        }
        self.requests = requests;
    }

    fn expired(&self, batch: &OutgoingBatch, state: &str) -> ClientError {
        let (topic, partition) = (&batch.outcome.topic, batch.outcome.partition);
        let objection = self.image.objection(topic, partition);
        let cause = objection.or_else(|| batch.last_error.clone());
        ClientError::TimedOut {
            what: format!("delivering to {topic}-{partition}{state}").into(),
            setting: "delivery.timeout.ms",
            limit: self.config.delivery_timeout,
            cause: cause.or_else(|| self.last_error.clone()).map(Arc::new),
        }
    }

    /// Fails what has not been sent.
    pub(super) fn fail_everything(&mut self, error: &ClientError) {
        for index in self.lanes.keys().copied().collect::<Vec<_>>() {
            while let Some(batch) = self.lane(index).take() {
                self.fail(index, &batch, error.clone());
            }
        }
    }
}
