//! `MessageStream`: an iterator over the messages of one topic that waits for more.

use std::collections::HashMap;
use std::sync::Arc;

use kafkalite_client::{StartAt, TopicPartition};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::blocking::seconds;
use crate::closing;
use crate::message::Message;
use crate::ours::Ours;
use crate::reading::Reading;

/// An iterator over the messages of some partitions of a topic: given ones, or those that a group gives at the moment.
#[pyclass(frozen, module = "kafkalite")]
pub(crate) struct MessageStream {
    reading: Ours<Arc<Reading>>,
    topic: Arc<str>,
}

impl MessageStream {
    pub(crate) fn new(reading: Arc<Reading>, topic: Arc<str>) -> Self {
        Self {
            reading: Ours::new(reading),
            topic,
        }
    }

    fn of(&self, partition: i32) -> PyResult<TopicPartition> {
        let partitions = self.partitions()?;
        if partitions.contains(&partition) {
            return Ok(TopicPartition::new(Arc::clone(&self.topic), partition));
        }
        let sentence = format!(
            "this stream reads partitions {partitions:?} of {}, not {partition}",
            self.topic
        );
        Err(PyValueError::new_err(sentence))
    }

    /// These partitions; all there are if none are named.
    fn named(&self, partitions: &[i32]) -> PyResult<Vec<TopicPartition>> {
        if partitions.is_empty() {
            return Ok(self.reading.here()?.source.assignment());
        }
        partitions.iter().map(|&one| self.of(one)).collect()
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

    fn seek(&self, partition: i32, offset: i64) -> PyResult<()> {
        self.reading
            .here()?
            .seek(&self.of(partition)?, StartAt::Offset(offset))
    }

    fn seek_to_time(&self, time: &Bound<'_, PyAny>) -> PyResult<()> {
        let times = time.py().import("kafkalite._times")?;
        let at = times.call_method1("of_seek", (time,))?.extract()?;
        self.seek_all(StartAt::Timestamp(at))
    }

    fn seek_to_beginning(&self) -> PyResult<()> {
        self.seek_all(StartAt::Beginning)
    }

    fn seek_to_end(&self) -> PyResult<()> {
        self.seek_all(StartAt::End)
    }

    #[pyo3(signature = (*partitions))]
    fn pause(&self, partitions: Vec<i32>) -> PyResult<()> {
        let (reading, named) = (self.reading.here()?, self.named(&partitions)?);
        named.iter().try_for_each(|of| reading.set_paused(of, true))
    }

    #[pyo3(signature = (*partitions))]
    fn resume(&self, partitions: Vec<i32>) -> PyResult<()> {
        let (reading, named) = (self.reading.here()?, self.named(&partitions)?);
        named
            .iter()
            .try_for_each(|of| reading.set_paused(of, false))
    }

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

    fn positions(&self) -> PyResult<HashMap<i32, i64>> {
        Ok(by_partition(self.reading.here()?.positions()))
    }

    fn lag(&self) -> PyResult<HashMap<i32, i64>> {
        Ok(by_partition(self.reading.here()?.lag()))
    }

    #[getter]
    fn topic(&self) -> &str {
        &self.topic
    }

    #[getter]
    fn partitions(&self) -> PyResult<Vec<i32>> {
        self.reading.here().map(|reading| partitions(reading))
    }

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
}
