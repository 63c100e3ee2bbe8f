//! `MessageStream`: an iterator over the messages of one topic that waits for more.

use std::sync::Arc;

use kafkalite_client::{StartAt, TopicPartition};
use pyo3::exceptions::PyValueError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::blocking::seconds;
use crate::commits::{Callbacks, Offsets};
use crate::convert::{self, Offset};
use crate::errors::{self, wrong_type};
use crate::leaving;
use crate::message::Message;
use crate::process_owned::ProcessOwned;
use crate::reading::Reading;

/// An iterator over the messages of a topic that never ends until its consumer is closed.
///
/// A message counts as consumed when the next one is asked for.
#[pyclass(frozen, module = "kafkalite")]
pub(crate) struct MessageStream {
    reading: ProcessOwned<Arc<Reading>>,
    topic: Arc<str>,
    callbacks: Py<Callbacks>,
}

impl MessageStream {
    pub(crate) fn new(reading: Arc<Reading>, topic: Arc<str>, callbacks: Py<Callbacks>) -> Self {
        Self {
            reading: ProcessOwned::new(reading),
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
        let partitions = partitions(self.reading.here()?);
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

    fn seek_each(&self, partitions: &[Bound<'_, PyAny>], to: StartAt) -> PyResult<()> {
        let (reading, named) = (self.reading.here()?, self.named(partitions)?);
        named.iter().try_for_each(|of| reading.seek(of, to))
    }

    fn open(&self) -> PyResult<&Arc<Reading>> {
        let reading = self.reading.here()?;
        if reading.is_closed() {
            return Err(errors::closed("the stream is closed; make a new consumer"));
        }
        Ok(reading)
    }
}

/// The numbers of what it has at the moment, sorted.
fn partitions(reading: &Reading) -> Vec<i32> {
    let assigned = reading.source.assignment();
    let mut partitions: Vec<_> = assigned.iter().map(|of| of.partition).collect();
    partitions.sort_unstable();
    partitions
}

#[pymethods]
impl MessageStream {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Message>> {
        self.reading.here()?.next(py, || None)
    }

    /// Return the stream; leaving its ``with`` closes it.
    fn __enter__(slf: PyRef<'_, Self>) -> PyResult<PyRef<'_, Self>> {
        slf.open()?;
        Ok(slf)
    }

    #[pyo3(signature = (*_raised))]
    fn __exit__(&self, py: Python<'_>, _raised: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py, None)
    }

    /// Return the next message, or ``None`` when the time is up.
    ///
    /// Args:
    ///     timeout: seconds; 0 does not wait, ``None`` waits as long as it takes.
    #[pyo3(signature = (timeout=None))]
    fn poll(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<Message>> {
        Ok(self.poll_batch(py, 1, timeout)?.pop())
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
    #[pyo3(signature = (max_messages=1000, *, timeout=None))]
    fn poll_batch(
        &self,
        py: Python<'_>,
        max_messages: usize,
        timeout: Option<f64>,
    ) -> PyResult<Vec<Message>> {
        self.reading
            .here()?
            .poll_batch(py, max_messages, seconds(timeout), || None)
    }

    /// Go on from this offset (the paper, Section 3.1: a consumer can go back). ``ValueError`` if it is negative.
    fn seek(&self, partition: &Bound<'_, PyAny>, offset: Offset) -> PyResult<()> {
        self.reading
            .here()?
            .seek(&self.of(partition)?, StartAt::Offset(offset.0))
    }

    /// Go on from the first message of this time or later; where all are older, at the end.
    ///
    /// Args:
    ///     time: milliseconds since 1970-01-01 UTC, as in :attr:`Message.timestamp`; a ``datetime`` (without a zone it
    ///         is local); or a ``timedelta``, which is so long ago.
    ///     partitions: which ones; none: all that it has.
    #[pyo3(signature = (time, *partitions))]
    fn seek_to_time(
        &self,
        time: &Bound<'_, PyAny>,
        partitions: Vec<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let times = time.py().import("kafkalite._times")?;
        let at = times.call_method1("of_seek", (time,))?.extract()?;
        self.seek_each(&partitions, StartAt::Timestamp(at))
    }

    /// Go on from the oldest message of these partitions, or of all that it has.
    #[pyo3(signature = (*partitions))]
    fn seek_to_beginning(&self, partitions: Vec<Bound<'_, PyAny>>) -> PyResult<()> {
        self.seek_each(&partitions, StartAt::Beginning)
    }

    /// Go on with what comes from now on in these partitions, or in all that it has.
    #[pyo3(signature = (*partitions))]
    fn seek_to_end(&self, partitions: Vec<Bound<'_, PyAny>>) -> PyResult<()> {
        self.seek_each(&partitions, StartAt::End)
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

    /// Commit how far the group has read, so that whoever owns the partitions next goes on from there.
    ///
    /// Args:
    ///     what: a message: it and all before it in its partition are consumed; offsets to go on from, by
    ///         partition; ``None``: what is consumed, and, in the thread that reads, what it has in hand.
    ///     wait: whether to wait for the coordinator's answer.
    ///     then: called with the offsets and an error or ``None`` by the thread that reads, when it next asks for a
    ///         message or closes; with ``wait=False`` only. Failures that no ``then`` is told of are logged.
    ///     timeout: seconds to wait for the answer; ``None`` waits as long as it takes.
    ///
    /// Raises:
    ///     CommitFailedError: a partition is not assigned to this stream (any more).
    ///     ValueError: an offset is negative.
    ///     KafkaTimeoutError: no coordinator answered in time.
    ///     GroupError: the consumer has no group.
    ///     ClosedError: the stream is closed.
    #[pyo3(
        signature = (what=None, *, wait=true, then=None, timeout=Some(30.0)),
        text_signature = "($self, what=None, *, wait=True, then=None, timeout=30.0)"
    )]
    fn commit(
        &self,
        py: Python<'_>,
        what: Option<&Bound<'_, PyAny>>,
        wait: bool,
        then: Option<&Bound<'_, PyAny>>,
        timeout: Option<f64>,
    ) -> PyResult<()> {
        let group = py.import("kafkalite._group")?;
        let then = group.call_method1("commit_callback", (then, wait))?;
        let reading = self.open()?;
        if reading.source.member().is_none() {
            return Err(errors::no_group());
        }
        let offsets: Option<Offsets> = match what {
            Some(what) => Some(group.call_method1("offsets", (what,))?.extract()?),
            None => None,
        };
        if wait {
            reading.commit(py, offsets, timeout)
        } else {
            reading.commit_soon(py, offsets, then.extract()?)
        }
    }

    /// The topic that it reads.
    #[getter]
    fn topic(&self) -> &str {
        &self.topic
    }

    /// The partitions that it reads, sorted; in a group those that it has at the moment.
    #[getter]
    fn assignment<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        convert::partitions(py, self.reading.here()?.source.assignment())
    }

    /// The partitions that :meth:`pause` stopped, sorted.
    #[getter]
    fn paused<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        convert::partitions(py, self.reading.here()?.paused())
    }

    /// For each partition the offset of the next message that the stream will hand out, where it is known.
    #[getter]
    fn positions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        convert::by_partition(py, self.reading.here()?.positions())
    }

    /// For each partition how many offsets it holds behind its position, as of the last fetch, where it is known.
    #[getter]
    fn lag<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        convert::by_partition(py, self.reading.here()?.lag())
    }

    /// Whether the stream, or its consumer, has been closed.
    #[getter]
    fn closed(&self) -> PyResult<bool> {
        self.reading.here().map(|reading| reading.is_closed())
    }

    /// End the iteration, also where it waits in another thread. A second call does nothing.
    ///
    /// In a group: commit what is consumed and leave. What the thread has in hand that calls this is consumed, too,
    /// unless it handles an exception.
    ///
    /// Args:
    ///     timeout: seconds that the last commit and the leaving may take; ``None``: ten. After that the group finds
    ///         out by itself.
    #[pyo3(signature = (timeout=None))]
    fn close(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        let Ok(reading) = self.reading.here() else {
            return Ok(()); // its own process reads on
        };
        leaving::close(py, [Arc::clone(reading)].into_iter(), timeout)
    }

    fn __repr__(&self) -> String {
        let inside = self.reading.shown(|reading| {
            let partitions = partitions(reading);
            match reading.source.member() {
                _ if reading.is_closed() => "closed".to_owned(),
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
