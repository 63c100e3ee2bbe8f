//! `Delivery` and `RecordMetadata`: what became of a message.

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::blocking::{seconds, wait};
use crate::errors;
use crate::process_owned::ProcessOwned;

/// Where a message was written.
///
/// For a set, the place of its first message.
#[pyclass(frozen, eq, hash, get_all, module = "kafkalite")]
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct RecordMetadata {
    /// The topic.
    topic: String,
    /// The partition.
    partition: i32,
    /// Its place in the partition; ``None`` with ``acks=0``, where nobody answers.
    offset: Option<i64>,
    /// Milliseconds since 1970-01-01 UTC.
    timestamp: i64,
}

impl From<kafkalite_client::RecordMetadata> for RecordMetadata {
    fn from(metadata: kafkalite_client::RecordMetadata) -> Self {
        Self {
            topic: metadata.topic.to_string(),
            partition: metadata.partition,
            offset: metadata.offset,
            timestamp: metadata.timestamp,
        }
    }
}

#[pymethods]
impl RecordMetadata {
    #[new]
    fn new(topic: String, partition: i32, offset: Option<i64>, timestamp: i64) -> Self {
        Self {
            topic,
            partition,
            offset,
            timestamp,
        }
    }

    fn __repr__(&self) -> String {
        let Self {
            topic,
            partition,
            offset,
            timestamp,
        } = self;
        let offset = offset.map_or("None".to_owned(), |offset| offset.to_string());
        format!(
            "RecordMetadata(topic={topic:?}, partition={partition}, offset={offset}, timestamp={timestamp})"
        )
    }

    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let parts = (&self.topic, self.partition, self.offset, self.timestamp);
        Ok((py.get_type::<Self>().into_any(), parts.into_pyobject(py)?))
    }
}

/// What became of a message, or of a set, that was handed to a producer.
#[pyclass(frozen, module = "kafkalite")]
pub(crate) struct Delivery(ProcessOwned<kafkalite_client::Delivery>);

impl Delivery {
    pub(crate) fn new(delivery: kafkalite_client::Delivery) -> Self {
        Self(ProcessOwned::new(delivery))
    }

    fn settled(
        &self,
        py: Python<'_>,
        timeout: Option<f64>,
    ) -> PyResult<kafkalite_client::Result<RecordMetadata>> {
        let delivery = self.0.here()?;
        let result = match delivery.result() {
            Some(result) => result,
            None => wait(py, seconds(timeout), delivery.wait())?.ok_or_else(|| {
                errors::timeout(&format!(
                    "the delivery to {}-{} was not settled within {} s; it may still be: ask again",
                    delivery.topic(),
                    delivery.partition(),
                    timeout.unwrap_or_default(),
                ))
            })?,
        };
        Ok(result.map(Into::into))
    }
}

#[pymethods]
impl Delivery {
    /// Whether it is settled, one way or the other.
    fn done(&self) -> PyResult<bool> {
        self.0.here().map(kafkalite_client::Delivery::is_done)
    }

    /// Wait until it is settled, then return where it was written, or raise what went wrong.
    ///
    /// Args:
    ///     timeout: seconds; ``None`` waits as long as it takes.
    ///
    /// Raises:
    ///     KafkaTimeoutError: it is not settled yet, and may still be delivered; or the producer gave it up after its
    ///         ``delivery_timeout_ms``.
    ///     KafkaError: it was not delivered; the class and the message say why.
    #[pyo3(signature = (timeout=None))]
    fn result(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<RecordMetadata> {
        self.settled(py, timeout)?
            .map_err(|error| errors::client(&error))
    }

    /// Wait until it is settled, then return what went wrong, or ``None`` if it was written.
    ///
    /// Args:
    ///     timeout: seconds; ``None`` waits as long as it takes. ``KafkaTimeoutError`` if it is not settled by then.
    #[pyo3(signature = (timeout=None))]
    fn exception(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<Option<PyErr>> {
        Ok(self
            .settled(py, timeout)?
            .err()
            .map(|error| errors::client(&error)))
    }

    fn __repr__(&self) -> String {
        let inside = self.0.shown(|delivery| {
            let state = match delivery.result() {
                None => "under way",
                Some(Ok(_)) => "delivered",
                Some(Err(_)) => "failed",
            };
            format!("{}-{}, {state}", delivery.topic(), delivery.partition())
        });
        format!("Delivery({inside})")
    }
}
