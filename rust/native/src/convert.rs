//! Python values as the core takes them.

use std::borrow::Cow;
use std::collections::HashMap;

use kafkalite_client::TopicPartition;
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyOverflowError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PySequence, PyString};

use crate::errors::wrong_type;

/// What messages about wrong types call [`Bytelike`].
const EXPECTED: &str = "bytes, str, a buffer of bytes, or None";

/// What a user may give as bytes: `bytes` and `str` are borrowed, anything else with a buffer is copied.
pub(crate) struct Bytelike<'a>(pub(crate) Cow<'a, [u8]>);

impl<'a, 'py> FromPyObject<'a, 'py> for Bytelike<'a> {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyBytes>() {
            return Ok(Self(Cow::Borrowed(object.extract::<&'a [u8]>()?)));
        }
        if object.is_instance_of::<PyString>() {
            return Ok(Self(Cow::Borrowed(object.extract::<&'a str>()?.as_bytes())));
        }
        match PyBuffer::<u8>::get(&object) {
            Ok(buffer) => Ok(Self(Cow::Owned(buffer.to_vec(object.py())?))),
            Err(_) => Err(wrong_type("a payload or key", EXPECTED, &object)),
        }
    }
}

/// What a user names a topic by.
pub(crate) struct TopicName<'a>(pub(crate) &'a str);

impl<'a, 'py> FromPyObject<'a, 'py> for TopicName<'a> {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyString>() {
            object.extract().map(Self)
        } else {
            Err(wrong_type("a topic's name", "str", &object))
        }
    }
}

/// The time of a message, in milliseconds since 1970.
pub(crate) struct Timestamp(pub(crate) i64);

impl<'a, 'py> FromPyObject<'a, 'py> for Timestamp {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(ms @ 0..) = object.extract::<i64>() {
            return Ok(Self(ms));
        }
        let times = object.py().import("kafkalite._times")?;
        times
            .call_method1("of_message", (object,))?
            .extract()
            .map(Self)
    }
}

/// Where a user goes to in a partition.
pub(crate) struct Offset(pub(crate) i64);

impl<'a, 'py> FromPyObject<'a, 'py> for Offset {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        object.extract().map(Self).map_err(|error: PyErr| {
            if error.is_instance_of::<PyOverflowError>(object.py()) {
                PyValueError::new_err(format!("offsets are from 0 to {}", i64::MAX))
            } else {
                wrong_type("an offset", "int", &object)
            }
        })
    }
}

/// The objects of a list, or of another sequence; a text is one value, and not several.
pub(crate) fn list<'py>(
    what: &str,
    expected: &str,
    given: &Bound<'py, PyAny>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let is_one = given.is_instance_of::<PyString>()
        || given.is_instance_of::<PyBytes>()
        || given.is_instance_of::<PyByteArray>();
    if is_one || given.cast::<PySequence>().is_err() {
        return Err(wrong_type(what, expected, given));
    }
    given.extract()
}

/// Each object's bytes; `None` stays `None`.
pub(crate) fn payloads<'a>(objects: &'a [Bound<'_, PyAny>]) -> PyResult<Vec<Option<Bytelike<'a>>>> {
    objects
        .iter()
        .map(|object| Option::<Bytelike<'a>>::extract(object.as_borrowed()))
        .collect()
}

/// A header's name and value.
pub(crate) type Header = (String, Option<Vec<u8>>);

/// Headers, from a mapping or from pairs.
pub(crate) fn headers(given: &Bound<'_, PyAny>) -> PyResult<Vec<Header>> {
    if given.is_none() {
        return Ok(Vec::new());
    }
    let pairs = match given.cast::<PyDict>() {
        Ok(mapping) => mapping.items().into_any(),
        Err(_) if given.hasattr("items")? => given.call_method0("items")?,
        Err(_) => given.clone(),
    };
    let mut headers = Vec::new();
    for pair in pairs.try_iter()? {
        let pair = pair?;
        let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair
            .extract()
            .map_err(|_| wrong_type("headers", "a mapping or pairs of a name and bytes", &pair))?;
        let name = name
            .cast::<PyString>()
            .map_err(|_| wrong_type("a header's name", "str", &name))?;
        let value: Option<Bytelike<'_>> = value
            .extract()
            .map_err(|_| wrong_type("a header's value", EXPECTED, &value))?;
        headers.push((
            name.to_str()?.to_owned(),
            value.map(|value| value.0.into_owned()),
        ));
    }
    Ok(headers)
}

/// Partitions as Python has them, sorted.
pub(crate) fn partitions(
    py: Python<'_>,
    mut given: Vec<TopicPartition>,
) -> PyResult<Vec<Bound<'_, PyAny>>> {
    let class = topic_partition(py)?;
    given.sort_unstable();
    let one = |of: &TopicPartition| class.call1((&*of.topic, of.partition));
    given.iter().map(one).collect()
}

/// Offsets, or numbers of them, by partition.
pub(crate) fn by_partition(
    py: Python<'_>,
    found: HashMap<TopicPartition, i64>,
) -> PyResult<Bound<'_, PyDict>> {
    let (class, dict) = (topic_partition(py)?, PyDict::new(py));
    for (of, number) in found {
        dict.set_item(class.call1((&*of.topic, of.partition))?, number)?;
    }
    Ok(dict)
}

fn topic_partition(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    py.import("kafkalite.topic_partition")?
        .getattr("TopicPartition")
}
