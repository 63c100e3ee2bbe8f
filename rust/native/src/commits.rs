//! Commits: those that wait, and those whose outcome the reader is told when it next asks for a message.
//!
//! The core holds numbers in place of the callbacks: these may refer to their consumer, and only what a Python object holds
//! is shown to the garbage collector.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kafkalite_client::{ClientError, CommittedOffset, TopicPartition};
use parking_lot::Mutex;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyWeakrefMethods, PyWeakrefReference};
use tokio::sync::Notify;

use crate::blocking::{seconds, wait};
use crate::errors;
use crate::reading::Reading;

/// Offsets by topic and partition, as Python gives them.
pub(crate) type Offsets = HashMap<(String, i32), i64>;

/// The callbacks of commits that are not told yet, by number. Every Python object that shows a consumer's readings holds it;
/// the core refers to it weakly.
#[pyclass(frozen, weakref, module = "kafkalite._native")]
#[derive(Default)]
pub(crate) struct Callbacks(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    next: u64,
    by_number: HashMap<u64, Py<PyAny>>,
}

impl Callbacks {
    fn put(&self, callback: Py<PyAny>) -> u64 {
        let mut waiting = self.0.lock();
        let number = waiting.next;
        waiting.next += 1;
        waiting.by_number.insert(number, callback);
        number
    }

    fn take(&self, number: u64) -> Option<Py<PyAny>> {
        self.0.lock().by_number.remove(&number)
    }
}

#[pymethods]
impl Callbacks {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // Where it is locked it is in use, and so not garbage.
        if let Some(waiting) = self.0.try_lock() {
            for callback in waiting.by_number.values() {
                visit.call(callback)?;
            }
        }
        Ok(())
    }

    fn __clear__(&self) {
        // They go after the lock is free: that may run any Python.
        let _gone = std::mem::take(&mut self.0.lock().by_number);
    }
}

/// What became of commits that nobody waits for.
pub(crate) struct Outcomes {
    settled: Arc<Settled>,
    callbacks: Py<PyWeakrefReference>,
}

#[derive(Default)]
struct Settled {
    queue: Mutex<VecDeque<Outcome>>,
    /// Whether there is something in the queue: looked at for each message.
    any: AtomicBool,
    arrived: Notify,
}

struct Outcome {
    /// Its callback's number.
    then: u64,
    offsets: Vec<(TopicPartition, CommittedOffset)>,
    error: Option<ClientError>,
}

impl Outcomes {
    pub(crate) fn new(callbacks: &Bound<'_, Callbacks>) -> PyResult<Self> {
        Ok(Self {
            settled: Arc::default(),
            callbacks: PyWeakrefReference::new(callbacks)?.unbind(),
        })
    }

    /// The callbacks; none if no Python object is left that they could be told through.
    fn callbacks<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, Callbacks>>> {
        self.callbacks.bind(py).upgrade_as::<Callbacks>()
    }

    /// Waits until there is something to tell.
    pub(crate) async fn arrived(&self) {
        self.settled.arrived.notified().await;
    }

    /// Whether there is something to tell.
    pub(crate) fn is_any(&self) -> bool {
        self.settled.any.load(Ordering::Acquire)
    }

    /// Calls the callbacks of what was answered.
    pub(crate) fn tell(&self, py: Python<'_>) -> PyResult<()> {
        while self.is_any() {
            let next = {
                let mut queue = self.settled.queue.lock();
                let next = queue.pop_front();
                self.settled.any.store(!queue.is_empty(), Ordering::Release);
                next
            };
            let Some(Outcome {
                then,
                offsets,
                error,
            }) = next
            else {
                return Ok(());
            };
            let callback = self
                .callbacks(py)?
                .and_then(|callbacks| callbacks.get().take(then));
            if let Some(callback) = callback {
                callback.call1(py, (by_pair(offsets), error.as_ref().map(errors::client)))?;
            }
        }
        Ok(())
    }
}

impl Settled {
    fn put(&self, outcome: Outcome) {
        let mut queue = self.queue.lock();
        queue.push_back(outcome);
        self.any.store(true, Ordering::Release);
        self.arrived.notify_one();
    }
}

impl Reading {
    /// Commits and waits for the answer; without offsets what is consumed, and what the caller has in hand.
    pub(crate) fn commit(
        &self,
        py: Python<'_>,
        offsets: Option<Offsets>,
        timeout: Option<f64>,
    ) -> PyResult<()> {
        let offsets = self.what(offsets);
        let Some(member) = self.source.member() else {
            return Err(no_group());
        };
        let limit = seconds(timeout).unwrap_or(crate::consumer::FOR_EVER);
        match wait(py, None, member.commit(offsets, limit))? {
            Some(committed) => committed.map(drop).map_err(|error| errors::client(&error)),
            None => Ok(()), // without a timeout there is always an outcome
        }
    }

    /// Commits without waiting.
    pub(crate) fn commit_soon(
        &self,
        py: Python<'_>,
        offsets: Option<Offsets>,
        then: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let offsets = self.what(offsets);
        let Some(member) = self.source.member() else {
            return Err(no_group());
        };
        let settled = Arc::clone(&self.outcomes.settled);
        let callbacks = self.outcomes.callbacks(py)?;
        let then = then
            .zip(callbacks)
            .map(|(then, callbacks)| callbacks.get().put(then));
        let asked = offsets.clone().unwrap_or_default();
        member.commit_soon(offsets, move |outcome| {
            let (offsets, error) = match outcome {
                Ok(committed) => (committed, None),
                Err(error) => (asked, Some(error)),
            };
            match (then, error) {
                (Some(then), error) => settled.put(Outcome {
                    then,
                    offsets,
                    error,
                }),
                (None, Some(error)) => tracing::warn!("{error}"),
                (None, None) => {}
            }
        });
        Ok(())
    }

    fn what(&self, offsets: Option<Offsets>) -> Option<Vec<(TopicPartition, CommittedOffset)>> {
        if offsets.is_none() {
            self.taken.lock().settle_for_reader();
        }
        let named = |((topic, partition), offset)| {
            let metadata = String::new();
            (
                TopicPartition::new(topic, partition),
                CommittedOffset { offset, metadata },
            )
        };
        offsets.map(|offsets| offsets.into_iter().map(named).collect())
    }
}

/// Offsets as Python has them.
pub(crate) fn by_pair(
    offsets: impl IntoIterator<Item = (TopicPartition, CommittedOffset)>,
) -> Offsets {
    let pair = |(of, committed): (TopicPartition, CommittedOffset)| {
        ((of.topic.to_string(), of.partition), committed.offset)
    };
    offsets.into_iter().map(pair).collect()
}

fn no_group() -> PyErr {
    errors::group("commit() needs a group: Consumer(..., group_id='...')")
}
