//! `Reader`: the messages of any partitions; what a subscribed consumer iterates, and how it looks into its streams.

use std::collections::HashMap;
use std::sync::Arc;

use kafkalite_client::{GroupConsumer, StartAt, Subscription, TopicPartition};
use parking_lot::Mutex;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::blocking::seconds;
use crate::commits::{Callbacks, Offsets};
use crate::convert::Offset;
use crate::errors;
use crate::leaving;
use crate::message::Message;
use crate::process_owned::ProcessOwned;
use crate::reading::{Reading, pairs};

/// One member of a group, or one stream of a consumer without.
#[pyclass(frozen, module = "kafkalite._native")]
pub(crate) struct Reader {
    reading: ProcessOwned<Arc<Reading>>,
    /// Called with what happens to the assignment. It may refer to this object, so the garbage collector sees it.
    listener: Mutex<Option<Py<PyAny>>>,
    callbacks: Py<Callbacks>,
}

impl Reader {
    pub(crate) fn new(reading: Arc<Reading>, callbacks: Py<Callbacks>) -> Self {
        Self {
            reading: ProcessOwned::new(reading),
            listener: Mutex::default(),
            callbacks,
        }
    }

    fn listener(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.listener.lock().as_ref().map(|one| one.clone_ref(py))
    }
}

type Pair = (String, i32);

fn pair(of: &TopicPartition) -> Pair {
    (of.topic.to_string(), of.partition)
}

fn by_pair(found: HashMap<TopicPartition, i64>) -> HashMap<Pair, i64> {
    found.iter().map(|(of, &value)| (pair(of), value)).collect()
}

#[pymethods]
impl Reader {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Message>> {
        self.reading.here()?.next(py, || self.listener(py))
    }

    fn poll_batch(
        &self,
        py: Python<'_>,
        max_messages: usize,
        timeout: Option<f64>,
    ) -> PyResult<Vec<Message>> {
        self.reading
            .here()?
            .poll_batch(py, max_messages, seconds(timeout), || self.listener(py))
    }

    fn subscribe(
        &self,
        topics: Vec<String>,
        pattern: Option<&str>,
        listener: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let Some(member) = self.reading.here()?.source.member() else {
            return Err(errors::group("only a member of a group subscribes"));
        };
        let subscription = match pattern {
            Some(pattern) => {
                Subscription::pattern(pattern).map_err(|error| errors::client(&error))?
            }
            None => Subscription::Topics(topics.into_iter().map(Into::into).collect()),
        };
        member.listen(listener.is_some());
        // What was there goes after the lock is free: it may run any Python.
        let _before = std::mem::replace(&mut *self.listener.lock(), listener);
        member.subscribe(subscription);
        Ok(())
    }

    fn unsubscribe(&self, py: Python<'_>) -> PyResult<()> {
        let told = self.part(py);
        if let Some(member) = self.reading.here()?.source.member() {
            member.unsubscribe();
        }
        told
    }

    fn part(&self, py: Python<'_>) -> PyResult<()> {
        let Ok(reading) = self.reading.here() else {
            return Ok(()); // its own process reads on
        };
        leaving::settle(py, reading)?;
        let listener = self.listener.lock().take();
        let (Some(listener), Some(member)) = (listener, reading.source.member()) else {
            return Ok(());
        };
        member.listen(false);
        let assigned = member.assignment();
        if !assigned.is_empty() {
            listener.call1(py, ("revoked", pairs(&assigned)))?;
        }
        Ok(())
    }

    fn subscription(&self) -> PyResult<Vec<String>> {
        let subscribed = self.reading.here()?.source.member();
        Ok(match subscribed.and_then(GroupConsumer::subscription) {
            Some(Subscription::Topics(topics)) => topics.iter().map(ToString::to_string).collect(),
            Some(Subscription::Pattern(pattern)) => vec![pattern.to_string()],
            None => Vec::new(),
        })
    }

    fn assignment(&self) -> PyResult<Vec<Pair>> {
        let assigned = self.reading.here()?.source.assignment();
        Ok(assigned.iter().map(pair).collect())
    }

    fn is_assigned(&self, topic: &str, partition: i32) -> PyResult<bool> {
        let of = TopicPartition::new(topic, partition);
        Ok(self.reading.here()?.source.is_assigned(&of))
    }

    fn member_id(&self) -> PyResult<Option<String>> {
        let member = self.reading.here()?.source.member();
        let id = member.and_then(GroupConsumer::member_id);
        Ok(id.map(|id| id.to_string()))
    }

    fn positions(&self) -> PyResult<HashMap<Pair, i64>> {
        Ok(by_pair(self.reading.here()?.positions()))
    }

    fn lag(&self) -> PyResult<HashMap<Pair, i64>> {
        Ok(by_pair(self.reading.here()?.lag()))
    }

    fn seek(&self, topic: &str, partition: i32, offset: Offset) -> PyResult<()> {
        let of = TopicPartition::new(topic, partition);
        self.reading.here()?.seek(&of, StartAt::Offset(offset.0))
    }

    fn seek_to_time(&self, topic: &str, partition: i32, timestamp: i64) -> PyResult<()> {
        let of = TopicPartition::new(topic, partition);
        self.reading
            .here()?
            .seek(&of, StartAt::Timestamp(timestamp))
    }

    fn seek_to_beginning(&self, topic: &str, partition: i32) -> PyResult<()> {
        let of = TopicPartition::new(topic, partition);
        self.reading.here()?.seek(&of, StartAt::Beginning)
    }

    fn seek_to_end(&self, topic: &str, partition: i32) -> PyResult<()> {
        let of = TopicPartition::new(topic, partition);
        self.reading.here()?.seek(&of, StartAt::End)
    }

    fn set_paused(&self, topic: &str, partition: i32, paused: bool) -> PyResult<()> {
        let of = TopicPartition::new(topic, partition);
        self.reading.here()?.set_paused(&of, paused)
    }

    fn paused(&self) -> PyResult<Vec<Pair>> {
        Ok(self.reading.here()?.paused().iter().map(pair).collect())
    }

    fn commit(
        &self,
        py: Python<'_>,
        offsets: Option<Offsets>,
        timeout: Option<f64>,
    ) -> PyResult<()> {
        self.reading.here()?.commit(py, offsets, timeout)
    }

    fn commit_soon(
        &self,
        py: Python<'_>,
        offsets: Option<Offsets>,
        then: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        self.reading.here()?.commit_soon(py, offsets, then)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // Where it is locked it is in use, and so not garbage.
        if let Some(listener) = self.listener.try_lock() {
            visit.call(&*listener)?;
        }
        visit.call(&self.callbacks)
    }

    fn __clear__(&self) {
        let _gone = self.listener.lock().take();
    }
}
