//! `MessageStream`: an iterator over the messages of one topic that waits for more.

use std::collections::HashMap;
use std::sync::Arc;

use kafkalite_client::{StartAt, TopicPartition};
use pyo3::exceptions::PyValueError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::blocking::seconds;
use crate::closing;
use crate::commits::Callbacks;
use crate::convert::Offset;
use crate::errors::wrong_type;
use crate::message::Message;
use crate::ours::Ours;
use crate::reading::Reading;

/// An iterator over the messages of a topic that never ends until its consumer is closed.
///
/// A message counts as consumed when the next one is asked for.
#[pyclass(frozen, module = "kafkalite")]
pub(crate) struct MessageStream {
    reading: Ours<Arc<Reading>>,
    topic: Arc<str>,
    callbacks: Py<Callbacks>,
}

impl MessageStream {
    pub(crate) fn new(reading: Arc<Reading>, topic: Arc<str>, callbacks: Py<Callbacks>) -> Self {
        Self {
            reading: Ours::new(reading),
            topic,
            callbacks,
        }
    }

    /// The partition that is meant by its number, or by a `TopicPartition` of this stream's topic.
    fn of(&self, given: &Bound<'_, PyAny>) -> PyResult<TopicPartition> {
        let (topic, partition) = match (given.extract(), given.extract::<(String, i32)>()) {
            (Ok(partition), _) => (Arc::clone(&self.topic), partition),
            (_, Ok((topic, partition))) => (topic.into(), partition),
            _ => {
                return Err(wrong_type(
                    "a partition",
                    "an int or a TopicPartition",
                    given,
                ));
            }
        };
        let of = TopicPartition::new(topic, partition);
        if of.topic == self.topic && self.reading.here()?.source.is_assigned(&of) {
            return Ok(of);
        }
        let partitions = self.partitions()?;
        let asked = given.str()?;
        let topic = &self.topic;
        let sentence =
            format!("this stream reads partitions {partitions:?} of {topic}, not {asked}");
        Err(PyValueError::new_err(sentence))
    }

    /// These partitions; all there are if none are named.
    fn named(&self, partitions: &[Bound<'_, PyAny>]) -> PyResult<Vec<TopicPartition>> {
        if partitions.is_empty() {
            return Ok(self.reading.here()?.source.assignment());
        }
        partitions.iter().map(|one| self.of(one)).collect()
    }

    fn seek_all(&self, to: StartAt) -> PyResult<()> {
        let reading = self.reading.here()?;
        let assigned = reading.source.assignment();
        assigned.iter().try_for_each(|of| reading.seek(of, to))
    }
}

/// What it has at the moment, sorted.
fn partitions(reading: &Reading) -> Vec<i32> {
    let assigned = reading.source.assignment();
    let mut partitions: Vec<_> = assigned.iter().map(|of| of.partition).collect();
    partitions.sort_unstable();
    partitions
}

fn by_partition(found: HashMap<TopicPartition, i64>) -> HashMap<i32, i64> {
    found
        .into_iter()
        .map(|(of, value)| (of.partition, value))
        .collect()
}

#[pymethods]
impl MessageStream {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Message>> {
        self.reading.here()?.next(py, || None)
    }

    /// Wait for messages, then return what is there without waiting for more; empty when the time is up.
    ///
    /// All of them count as consumed when the next ones are asked for.
    ///
    /// Args:
    ///     max_messages: how many at the most, at least 1.
    ///     timeout: seconds to wait for the first; ``None`` waits as long as it takes.
    ///
    /// Raises:
    ///     ClosedError: the stream, or its consumer, is closed.
    ///     OffsetOutOfRangeError: the position is outside the log, and ``auto_offset_reset`` is ``"none"``.
    ///     CorruptMessageError: what was fetched cannot be read.
    ///     GroupError: the group refused this member for good.
    #[pyo3(signature = (max_messages=1000, timeout=None))]
    fn next_batch(
        &self,
        py: Python<'_>,
        max_messages: usize,
        timeout: Option<f64>,
    ) -> PyResult<Vec<Message>> {
        self.reading
            .here()?
            .next_batch(py, max_messages, seconds(timeout), || None)
    }

    /// Go on from this offset (the paper, Section 3.1: a consumer can go back). ``ValueError`` if it is negative.
    fn seek(&self, partition: &Bound<'_, PyAny>, offset: Offset) -> PyResult<()> {
        self.reading
            .here()?
            .seek(&self.of(partition)?, StartAt::Offset(offset.0))
    }

    /// Go on, in every partition, from the first message of this time or later; where all are older, at the end.
    ///
    /// Args:
    ///     time: milliseconds since 1970-01-01 UTC, as in :attr:`Message.timestamp`; a ``datetime`` (without a zone it
    ///         is local); or a ``timedelta``, which is so long ago.
    fn seek_to_time(&self, time: &Bound<'_, PyAny>) -> PyResult<()> {
        let times = time.py().import("kafkalite._times")?;
        let at = times.call_method1("of_seek", (time,))?.extract()?;
        self.seek_all(StartAt::Timestamp(at))
    }

    /// Go on from the oldest messages that are kept.
    fn seek_to_beginning(&self) -> PyResult<()> {
        self.seek_all(StartAt::Beginning)
    }

    /// Go on with what is published from now on.
    fn seek_to_end(&self) -> PyResult<()> {
        self.seek_all(StartAt::End)
    }

    /// Hand out nothing more of these partitions, or of all that it has. ``ValueError`` for one it has not got.
    #[pyo3(signature = (*partitions))]
    fn pause(&self, partitions: Vec<Bound<'_, PyAny>>) -> PyResult<()> {
        let (reading, named) = (self.reading.here()?, self.named(&partitions)?);
        named.iter().try_for_each(|of| reading.set_paused(of, true))
    }

    /// Go on with these partitions, or with all, exactly where they stopped.
    #[pyo3(signature = (*partitions))]
    fn resume(&self, partitions: Vec<Bound<'_, PyAny>>) -> PyResult<()> {
        let (reading, named) = (self.reading.here()?, self.named(&partitions)?);
        named
            .iter()
            .try_for_each(|of| reading.set_paused(of, false))
    }

    /// Commit what is consumed and, in the thread that reads, what it has in hand; or all up to a message.
    ///
    /// Args:
    ///     message: it and all before it in its partition are consumed.
    ///     timeout: seconds to wait for the coordinator's answer; ``None`` waits as long as it takes.
    ///
    /// Raises:
    ///     CommitFailedError: the partition is not this stream's (any more).
    ///     GroupError: the consumer has no group.
    #[pyo3(signature = (message=None, *, timeout=Some(30.0)), text_signature = "($self, message=None, *, timeout=30.0)")]
    fn commit(
        &self,
        py: Python<'_>,
        message: Option<&Message>,
        timeout: Option<f64>,
    ) -> PyResult<()> {
        let offsets = match message {
            Some(message) => Some(HashMap::from([message.after()?])),
            None => None,
        };
        self.reading.here()?.commit(py, offsets, timeout)
    }

    /// For each partition the offset of the next message that the stream will hand out, where it is known.
    fn positions(&self) -> PyResult<HashMap<i32, i64>> {
        Ok(by_partition(self.reading.here()?.positions()))
    }

    /// For each partition how many offsets it holds behind its position, as of the last fetch, where it is known.
    fn lag(&self) -> PyResult<HashMap<i32, i64>> {
        Ok(by_partition(self.reading.here()?.lag()))
    }

    /// The topic that it reads.
    #[getter]
    fn topic(&self) -> &str {
        &self.topic
    }

    /// The partitions that it reads, sorted; in a group those that it has at the moment.
    #[getter]
    fn partitions(&self) -> PyResult<Vec<i32>> {
        self.reading.here().map(|reading| partitions(reading))
    }

    /// End the iteration, also where it waits in another thread. A second call does nothing.
    ///
    /// In a group: commit what is consumed and leave. What the thread has in hand that calls this is consumed, too,
    /// unless it handles an exception.
    ///
    /// Args:
    ///     timeout: seconds that the last commit and the leaving may take.
    #[pyo3(signature = (timeout=Some(10.0)), text_signature = "($self, timeout=10.0)")]
    fn close(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        let Ok(reading) = self.reading.here() else {
            return Ok(()); // its own process reads on
        };
        closing::close(py, [Arc::clone(reading)].into_iter(), timeout)
    }

    fn __repr__(&self) -> String {
        let inside = self.reading.shown(|reading| {
            let partitions = partitions(reading);
            match reading.source.member() {
                None => format!("partitions={partitions:?}"),
                Some(member) => {
                    format!("group_id={:?}, partitions={partitions:?}", member.group())
                }
            }
        });
        format!("MessageStream({:?}, {inside})", &*self.topic)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.callbacks)
    }
}
