//! `Reading`: what a stream or a subscribed consumer reads, and how its reader is told what happens meanwhile.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use kafkalite_client::{Batch, ClientError, RebalanceEvent, StartAt, TopicPartition};
use parking_lot::Mutex;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::batch_source::BatchSource;
use crate::blocking::wait;
use crate::commits::Outcomes;
use crate::errors;
use crate::handed_out::HandedOut;
use crate::message::Message;

/// How long one wait in the core goes on; the reader then waits again.
const PATIENCE: Duration = Duration::from_hours(1);

/// Shared by the Python objects that show it: a stream, its consumer.
pub(crate) struct Reading {
    pub(crate) source: BatchSource,
    pub(crate) taken: Mutex<HandedOut>,
    pub(crate) outcomes: Outcomes,
    /// Whose callback is told of a rebalance, or was last.
    telling: Mutex<Option<ThreadId>>,
    /// Whether one is told at the moment.
    tells: AtomicBool,
    closed: AtomicBool,
}

impl Reading {
    pub(crate) fn new(source: BatchSource, outcomes: Outcomes) -> Arc<Self> {
        Arc::new(Self {
            source,
            taken: Mutex::default(),
            outcomes,
            telling: Mutex::default(),
            tells: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        })
    }

    /// Whether somebody has closed it.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// Ends it, within `limit`.
    pub(crate) async fn close(&self, limit: Duration) -> Result<(), ClientError> {
        self.closed.store(true, Ordering::Relaxed);
        self.source.close(limit).await
    }

    /// The next message, however long it takes; `None` when it is closed.
    pub(crate) fn next(
        &self,
        py: Python<'_>,
        listener: impl Fn() -> Option<Py<PyAny>>,
    ) -> PyResult<Option<Message>> {
        let next = match self.asked()? {
            Some(next) => Some(next),
            None => self.wait_next(py, None, listener)?,
        };
        match next {
            Some(Ok(message)) => Ok(Some(message)),
            // Closed: the iteration ends.
            Some(Err(ClientError::Closed(_))) | None => Ok(None),
            Some(Err(error)) => Err(errors::client(&error)),
        }
    }

    /// What is there, without waiting for more; waits for the first, `limit` at the most.
    pub(crate) fn poll_batch(
        &self,
        py: Python<'_>,
        max_messages: usize,
        limit: Option<Duration>,
        listener: impl Fn() -> Option<Py<PyAny>>,
    ) -> PyResult<Vec<Message>> {
        if max_messages == 0 {
            return Err(PyValueError::new_err("max_messages must be at least 1"));
        }
        let first = match self.asked()? {
            Some(first) => Some(first),
            None => self.wait_next(py, limit, listener)?,
        };
        let first = match first {
            None => return Ok(Vec::new()),
            Some(Err(error)) => return Err(errors::client(&error)),
            Some(Ok(first)) => first,
        };
        let mut messages = vec![first];
        let mut taken = self.taken.lock();
        while messages.len() < max_messages {
            match self.next_of(&mut taken) {
                Some(Ok(message)) => messages.push(message),
                Some(Err(error)) => {
                    taken.trouble = Some(error);
                    break;
                }
                None => break,
            }
        }
        Ok(messages)
    }

    /// The reader comes back for more: what it had in hand is consumed. The next message, if it was taken already and
    /// nothing has to be told first: the short way, which most messages go.
    fn asked(&self) -> PyResult<Option<Result<Message, ClientError>>> {
        let has_event = self.source.member().is_some_and(|member| {
            member.asks();
            member.has_event()
        });
        // An event stays one while it is told.
        if has_event
            && self.tells.load(Ordering::Relaxed)
            && *self.telling.lock() == Some(thread::current().id())
        {
            return Err(errors::group(
                "a rebalance callback cannot ask for messages, for none come until it returns: seek or commit, and return",
            ));
        }
        let mut taken = self.taken.lock();
        taken.settle();
        if has_event || self.outcomes.is_any() {
            return Ok(None);
        }
        Ok(taken.next())
    }

    /// The next message that is there, taken already or not.
    fn next_of(&self, taken: &mut HandedOut) -> Option<Result<Message, ClientError>> {
        loop {
            if let Some(message) = taken.next() {
                return Some(message);
            }
            match self.source.try_next_batch()? {
                Ok(batch) => self.put(taken, batch),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    fn put(&self, taken: &mut HandedOut, batch: Batch) {
        let of = TopicPartition::new(Arc::clone(batch.topic()), batch.partition());
        taken.put(batch, self.source.is_paused(&of));
    }

    /// Waits for a message, `limit` at the most; `None` when the time is up.
    fn wait_next(
        &self,
        py: Python<'_>,
        limit: Option<Duration>,
        listener: impl Fn() -> Option<Py<PyAny>>,
    ) -> PyResult<Option<Result<Message, ClientError>>> {
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        loop {
            self.tell(py, &listener)?;
            let there = self.next_of(&mut self.taken.lock());
            if there.is_some() {
                return Ok(there);
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(None);
            }
            // The ends of batches that were read to their end.
            self.taken.lock().settle();
            let next = async {
                tokio::select! {
                    next = self.source.next_batch(PATIENCE) => next,
                    () = self.outcomes.arrived() => Ok(None),
                }
            };
            match wait(py, left, next)? {
                Some(Ok(Some(batch))) => self.put(&mut self.taken.lock(), batch),
                Some(Ok(None)) | None => {}
                Some(Err(error)) => return Ok(Some(Err(error))),
            }
        }
    }

    /// Calls the listener for what happened to the assignment, and the callbacks of commits that were answered.
    pub(crate) fn tell(
        &self,
        py: Python<'_>,
        listener: impl Fn() -> Option<Py<PyAny>>,
    ) -> PyResult<()> {
        while let Some(event) = self.source.next_event() {
            // Dropped after the call, whatever comes of it: the group waits for that.
            let (kind, partitions) = match event.event() {
                RebalanceEvent::Assigned(partitions) => ("assigned", partitions),
                RebalanceEvent::Revoked(partitions) => ("revoked", partitions),
                RebalanceEvent::Lost(partitions) => ("lost", partitions),
            };
            if let Some(listener) = listener() {
                *self.telling.lock() = Some(thread::current().id());
                self.tells.store(true, Ordering::Relaxed);
                let told = listener.call1(py, (kind, pairs(partitions)));
                self.tells.store(false, Ordering::Relaxed);
                told?;
            }
        }
        self.outcomes.tell(py)
    }

    /// Goes on elsewhere in one partition.
    pub(crate) fn seek(&self, of: &TopicPartition, to: StartAt) -> PyResult<()> {
        if let StartAt::Offset(offset @ ..0) = to {
            return Err(PyValueError::new_err(format!(
                "offsets start at 0, not {offset}"
            )));
        }
        let sought = {
            let mut taken = self.taken.lock();
            taken.forget(of);
            self.source.seek(of, to)
        };
        sought.map_err(|error| errors::client(&error))
    }

    pub(crate) fn set_paused(&self, of: &TopicPartition, paused: bool) -> PyResult<()> {
        let set = {
            let mut taken = self.taken.lock();
            if paused {
                taken.pause(of);
            } else {
                taken.resume(of);
            }
            self.source.set_paused(of, paused)
        };
        set.map_err(|error| errors::client(&error))
    }

    pub(crate) fn paused(&self) -> Vec<TopicPartition> {
        let mut assigned = self.source.assignment();
        assigned.retain(|of| self.source.is_paused(of));
        assigned
    }

    /// For each partition the offset of the next message that is handed out, where it is known.
    pub(crate) fn positions(&self) -> HashMap<TopicPartition, i64> {
        let assigned = self.source.assignment();
        let taken = self.taken.lock();
        let position = |of: TopicPartition| {
            let offset = taken.position(&of).or_else(|| self.source.position(&of))?;
            Some((of, offset))
        };
        assigned.into_iter().filter_map(position).collect()
    }

    /// For each partition how much of it is behind its position, where that is known.
    pub(crate) fn lag(&self) -> HashMap<TopicPartition, i64> {
        let lag = |(of, position)| {
            let behind = self.source.end(&of)?.saturating_sub(position).max(0);
            Some((of, behind))
        };
        self.positions().into_iter().filter_map(lag).collect()
    }
}

/// Partitions as Python has them.
pub(crate) fn pairs(partitions: &[TopicPartition]) -> Vec<(&str, i32)> {
    partitions
        .iter()
        .map(|of| (&*of.topic, of.partition))
        .collect()
}
