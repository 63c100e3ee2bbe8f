//! `Consumer`: what partitions there are, and streams over them, alone or as members of a group.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use kafkalite_client::{ConsumerConfig, GroupConsumer, StartAt, Subscription, TopicPartition};
use parking_lot::Mutex;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::batch_source::BatchSource;
use crate::blocking::{FOR_EVER, seconds, wait};
use crate::commits::{Callbacks, Offsets, Outcomes, by_pair};
use crate::convert::TopicName;
use crate::leaving;
use crate::process_owned::ProcessOwned;
use crate::reader::Reader;
use crate::reading::Reading;
use crate::runtime::runtime;
use crate::stream::MessageStream;
use crate::{errors, settings};

/// The reading side.
#[pyclass(frozen, module = "kafkalite._native")]
pub(crate) struct Consumer {
    root: ProcessOwned<Root>,
    readings: Mutex<Readings>,
    callbacks: Py<Callbacks>,
}

/// What knows the cluster; streams are its siblings.
enum Root {
    Alone(kafkalite_client::Consumer),
    /// Itself the first member, when one is wanted; and whether it is.
    Group(Arc<GroupConsumer>, AtomicBool),
}

/// To close them; one that nobody holds any more stops, and leaves its group, by itself.
#[derive(Default)]
struct Readings {
    open: Vec<Weak<Reading>>,
    closed: bool,
}

#[pymethods]
impl Consumer {
    #[new]
    fn new(py: Python<'_>, given: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut config = ConsumerConfig::default();
        settings::apply(given, |name, value| config.set(name, value))?;
        let handle = runtime()?.handle();
        let root = if config.group_id.is_empty() {
            kafkalite_client::Consumer::new(config, handle).map(Root::Alone)
        } else {
            GroupConsumer::new(config, handle)
                .map(|member| Root::Group(Arc::new(member), AtomicBool::new(false)))
        };
        Ok(Self {
            root: ProcessOwned::new(root.map_err(|error| errors::client(&error))?),
            readings: Mutex::default(),
            callbacks: Py::new(py, Callbacks::default())?,
        })
    }

    fn partitions(
        &self,
        py: Python<'_>,
        topic: TopicName<'_>,
        timeout: Option<f64>,
    ) -> PyResult<Vec<i32>> {
        self.check_open()?;
        let topic = topic.0;
        let limit = seconds(timeout).unwrap_or(FOR_EVER);
        let root = self.root.here()?;
        let asked = async {
            match root {
                Root::Alone(consumer) => consumer.partitions(topic, limit).await,
                Root::Group(member, _) => member.partitions(topic, limit).await,
            }
        };
        match wait(py, None, asked)? {
            Some(found) => found.map_err(|error| errors::client(&error)),
            None => Ok(Vec::new()), // without a timeout there is always an outcome
        }
    }

    fn stream(&self, py: Python<'_>, topic: &str, partitions: Vec<i32>) -> PyResult<MessageStream> {
        let topic: Arc<str> = topic.into();
        let reading = self.open(py)?;
        if let BatchSource::Alone(consumer) = &reading.source {
            let named = |partition| TopicPartition::new(Arc::clone(&topic), partition);
            consumer.assign(
                partitions
                    .into_iter()
                    .map(|partition| (named(partition), StartAt::Reset)),
            );
        }
        Ok(MessageStream::new(
            reading,
            topic,
            self.callbacks.clone_ref(py),
        ))
    }

    fn member_stream(&self, py: Python<'_>, topic: &str) -> PyResult<MessageStream> {
        let topic: Arc<str> = topic.into();
        let reading = self.open(py)?;
        if let BatchSource::Member(member) = &reading.source {
            member.subscribe(Subscription::topics([Arc::clone(&topic)]));
        }
        Ok(MessageStream::new(
            reading,
            topic,
            self.callbacks.clone_ref(py),
        ))
    }

    fn member(&self, py: Python<'_>) -> PyResult<Reader> {
        let reading = self.open(py)?;
        Ok(Reader::new(reading, self.callbacks.clone_ref(py)))
    }

    fn readers(&self, py: Python<'_>) -> Vec<Reader> {
        let reader = |reading| Reader::new(reading, self.callbacks.clone_ref(py));
        self.alive().into_iter().map(reader).collect()
    }

    fn committed(
        &self,
        py: Python<'_>,
        partitions: Vec<(String, i32)>,
        timeout: Option<f64>,
    ) -> PyResult<Offsets> {
        self.check_open()?;
        let Root::Group(member, _) = self.root.here()? else {
            return Err(errors::group(
                "committed() needs a group: Consumer(..., group_id='...')",
            ));
        };
        let named = |(topic, partition)| TopicPartition::new(topic, partition);
        let asked: Vec<_> = partitions.into_iter().map(named).collect();
        let limit = seconds(timeout).unwrap_or(FOR_EVER);
        match wait(py, None, member.committed(&asked, limit))? {
            Some(found) => found.map(by_pair).map_err(|error| errors::client(&error)),
            None => Ok(Offsets::new()), // without a timeout there is always an outcome
        }
    }

    fn close(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        let Ok(root) = self.root.here() else {
            return Ok(()); // its own process reads on
        };
        let open = {
            let mut readings = self.readings.lock();
            readings.closed = true;
            std::mem::take(&mut readings.open)
        };
        let closed = leaving::close(py, open.iter().filter_map(Weak::upgrade), timeout);
        match root {
            Root::Alone(consumer) => consumer.close(),
            Root::Group(_, taken) if taken.load(Ordering::Relaxed) => {} // among what was open
            // It never joined, so this takes no time; but somebody may wait for an answer of its cluster.
            Root::Group(member, _) => {
                wait(py, None, member.close(FOR_EVER))?;
            }
        }
        closed
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.callbacks)
    }
}

impl Consumer {
    fn check_open(&self) -> PyResult<()> {
        if self.readings.lock().closed {
            Err(errors::closed("the consumer is closed; make a new one"))
        } else {
            Ok(())
        }
    }

    /// One more reading.
    fn open(&self, py: Python<'_>) -> PyResult<Arc<Reading>> {
        let handle = runtime()?.handle();
        // Before the lock is held: making a Python object may collect garbage, and so let other threads run.
        let outcomes = Outcomes::new(self.callbacks.bind(py))?;
        let mut readings = self.readings.lock();
        if readings.closed {
            return Err(errors::closed("the consumer is closed; make a new one"));
        }
        readings.open.retain(|reading| reading.strong_count() > 0);
        let source = match self.root.here()? {
            Root::Alone(consumer) => BatchSource::Alone(consumer.sibling(handle)),
            Root::Group(member, taken) if !taken.swap(true, Ordering::Relaxed) => {
                BatchSource::Member(Arc::clone(member))
            }
            Root::Group(member, _) => BatchSource::Member(Arc::new(member.sibling(handle))),
        };
        let reading = Reading::new(source, outcomes);
        readings.open.push(Arc::downgrade(&reading));
        leaving::remember(&reading);
        Ok(reading)
    }

    fn alive(&self) -> Vec<Arc<Reading>> {
        let readings = self.readings.lock();
        readings.open.iter().filter_map(Weak::upgrade).collect()
    }
}
