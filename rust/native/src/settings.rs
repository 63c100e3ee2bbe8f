//! Settings from Python to the core, and the core's tables to Python.

use std::collections::HashMap;

use kafkalite_client::config::{ConfigError, Setting};
use kafkalite_client::{AdminConfig, ConsumerConfig, ProducerConfig};
use kafkalite_names::nearest;
use kafkalite_settings::properties;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList, PyTuple};

use crate::errors;

/// Set each item of a mapping, spelt as in property files.
pub(crate) fn apply(
    given: &Bound<'_, PyAny>,
    mut set: impl FnMut(&str, &str) -> Result<(), ConfigError>,
) -> PyResult<()> {
    for item in given.call_method0("items")?.try_iter()? {
        let (name, value): (String, Bound<'_, PyAny>) = item?.extract()?;
        set(&name, &text(&value)?).map_err(|error| errors::invalid_setting(&pythonic(&error)))?;
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

/// The error in Python's spelling of the names.
fn pythonic(error: &ConfigError) -> String {
    match error {
        ConfigError::Unknown { name, suggestion } => unknown(&name.replace('.', "_"), *suggestion),
        ConfigError::Invalid {
            name,
            value,
            expected,
        } => {
            format!(
                "{}={value:?} is not allowed: expected {expected}",
                name.replace('.', "_")
            )
        }
        ConfigError::Conflict(sentence) => sentence.clone(),
    }
}

/// Kafka's settings that there will be, and the words that only Python's signatures have.
const NOT_YET: [&str; 7] = [
    "transactional_id",
    "security_protocol",
    "sasl_",
    "ssl_",
    "group_protocol",
    "group_remote_assignor",
    "isolation_level",
];
const PYTHON_ONLY: [&str; 1] = ["compression"];

fn unknown(name: &str, suggestion: Option<&str>) -> String {
    if NOT_YET.iter().any(|prefix| name.starts_with(prefix)) {
        return format!("{name} is not supported yet (README, 'Not yet'); leave it out");
    }
    let nearest = suggestion.or_else(|| nearest(name, PYTHON_ONLY.into_iter()));
    let hint = nearest.map(|nearest| format!("; did you mean {}?", nearest.replace('.', "_")));
    format!("there is no setting {name}{}", hint.unwrap_or_default())
}

/// The table of settings of a kind, a dict a row.
#[pyfunction]
pub(crate) fn settings<'py>(py: Python<'py>, kind: &str) -> PyResult<Vec<Bound<'py, PyDict>>> {
    match kind {
        "producer" => ProducerConfig::settings()
            .map(|row| client_row(py, row))
            .collect(),
        "consumer" => ConsumerConfig::settings()
            .map(|row| client_row(py, row))
            .collect(),
        "admin" => AdminConfig::settings()
            .map(|row| client_row(py, row))
            .collect(),
        _ => crate::broker::settings(py, kind),
    }
}

fn client_row<'py>(py: Python<'py>, row: &Setting) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("name", row.name.replace('.', "_"))?;
    dict.set_item("type", row.kind.type_name())?;
    dict.set_item("default", row.default)?;
    dict.set_item("range", row.kind.range())?;
    dict.set_item("doc", row.doc)?;
    Ok(dict)
}
