//! What becomes of batches: written, sent again, or failed.

use std::sync::Arc;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::produce::{ProduceResponse, ProducedPartition};
use tokio::time::Instant;

use super::super::batch::Batch;
use super::super::delivery::Written;
use super::super::sequences::Verdict;
use super::Sender;
use super::request::{Answers, Sent};
use crate::error::{ClientError, Result};

impl Sender {
    /// Settles, or takes back, what was in one request.
    pub(super) fn answered(&mut self, sent: Vec<Sent>, result: Result<Option<ProduceResponse>>) {
        let now = Instant::now();
        match result {
            Ok(Some(response)) => {
                let mut answers = Answers::of(response);
                for sent in sent {
                    let answer = answers.take(&sent);
                    self.lane(sent.lane).in_flight -= 1;
                    self.judge(sent.lane, sent.batch, answer, now);
                }
            }
            Ok(None) => {
                for Sent { lane, batch, .. } in sent {
                    self.lane(lane).in_flight -= 1;
                    self.settle(lane, &batch, Written::default());
                }
            }
            Err(error) => {
                self.refresh_wanted |= error.stale_metadata();
                for Sent { lane, batch, .. } in sent {
                    self.lane(lane).in_flight -= 1;
                    self.retry_or_fail(lane, batch, error.clone(), error.retriable(), now);
                }
            }
        }
    }

    /// What a broker's answer means for a batch.
    fn judge(&mut self, index: usize, batch: Batch, answer: ProducedPartition, now: Instant) {
        let code = answer.error_code;
        if code == ErrorCode::None {
            let known = |number: i64| Some(number).filter(|number| *number >= 0);
            let written = Written {
                base_offset: known(answer.base_offset),
                append_time: known(answer.log_append_time_ms),
            };
            return self.settle(index, &batch, written);
        }
        let lane = self.lane(index);
        let oldest = !lane.has_earlier(batch.id);
        let verdict = if batch.is_stamped() {
            lane.sequences.refused(code, oldest)
        } else if code.is_retriable() {
            Verdict::Retry
        } else {
            Verdict::Fail
        };
        let subject = format!("{}-{}", batch.outcome.topic, batch.outcome.partition);
        let detail = answer
            .record_errors
            .into_iter()
            .find_map(|record| record.batch_index_error_message);
        let error = ClientError::broker("Produce", subject, code, answer.error_message.or(detail));
        self.refresh_wanted |= error.stale_metadata();
        match verdict {
            Verdict::Written => self.settle(index, &batch, Written::default()),
            Verdict::Retry => self.retry_or_fail(index, batch, error, true, now),
            Verdict::Fail => self.retry_or_fail(index, batch, error, false, now),
        }
    }

    fn settle(&mut self, index: usize, batch: &Batch, written: Written) {
        self.lane(index).succeeded();
        batch.outcome.written(written);
        self.shared.settled(batch.id, batch.memory);
    }

    fn retry_or_fail(
        &mut self,
        index: usize,
        mut batch: Batch,
        error: ClientError,
        retriable: bool,
        now: Instant,
    ) {
        if !retriable || batch.attempts > self.shared.config.retries {
            return self.fail(index, &batch, error);
        }
        tracing::debug!(%error, attempt = batch.attempts, "a batch is sent again");
        batch.last_error = Some(error);
        self.active.insert(index);
        self.lane(index).retry(batch, now);
    }

    pub(super) fn fail(&mut self, index: usize, batch: &Batch, error: ClientError) {
        if batch.is_stamped() {
            self.lane(index).sequences.gave_up();
        }
        batch.outcome.failed(error, batch.records);
        self.shared.settled(batch.id, batch.memory);
    }

    /// Fails what has waited longer than `delivery.timeout.ms`; when the next batch will have.
    pub(super) fn expire(&mut self, now: Instant) -> Option<Instant> {
        let limit = self.shared.config.delivery_timeout;
        let horizon = now.checked_sub(limit)?;
        let mut next: Option<Instant> = None;
        for index in self.active.iter().copied().collect::<Vec<_>>() {
            let Some(lane) = self.lanes.get_mut(&index) else {
                continue;
            };
            let (expired, due) = lane.expired(horizon, limit);
            next = [next, due].into_iter().flatten().min();
            for batch in expired {
                let what = format!(
                    "delivering to {}-{}",
                    batch.outcome.topic, batch.outcome.partition
                )
                .into();
                let cause = batch
                    .last_error
                    .clone()
                    .or_else(|| self.last_error.clone())
                    .map(Arc::new);
                self.fail(
                    index,
                    &batch,
                    ClientError::TimedOut {
                        what,
                        setting: "delivery.timeout.ms",
                        limit,
                        cause,
                    },
                );
            }
        }
        next
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
