//! `Producer`: hands records over without entering the runtime, and waits where it has to.

use std::sync::Arc;
use std::time::Duration;

use kafkalite_client::{Header, ProducerConfig, ProducerRecord, Refused};
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::blocking::{seconds, wait};
use crate::convert::{self, Bytelike, Timestamp, TopicName};
use crate::delivery::Delivery;
use crate::errors::wrong_type;
use crate::message::Message;
use crate::process_owned::ProcessOwned;
use crate::runtime::runtime;
use crate::{errors, settings};

/// Publishes records. It holds no Python object: whoever finalizes the producer holds this one, so what it held would never be
/// collected.
#[pyclass(frozen, module = "kafkalite._native")]
pub(crate) struct Producer {
    core: ProcessOwned<Arc<kafkalite_client::Producer>>,
    /// How long close waits when its caller names no time: deliveries end by then.
    patience: Duration,
}

#[pymethods]
impl Producer {
    #[new]
    fn new(given: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut config = ProducerConfig::default();
        settings::apply(given, |name, value| config.set(name, value))?;
        let patience = config.delivery_timeout + Duration::from_secs(1);
        let core = kafkalite_client::Producer::new(config, runtime()?.handle())
            .map_err(|error| errors::client(&error))?;
        Ok(Self {
            core: ProcessOwned::new(Arc::new(core)),
            patience,
        })
    }

    fn send(
        &self,
        py: Python<'_>,
        topic: TopicName<'_>,
        value: &Bound<'_, PyAny>,
        key: Option<Bytelike<'_>>,
        headers: &Bound<'_, PyAny>,
        timestamp: Option<Timestamp>,
        partition: Option<i32>,
        partitioner: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Delivery> {
        let (core, topic) = (self.core.here()?, topic.0);
        let timestamp = timestamp.map(|time| time.0);
        let given = convert::headers(headers)?;
        let own;
        let (value, key, timestamp, headers): (_, Option<&[u8]>, _, _) =
            if let Ok(message) = value.cast::<Message>() {
                let message = message.get();
                own = message.header_list();
                (
                    message.value_bytes().map(std::borrow::Cow::Borrowed),
                    key.as_ref().map(|key| &*key.0).or(message.key_bytes()),
                    timestamp.or(message.create_time()),
                    if given.is_empty() { &own } else { &given },
                )
            } else {
                let value: Option<Bytelike<'_>> = value.extract()?;
                (
                    value.map(|value| value.0),
                    key.as_ref().map(|key| &*key.0),
                    timestamp,
                    &given,
                )
            };
        let headers: Vec<Header<'_>> = headers.iter().map(borrowed).collect();
        let partition = self.choose(py, partitioner, topic, partition, key)?;
        let record = ProducerRecord {
            topic,
            partition,
            key,
            value: value.as_deref(),
            headers: &headers,
            timestamp,
        };
        let delivery = self.until_taken(py, || core.enqueue(&record))?;
        Ok(Delivery::new(delivery))
    }

    fn send_set(
        &self,
        py: Python<'_>,
        topic: TopicName<'_>,
        messages: Vec<PyRef<'_, Message>>,
        key: Option<Bytelike<'_>>,
        partition: Option<i32>,
        partitioner: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Delivery> {
        let (core, topic) = (self.core.here()?, topic.0);
        let Some(first) = messages.first() else {
            return Err(PyValueError::new_err(
                "a message set needs at least one message",
            ));
        };
        let key = key.as_ref().map(|key| &*key.0).or(first.key_bytes());
        let partition = self.choose(py, partitioner, topic, partition, key)?;
        let headers: Vec<_> = messages
            .iter()
            .map(|message| message.header_list())
            .collect();
        let headers: Vec<Vec<Header<'_>>> = headers
            .iter()
            .map(|list| list.iter().map(borrowed).collect())
            .collect();
        let records: Vec<ProducerRecord<'_>> = messages
            .iter()
            .zip(&headers)
            .map(|(message, headers)| ProducerRecord {
                topic,
                partition,
                key: message.key_bytes(),
                value: message.value_bytes(),
                headers,
                timestamp: message.create_time(),
            })
            .collect();
        let delivery =
            self.until_taken(py, || core.enqueue_set(topic, partition, key, &records))?;
        Ok(Delivery::new(delivery))
    }

    fn send_many(
        &self,
        py: Python<'_>,
        topic: TopicName<'_>,
        values: &Bound<'_, PyAny>,
        keys: Option<&Bound<'_, PyAny>>,
        timestamps: Option<&Bound<'_, PyAny>>,
        partition: Option<i32>,
        partitioner: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let (core, topic) = (self.core.here()?, topic.0);
        let values = convert::list("values", "a list of payloads", values)?;
        let keys = keys
            .map(|keys| convert::list("keys", "a list of keys", keys))
            .transpose()?;
        let timestamps: Option<Vec<i64>> = timestamps
            .map(|times| {
                let times = convert::list("timestamps", "a list of milliseconds", times)?;
                let millis = |time: &Bound<'_, PyAny>| Ok(time.extract::<Timestamp>()?.0);
                times.iter().map(millis).collect::<PyResult<_>>()
            })
            .transpose()?;
        let values = convert::payloads(&values)?;
        let keys = keys.as_deref().map(convert::payloads).transpose()?;
        as_many("keys", keys.as_ref().map(Vec::len), values.len())?;
        as_many(
            "timestamps",
            timestamps.as_ref().map(Vec::len),
            values.len(),
        )?;
        let key = |at: usize| {
            keys.as_ref()
                .and_then(|keys| keys[at].as_ref())
                .map(|key| &*key.0)
        };
        let chosen = match (partitioner, partition) {
            (Some(_), None) => Some(
                (0..values.len())
                    .map(|at| self.choose(py, partitioner, topic, None, key(at)))
                    .collect::<PyResult<Vec<_>>>()?,
            ),
            _ => None,
        };
        let record = |at: usize| ProducerRecord {
            topic,
            partition: chosen.as_ref().map_or(partition, |chosen| chosen[at]),
            key: key(at),
            value: values[at].as_ref().map(|value| &*value.0),
            headers: &[],
            timestamp: timestamps.as_ref().map(|timestamps| timestamps[at]),
        };
        let mut records = (0..values.len()).map(record).peekable();
        // Failures of dropped deliveries are reported by flush.
        self.until_taken(py, || py.detach(|| core.enqueue_many(&mut records, drop)))
    }

    #[pyo3(signature = (timeout))]
    fn flush(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        match wait(py, seconds(timeout), self.core.here()?.flush())? {
            Some(flushed) => flushed.map_err(|error| errors::client(&error)),
            None => Err(errors::timeout(&format!(
                "not everything was delivered within {} s; what is left is still being tried",
                timeout.unwrap_or_default()
            ))),
        }
    }

    #[pyo3(signature = (timeout))]
    fn close(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<()> {
        let limit = seconds(timeout).unwrap_or(self.patience);
        let Ok(core) = self.core.here() else {
            return Ok(()); // what was sent is for its own process to deliver
        };
        match wait(py, None, core.close(limit))? {
            Some(closed) => closed.map_err(|error| errors::client(&error)),
            None => Ok(()), // without a timeout there is always an outcome
        }
    }
}

impl Producer {
    /// The partition that the user's function chooses, where there is one and the caller has not chosen.
    fn choose(
        &self,
        py: Python<'_>,
        partitioner: Option<&Bound<'_, PyAny>>,
        topic: &str,
        given: Option<i32>,
        key: Option<&[u8]>,
    ) -> PyResult<Option<i32>> {
        let (Some(function), None) = (partitioner, given) else {
            return Ok(given);
        };
        let core = self.core.here()?;
        // Through the door only if it is not known: this comes before every record.
        let partitions = match core.known_partition_count(topic) {
            Some(partitions) => partitions,
            None => match wait(py, None, core.partition_count(topic))? {
                Some(counted) => counted.map_err(|error| errors::client(&error))?,
                None => return Ok(None), // without a timeout there is always an outcome
            },
        };
        let chosen = function.call1((key, partitions))?;
        match chosen.extract::<i32>() {
            Ok(number) if usize::try_from(number).is_ok_and(|number| number < partitions) => {
                Ok(Some(number))
            }
            Err(error) if error.is_instance_of::<PyTypeError>(py) => {
                let what = "what the partitioning function returns";
                Err(wrong_type(what, "the number of a partition", &chosen))
            }
            Err(error) if !error.is_instance_of::<PyOverflowError>(py) => Err(error),
            _ => Err(PyValueError::new_err(format!(
                "the partitioning function returned {chosen}; {topic} has partitions 0 to {}",
                partitions.saturating_sub(1)
            ))),
        }
    }

    /// Tries again each time that the core asks to wait for something.
    fn until_taken<T>(
        &self,
        py: Python<'_>,
        mut attempt: impl FnMut() -> Result<T, Refused>,
    ) -> PyResult<T> {
        loop {
            match attempt() {
                Ok(taken) => return Ok(taken),
                Err(Refused::Failed(error)) => return Err(errors::client(&error)),
                Err(Refused::Wait(need)) => {
                    if let Some(Err(error)) = wait(py, None, need.ready())? {
                        return Err(errors::client(&error));
                    }
                }
            }
        }
    }
}

fn borrowed((name, value): &convert::Header) -> Header<'_> {
    Header {
        key: name.as_bytes(),
        value: value.as_deref(),
    }
}

fn as_many(what: &str, found: Option<usize>, wanted: usize) -> PyResult<()> {
    match found {
        Some(found) if found != wanted => Err(PyValueError::new_err(format!(
            "there must be as many {what} as values: {found} {what}, {wanted} values"
        ))),
        _ => Ok(()),
    }
}
