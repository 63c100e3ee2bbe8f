//! Settings from Python to the core, and the core's tables to Python.

use std::collections::HashMap;

use kafkalite_broker::config::{self, BROKER, GROUP, TOPIC};
use kafkalite_client::{AdminConfig, ConsumerConfig, ProducerConfig};
use kafkalite_settings::{ChangedWhen, ConfigError, Row, properties};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList, PyTuple};

use crate::errors;

/// Set each item of a mapping, spelt as in property files; `None` leaves a setting at its default.
pub(crate) fn apply(
    given: &Bound<'_, PyAny>,
    mut set: impl FnMut(&str, &str) -> Result<(), ConfigError>,
) -> PyResult<()> {
    for item in given.call_method0("items")?.try_iter()? {
        let (name, value): (String, Bound<'_, PyAny>) = item?.extract()?;
        if value.is_none() {
            continue;
        }
        set(&name, &text(&value)?).map_err(|error| errors::client_setting(&error))?;
    }
    Ok(())
}

/// A value as a property file spells it.
fn text(value: &Bound<'_, PyAny>) -> PyResult<String> {
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(flag.is_true().to_string());
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        let parts: Vec<String> = value
            .try_iter()?
            .map(|part| text(&part?))
            .collect::<PyResult<_>>()?;
        return Ok(parts.join(","));
    }
    Ok(value.str()?.to_string())
}

/// Parse a properties file.
#[pyfunction]
pub(crate) fn parse_properties(text: &str) -> PyResult<HashMap<String, String>> {
    let pairs = properties::parse(text);
    let pairs = pairs.map_err(|error| errors::invalid_setting(&error.to_string()))?;
    Ok(pairs.into_iter().collect())
}

/// The table of settings of a kind, a dict a row, with Kafka's names.
#[pyfunction]
pub(crate) fn settings<'py>(py: Python<'py>, kind: &str) -> PyResult<Vec<Bound<'py, PyDict>>> {
    let table: Vec<&Row> = match kind {
        "broker" => BROKER.iter().collect(),
        "topic" => TOPIC.iter().collect(),
        "group" => GROUP.iter().collect(),
        "producer" => ProducerConfig::settings().collect(),
        "consumer" => ConsumerConfig::settings().collect(),
        "admin" => AdminConfig::settings().collect(),
        _ => {
            let sentence = format!(
                "there are settings of broker, topic, group, producer, consumer and admin, not of {kind:?}"
            );
            return Err(PyValueError::new_err(sentence));
        }
    };
    table.into_iter().map(|row| self::row(py, row)).collect()
}

fn row<'py>(py: Python<'py>, row: &Row) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("name", row.name)?;
    dict.set_item("type", row.kind.value_type().to_string())?;
    dict.set_item("default", row.default)?;
    dict.set_item("range", row.kind.to_string())?;
    dict.set_item("doc", row.doc)?;
    dict.set_item("dynamic", row.change == ChangedWhen::Dynamic)?;
    Ok(dict)
}

/// The setting of a topic, a broker or a group that is meant by a name that none has, if one is near.
#[pyfunction]
pub(crate) fn nearest_setting(kind: &str, name: &str) -> Option<&'static str> {
    let table = match kind {
        "broker" => BROKER,
        "topic" => TOPIC,
        "group" => GROUP,
        _ => return None,
    };
    config::nearest_setting(table, name)
}

/// The nearest of these names to one that is none of them, if one is near.
#[pyfunction]
pub(crate) fn nearest(name: &str, names: Vec<String>) -> Option<String> {
    let found = kafkalite_names::nearest(name, names.iter().map(String::as_str));
    found.map(str::to_owned)
}
