//! `Consumer`: what partitions there are, and streams over them.

use std::sync::{Arc, Weak};
use std::time::Duration;

use kafkalite_client::{ConsumerConfig, StartAt, TopicPartition};
use parking_lot::Mutex;
use pyo3::prelude::*;

use crate::blocking::{seconds, wait};
use crate::runtime::runtime;
use crate::stream::MessageStream;
use crate::{errors, settings};

/// Longer than anybody waits.
const FOR_EVER: Duration = Duration::from_hours(87600);

/// The reading side.
#[pyclass(frozen, module = "kafkalite._native")]
pub(crate) struct Consumer {
    core: kafkalite_client::Consumer,
    /// To close them; a stream that nobody holds any more stops by itself.
    streams: Mutex<Streams>,
}

#[derive(Default)]
struct Streams {
    open: Vec<Weak<kafkalite_client::Consumer>>,
    closed: bool,
}

#[pymethods]
impl Consumer {
    #[new]
    fn new(given: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut config = ConsumerConfig::default();
        settings::apply(given, |name, value| config.set(name, value))?;
        let core = kafkalite_client::Consumer::new(config, runtime()?.handle())
            .map_err(|error| errors::client(&error))?;
        Ok(Self {
            core,
            streams: Mutex::default(),
        })
    }

    fn partitions(&self, py: Python<'_>, topic: &str, timeout: Option<f64>) -> PyResult<Vec<i32>> {
        self.check_open()?;
        let limit = seconds(timeout).unwrap_or(FOR_EVER);
        match wait(py, None, self.core.partitions(topic, limit))? {
            Some(found) => found.map_err(|error| errors::client(&error)),
            None => Ok(Vec::new()), // without a timeout there is always an outcome
        }
    }

    fn stream(&self, topic: &str, partitions: Vec<i32>) -> PyResult<MessageStream> {
        self.check_open()?;
        let topic: Arc<str> = topic.into();
        let core = Arc::new(self.core.sibling(runtime()?.handle()));
        let assigned = partitions
            .iter()
            .map(|&partition| TopicPartition::new(Arc::clone(&topic), partition));
        core.assign(assigned.map(|partition| (partition, StartAt::Reset)));
        let mut streams = self.streams.lock();
        streams.open.retain(|stream| stream.strong_count() > 0);
        streams.open.push(Arc::downgrade(&core));
        Ok(MessageStream::new(core, topic, partitions))
    }

    fn close(&self) {
        let mut streams = self.streams.lock();
        streams.closed = true;
        for stream in streams.open.drain(..).filter_map(|stream| stream.upgrade()) {
            stream.close();
        }
        self.core.close();
    }
}

impl Consumer {
    fn check_open(&self) -> PyResult<()> {
        if self.streams.lock().closed {
            Err(errors::closed("the consumer is closed; make a new one"))
        } else {
            Ok(())
        }
    }
}
