//! `MessageStream`: an iterator over messages that waits for more.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kafkalite_client::{BatchLayouts, ClientError, StartAt, TopicPartition};
use kafkalite_records::TimestampType;
use parking_lot::Mutex;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::blocking::{seconds, wait};
use crate::errors;
use crate::message::{Message, Origin};

/// How long one wait in the core goes on; the stream then waits again.
const PATIENCE: Duration = Duration::from_hours(1);

/// An iterator over the messages of some partitions of a topic.
#[pyclass(frozen, module = "kafkalite")]
pub(crate) struct MessageStream {
    core: Arc<kafkalite_client::Consumer>,
    topic: Arc<str>,
    partitions: Vec<i32>,
    taken: Mutex<Taken>,
}

/// What was taken from the core and not handed out yet. Locked for moments only, never while anything waits.
#[derive(Default)]
struct Taken {
    batches: VecDeque<TakenBatch>,
    /// Met while messages before it were handed out; told next.
    trouble: Option<ClientError>,
}

struct TakenBatch {
    origin: Arc<Origin>,
    layouts: BatchLayouts,
    /// Offset after the last message handed out.
    next_offset: i64,
}

impl Taken {
    /// The next message; `None` if all were handed out.
    fn next(&mut self) -> Option<Result<Message, ClientError>> {
        if let Some(error) = self.trouble.take() {
            return Some(Err(error));
        }
        while let Some(batch) = self.batches.front_mut() {
            match batch.layouts.next() {
                Some(Ok(layout)) => {
                    batch.next_offset = layout.offset + 1;
                    return Some(Ok(Message::read(Arc::clone(&batch.origin), layout)));
                }
                Some(Err(source)) => {
                    let error = ClientError::Records {
                        topic: Arc::clone(&batch.origin.topic),
                        partition: batch.origin.partition,
                        offset: batch.next_offset,
                        source,
                    };
                    self.batches.pop_front();
                    return Some(Err(error));
                }
                None => {
                    self.batches.pop_front();
                }
            }
        }
        None
    }

    fn put(&mut self, batch: kafkalite_client::Batch) {
        let origin = Origin {
            topic: Arc::clone(batch.topic()),
            partition: batch.partition(),
            payload: batch.payload().clone(),
            log_append: batch.timestamp_type() == TimestampType::LogAppend,
        };
        self.batches.push_back(TakenBatch {
            origin: Arc::new(origin),
            next_offset: batch.first_offset(),
            layouts: batch.into_layouts(),
        });
    }

    fn forget(&mut self, partition: i32) {
        self.batches
            .retain(|batch| batch.origin.partition != partition);
    }

    /// Where a partition goes on, if that is not yet the core's position.
    fn position(&self, partition: i32) -> Option<i64> {
        let mut batches = self.batches.iter();
        batches
            .find(|batch| batch.origin.partition == partition)
            .map(|batch| batch.next_offset)
    }
}

impl MessageStream {
    pub(crate) fn new(
        core: Arc<kafkalite_client::Consumer>,
        topic: Arc<str>,
        partitions: Vec<i32>,
    ) -> Self {
        Self {
            core,
            topic,
            partitions,
            taken: Mutex::default(),
        }
    }

    /// The next message that is there.
    fn try_next(&self) -> Option<Result<Message, ClientError>> {
        let mut taken = self.taken.lock();
        loop {
            if let Some(message) = taken.next() {
                return Some(message);
            }
            match self.core.try_next_batch()? {
                Ok(batch) => taken.put(batch),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Waits for a message, `limit` at the most; `None` when the time is up.
    fn wait_next(
        &self,
        py: Python<'_>,
        limit: Option<Duration>,
    ) -> PyResult<Option<Result<Message, ClientError>>> {
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        loop {
            if let Some(message) = self.try_next() {
                return Ok(Some(message));
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(None);
            }
            match wait(py, left, self.core.next_batch(PATIENCE))? {
                Some(Ok(Some(batch))) => self.taken.lock().put(batch),
                Some(Ok(None)) | None => {}
                Some(Err(error)) => return Ok(Some(Err(error))),
            }
        }
    }

    fn of(&self, partition: i32) -> PyResult<TopicPartition> {
        if self.partitions.contains(&partition) {
            return Ok(TopicPartition::new(Arc::clone(&self.topic), partition));
        }
        let sentence = format!(
            "this stream reads partitions {:?} of {}, not {partition}",
            self.partitions, self.topic
        );
        Err(PyValueError::new_err(sentence))
    }

    fn seek_all(&self, to: StartAt) -> PyResult<()> {
        self.partitions
            .iter()
            .try_for_each(|&partition| self.seek_to(partition, to))
    }

    fn seek_to(&self, partition: i32, to: StartAt) -> PyResult<()> {
        let partition = self.of(partition)?;
        let mut taken = self.taken.lock();
        taken.forget(partition.partition);
        self.core
            .seek(&partition, to)
            .map_err(|error| errors::client(&error))
    }
}

#[pymethods]
impl MessageStream {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Message>> {
        let next = match self.try_next() {
            Some(next) => Some(next),
            None => self.wait_next(py, None)?,
        };
        match next {
            Some(Ok(message)) => Ok(Some(message)),
            // Closed: the iteration ends.
            Some(Err(ClientError::Closed(_))) | None => Ok(None),
            Some(Err(error)) => Err(errors::client(&error)),
        }
    }

    #[pyo3(signature = (max_messages=1000, timeout=None))]
    fn next_batch(
        &self,
        py: Python<'_>,
        max_messages: usize,
        timeout: Option<f64>,
    ) -> PyResult<Vec<Message>> {
        if max_messages == 0 {
            return Err(PyValueError::new_err("max_messages must be at least 1"));
        }
        let first = match self.wait_next(py, seconds(timeout))? {
            None => return Ok(Vec::new()),
            Some(Err(error)) => return Err(errors::client(&error)),
            Some(Ok(first)) => first,
        };
        let mut messages = vec![first];
        while messages.len() < max_messages {
            match self.try_next() {
                Some(Ok(message)) => messages.push(message),
                Some(Err(error)) => {
                    self.taken.lock().trouble = Some(error);
                    break;
                }
                None => break,
            }
        }
        Ok(messages)
    }

    fn seek(&self, partition: i32, offset: i64) -> PyResult<()> {
        if offset < 0 {
            return Err(PyValueError::new_err(format!(
                "offsets start at 0, not {offset}"
            )));
        }
        self.seek_to(partition, StartAt::Offset(offset))
    }

    fn seek_to_time(&self, timestamp: i64) -> PyResult<()> {
        self.seek_all(StartAt::Timestamp(timestamp))
    }

    fn seek_to_beginning(&self) -> PyResult<()> {
        self.seek_all(StartAt::Beginning)
    }

    fn seek_to_end(&self) -> PyResult<()> {
        self.seek_all(StartAt::End)
    }

    fn positions(&self) -> HashMap<i32, i64> {
        let taken = self.taken.lock();
        let position = |&partition: &i32| {
            let of = TopicPartition::new(Arc::clone(&self.topic), partition);
            let offset = taken
                .position(partition)
                .or_else(|| self.core.position(&of))?;
            Some((partition, offset))
        };
        self.partitions.iter().filter_map(position).collect()
    }

    #[getter]
    fn topic(&self) -> &str {
        &self.topic
    }

    #[getter]
    fn partitions(&self) -> Vec<i32> {
        self.partitions.clone()
    }

    fn close(&self) {
        self.core.close();
    }

    fn __repr__(&self) -> String {
        format!(
            "MessageStream({:?}, partitions={:?})",
            &*self.topic, self.partitions
        )
    }
}
