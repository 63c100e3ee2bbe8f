//! `Broker`: a broker in this process.

use std::collections::HashMap;
use std::sync::Arc;

use kafkalite_broker::{BrokerConfig, BrokerError, Refusal};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::blocking::{seconds, wait};
use crate::convert::TopicName;
use crate::errors;
use crate::process_owned::ProcessOwned;

/// A running broker.
#[pyclass(frozen, module = "kafkalite._native")]
pub(crate) struct Broker {
    core: ProcessOwned<Arc<kafkalite_broker::Broker>>,
    #[pyo3(get)]
    data_dir: String,
    #[pyo3(get)]
    host: String,
    #[pyo3(get)]
    port: u16,
    #[pyo3(get)]
    bootstrap_servers: String,
    #[pyo3(get)]
    cluster_id: String,
}

#[pymethods]
impl Broker {
    #[new]
    fn new(
        py: Python<'_>,
        data_dir: Option<&str>,
        host: Option<&str>,
        port: Option<u16>,
        settings: HashMap<String, String>,
    ) -> PyResult<Self> {
        let config =
            configured(data_dir, host, port, &settings).map_err(|error| errors::broker(&error))?;
        let started = wait(py, None, kafkalite_broker::Broker::start(config))?;
        match started {
            Some(Ok(broker)) => Ok(Self {
                data_dir: broker.data_dir().display().to_string(),
                host: broker.address().ip().to_string(),
                port: broker.address().port(),
                bootstrap_servers: broker.bootstrap_servers(),
                cluster_id: broker.cluster_id().to_owned(),
                core: ProcessOwned::new(Arc::new(broker)),
            }),
            Some(Err(error)) => Err(errors::broker(&error)),
            None => Err(PyRuntimeError::new_err(
                "a wait without a limit ended without an outcome",
            )),
        }
    }

    fn topics(&self, py: Python<'_>) -> PyResult<Vec<TopicSummary>> {
        Ok(asked(py, self.core.here()?.topics())?
            .into_iter()
            .map(TopicSummary::from)
            .collect())
    }

    fn create_topic(
        &self,
        py: Python<'_>,
        name: TopicName<'_>,
        partitions: Option<i32>,
        configs: HashMap<String, String>,
    ) -> PyResult<()> {
        let pairs = configs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        asked(
            py,
            self.core.here()?.create_topic(name.0, partitions, pairs),
        )
    }

    fn delete_topic(&self, py: Python<'_>, name: TopicName<'_>) -> PyResult<()> {
        asked(py, self.core.here()?.delete_topic(name.0))
    }

    fn close(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        ended(py, timeout, self.core.here()?.stop())
    }

    fn discard(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        ended(py, timeout, self.core.here()?.discard())
    }
}

fn ended(
    py: Python<'_>,
    timeout: Option<f64>,
    end: impl Future<Output = Result<(), BrokerError>> + Send,
) -> PyResult<()> {
    match wait(py, seconds(timeout), end)? {
        Some(ended) => ended.map_err(|error| errors::broker(&error)),
        None => Err(errors::timeout(&format!(
            "the broker has not stopped within {} s; it goes on stopping, and close() again waits for that",
            timeout.unwrap_or_default()
        ))),
    }
}

fn configured(
    data_dir: Option<&str>,
    host: Option<&str>,
    port: Option<u16>,
    settings: &HashMap<String, String>,
) -> Result<BrokerConfig, BrokerError> {
    let mut config = BrokerConfig::new();
    for (name, value) in settings {
        config.set(name, value)?;
    }
    if let Some(directory) = data_dir {
        config.set("log.dirs", directory)?;
    }
    if let (Some(host), Some(port)) = (host, port) {
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        config.set("listeners", &format!("PLAINTEXT://{host}:{port}"))?;
    }
    Ok(config)
}

fn asked<T: Send>(
    py: Python<'_>,
    answer: impl Future<Output = Result<T, Refusal>> + Send,
) -> PyResult<T> {
    match wait(py, None, answer)? {
        Some(Ok(answer)) => Ok(answer),
        Some(Err(refusal)) => Err(errors::broker_answer(
            Some(refusal.code.code()),
            &refusal.message,
            refusal.code.is_retriable(),
        )),
        None => Err(PyRuntimeError::new_err(
            "a wait without a limit ended without an outcome",
        )),
    }
}

/// A topic, as the broker that holds it sees it.
#[pyclass(frozen, get_all, module = "kafkalite")]
pub(crate) struct TopicSummary {
    /// The topic.
    name: String,
    /// How many partitions it has.
    partition_count: usize,
    /// How many messages it has at the most: end offset less start offset, over all partitions.
    ///
    /// Fewer where :attr:`compacted`, and where Apache Kafka wrote transactions; exactly so many otherwise.
    messages: i64,
    /// Whether it is compacted or has been: offsets of messages that were superseded count in :attr:`messages`.
    compacted: bool,
    /// Bytes of all its segments on disk, without their indexes.
    bytes: u64,
    /// How many segments its partitions have.
    segments: usize,
    /// The oldest offset that is kept, by partition.
    start_offsets: Vec<i64>,
    /// The offset that the next message gets, by partition.
    end_offsets: Vec<i64>,
}

impl From<kafkalite_broker::TopicSummary> for TopicSummary {
    fn from(topic: kafkalite_broker::TopicSummary) -> Self {
        let parts = &topic.partitions;
        Self {
            partition_count: parts.len(),
            messages: parts
                .iter()
                .map(|part| part.end_offset - part.start_offset)
                .sum(),
            bytes: parts.iter().map(|part| part.size).sum(),
            segments: parts.iter().map(|part| part.segments).sum(),
            start_offsets: parts.iter().map(|part| part.start_offset).collect(),
            end_offsets: parts.iter().map(|part| part.end_offset).collect(),
            compacted: topic.compacted,
            name: topic.name,
        }
    }
}

#[pymethods]
impl TopicSummary {
    fn __repr__(&self) -> String {
        let Self {
            name,
            partition_count,
            messages,
            compacted,
            bytes,
            segments,
            ..
        } = self;
        let equal = if *compacted { "<=" } else { "=" };
        format!(
            "TopicSummary({name:?}, partition_count={partition_count}, messages{equal}{messages}, bytes={bytes}, segments={segments})"
        )
    }
}
