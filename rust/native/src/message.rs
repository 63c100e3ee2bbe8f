//! `Message`: made by a user, or pointing into a fetched batch. Its parts become Python objects when they are asked for.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use bytes::Bytes;
use kafkalite_client::TopicPartition;
use kafkalite_records::RecordLayout;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};

use crate::convert::{self, Bytelike, Header, Timestamp};

/// Where fetched records came from; one for a batch, shared by its messages.
pub(crate) struct MessageOrigin {
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    /// The decompressed records, which layouts point into.
    pub(crate) payload: Bytes,
    /// Whether the broker set the timestamps.
    pub(crate) log_append: bool,
}

impl MessageOrigin {
    pub(crate) fn is_of(&self, of: &TopicPartition) -> bool {
        self.partition == of.partition && self.topic == of.topic
    }
}

/// A payload of bytes, with the optional parts that Kafka gives a record.
///
/// Make one to publish it; a message that was read also knows where it stood. Immutable. Its bytes are
/// copied out of the fetched batch only when they are asked for.
///
/// Args:
///     payload: the message's content; ``str`` is encoded as UTF-8, ``None`` is a tombstone.
///     key: decides the partition and is what compaction keeps the last message of.
///     headers: pairs of a name and bytes (or ``None``), in order; names may repeat.
///     timestamp: milliseconds since 1970-01-01 UTC, or a ``datetime`` (without a zone it is local); the time of
///         sending if not given.
#[pyclass(frozen, module = "kafkalite", freelist = 256)]
pub(crate) struct Message(Content);

enum Content {
    Made(Made),
    Read {
        origin: Arc<MessageOrigin>,
        layout: RecordLayout,
    },
}

/// A message that holds its own parts: a user's, or one that was unpickled and knows where it once stood.
#[derive(Clone, Default)]
struct Made {
    value: Option<Bytes>,
    key: Option<Bytes>,
    headers: Vec<Header>,
    timestamp: Option<i64>,
    log_append: bool,
    place: Option<(Arc<str>, i32, i64)>,
}

impl Message {
    pub(crate) fn read(origin: Arc<MessageOrigin>, layout: RecordLayout) -> Self {
        Self(Content::Read { origin, layout })
    }

    pub(crate) fn value_bytes(&self) -> Option<&[u8]> {
        match &self.0 {
            Content::Made(made) => made.value.as_deref(),
            Content::Read { origin, layout } => layout.value.of(&origin.payload),
        }
    }

    pub(crate) fn key_bytes(&self) -> Option<&[u8]> {
        match &self.0 {
            Content::Made(made) => made.key.as_deref(),
            Content::Read { origin, layout } => layout.key.of(&origin.payload),
        }
    }

    /// The headers; a damaged one, which a checked CRC rules out, ends them.
    pub(crate) fn header_list(&self) -> Vec<Header> {
        match &self.0 {
            Content::Made(made) => made.headers.clone(),
            Content::Read { origin, layout } => layout
                .headers(&origin.payload)
                .map_while(Result::ok)
                .map(|header| (header.name().into_owned(), header.value.map(<[u8]>::to_vec)))
                .collect(),
        }
    }

    /// The time that the producer gave it. A message that was read is sent again with the time that it has.
    pub(crate) fn create_time(&self) -> Option<i64> {
        match &self.0 {
            Content::Made(made) => made.timestamp,
            Content::Read { layout, .. } => (layout.timestamp >= 0).then_some(layout.timestamp),
        }
    }

    fn place(&self) -> Option<(&Arc<str>, i32, i64)> {
        match &self.0 {
            Content::Made(made) => made
                .place
                .as_ref()
                .map(|(topic, partition, offset)| (topic, *partition, *offset)),
            Content::Read { origin, layout } => {
                Some((&origin.topic, origin.partition, layout.offset))
            }
        }
    }

    fn log_append(&self) -> bool {
        match &self.0 {
            Content::Made(made) => made.log_append,
            Content::Read { origin, .. } => origin.log_append,
        }
    }
}

#[pymethods]
impl Message {
    #[new]
    #[pyo3(signature = (payload, *, key=None, headers=None, timestamp=None))]
    fn new(
        payload: Option<Bytelike<'_>>,
        key: Option<Bytelike<'_>>,
        headers: Option<&Bound<'_, PyAny>>,
        timestamp: Option<Timestamp>,
    ) -> PyResult<Self> {
        let own = |bytes: Bytelike<'_>| Bytes::from(bytes.0.into_owned());
        Ok(Self(Content::Made(Made {
            value: payload.map(own),
            key: key.map(own),
            headers: headers.map_or_else(|| Ok(Vec::new()), convert::headers)?,
            timestamp: timestamp.map(|time| time.0),
            ..Made::default()
        })))
    }

    /// The content; ``None`` for a tombstone.
    #[getter]
    fn value<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.value_bytes().map(|value| PyBytes::new(py, value))
    }

    /// The content, by the name that the paper gives it (Section 3).
    fn payload<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.value(py)
    }

    /// The key, or ``None``.
    #[getter]
    fn key<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.key_bytes().map(|key| PyBytes::new(py, key))
    }

    /// Pairs of name and value, in the order in which they were published.
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let pairs = self
            .header_list()
            .into_iter()
            .map(|(name, value)| (name, value.map(|value| PyBytes::new(py, &value).unbind())));
        PyTuple::new(py, pairs.collect::<Vec<_>>())
    }

    /// Milliseconds since 1970-01-01 UTC; ``None`` until the message is sent.
    #[getter]
    fn timestamp(&self) -> Option<i64> {
        self.create_time()
    }

    /// Who set the timestamp: the producer, or the broker on append.
    #[getter]
    fn timestamp_type(&self) -> &'static str {
        if self.log_append() {
            "log_append"
        } else {
            "create"
        }
    }

    /// Where it was read from; ``None`` for a message made here.
    #[getter]
    fn topic(&self) -> Option<&str> {
        self.place().map(|(topic, _, _)| &**topic)
    }

    /// The partition it was read from; ``None`` for a message made here.
    #[getter]
    fn partition(&self) -> Option<i32> {
        self.place().map(|(_, partition, _)| partition)
    }

    /// Its place in the partition; ``None`` for a message made here.
    #[getter]
    fn offset(&self) -> Option<i64> {
        self.place().map(|(_, _, offset)| offset)
    }

    /// The content as text. ``ValueError`` for a tombstone.
    #[pyo3(signature = (encoding="utf-8", errors="strict"))]
    fn text<'py>(
        &self,
        py: Python<'py>,
        encoding: &str,
        errors: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.content(py)?.call_method1("decode", (encoding, errors))
    }

    /// The content parsed as JSON. ``ValueError`` if it is not JSON.
    fn json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let content = self.content(py)?;
        py.import("json")?
            .call_method1("loads", (&content,))
            .map_err(|error| {
                let sentence = format!("the message's content is not JSON: {}", error.value(py));
                let wrapped = PyValueError::new_err(sentence);
                wrapped.set_cause(py, Some(error));
                wrapped
            })
    }

    fn __len__(&self) -> usize {
        self.value_bytes().map_or(0, <[u8]>::len)
    }

    fn __bool__(&self) -> bool {
        true // a message with an empty payload is a message
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| {
            let other = other.get();
            self.value_bytes() == other.value_bytes()
                && self.key_bytes() == other.key_bytes()
                && self.create_time() == other.create_time()
                && self.place() == other.place()
                && self.header_list() == other.header_list()
        })
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = std::hash::DefaultHasher::new();
        (self.value_bytes(), self.key_bytes(), self.place()).hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let shown = |bytes: Option<&[u8]>| -> PyResult<String> {
            const SHOWN: usize = 60;
            let Some(bytes) = bytes else {
                return Ok("None".into());
            };
            let literal = PyBytes::new(py, &bytes[..bytes.len().min(SHOWN)])
                .repr()?
                .to_string();
            Ok(if bytes.len() > SHOWN {
                format!("{literal}... ({} bytes)", bytes.len())
            } else {
                literal
            })
        };
        let mut parts = vec![shown(self.value_bytes())?];
        if self.key_bytes().is_some() {
            parts.push(format!("key={}", shown(self.key_bytes())?));
        }
        if let Some((topic, partition, offset)) = self.place() {
            let topic = &**topic;
            parts.push(format!(
                "topic={topic:?}, partition={partition}, offset={offset}"
            ));
        }
        if let Some(timestamp) = self.create_time() {
            parts.push(format!("timestamp={timestamp}"));
        }
        Ok(format!("Message({})", parts.join(", ")))
    }

    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let rebuild = py
            .import("kafkalite._native")?
            .getattr("_rebuild_message")?;
        let place = self
            .place()
            .map(|(topic, partition, offset)| (topic.to_string(), partition, offset));
        let state = (
            self.value(py),
            self.key(py),
            self.headers(py)?,
            self.create_time(),
            self.log_append(),
            place,
        );
        Ok((rebuild, state.into_pyobject(py)?))
    }
}

impl Message {
    fn content<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.value(py)
            .ok_or_else(|| PyValueError::new_err("the message is a tombstone: it has no content"))
    }
}

/// Where a message stood: topic, partition, offset.
type Place<'py> = (Bound<'py, PyString>, i32, i64);

/// A message as `Message.__reduce__` took it apart.
#[pyfunction]
#[pyo3(name = "_rebuild_message")]
pub(crate) fn rebuild(
    value: Option<Bytelike<'_>>,
    key: Option<Bytelike<'_>>,
    headers: &Bound<'_, PyAny>,
    timestamp: Option<i64>,
    log_append: bool,
    place: Option<Place<'_>>,
) -> PyResult<Message> {
    let place = match place {
        Some((topic, partition, offset)) => Some((Arc::from(topic.to_str()?), partition, offset)),
        None => None,
    };
    Ok(Message(Content::Made(Made {
        value: value.map(|bytes| Bytes::from(bytes.0.into_owned())),
        key: key.map(|bytes| Bytes::from(bytes.0.into_owned())),
        headers: convert::headers(headers)?,
        timestamp,
        log_append,
        place,
    })))
}
