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

use crate::errors;

/// Offsets by topic and partition, as Python gives them.
pub(crate) type Offsets = HashMap<(String, i32), i64>;

/// Offsets by topic and partition, as the client has them.
pub(crate) type Committed = Vec<(TopicPartition, CommittedOffset)>;

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
    queue: Mutex<VecDeque<CommitOutcome>>,
    /// Whether there is something in the queue: looked at for each message.
    any: AtomicBool,
    arrived: Notify,
}

struct CommitOutcome {
    /// Its callback's number.
    then: u64,
    offsets: Committed,
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

    /// What takes the outcome of a commit that begins now: it is told to `then`, or else a failure is logged.
    pub(crate) fn expected(
        &self,
        py: Python<'_>,
        then: Option<Py<PyAny>>,
    ) -> PyResult<impl FnOnce(Committed, Option<ClientError>) + Send + 'static> {
        let settled = Arc::clone(&self.settled);
        let callbacks = self.callbacks(py)?;
        let then = then
            .zip(callbacks)
            .map(|(then, callbacks)| callbacks.get().put(then));
        Ok(move |offsets, error| match (then, error) {
            (Some(then), error) => settled.put(CommitOutcome {
                then,
                offsets,
                error,
            }),
            (None, Some(error)) => tracing::warn!("{error}"),
            (None, None) => {}
        })
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
            let Some(CommitOutcome {
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
    fn put(&self, outcome: CommitOutcome) {
        let mut queue = self.queue.lock();
        queue.push_back(outcome);
        self.any.store(true, Ordering::Release);
        self.arrived.notify_one();
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
