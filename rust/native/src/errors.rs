//! From the core's errors to the exceptions that `kafkalite.errors` defines. Which sentence is the core's; which class is decided here.

use kafkalite_broker::BrokerError;
use kafkalite_client::{ClientError, LinkError};
use kafkalite_settings::ConfigError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyModule};

static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();

fn module(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    Ok(MODULE
        .get_or_try_init(py, || py.import("kafkalite.errors").map(Bound::unbind))?
        .bind(py))
}

fn make(class: &str, message: &str) -> PyErr {
    Python::attach(|py| {
        match module(py).and_then(|module| module.getattr(class)?.call1((message,))) {
            Ok(error) => PyErr::from_value(error),
            Err(broken) => broken,
        }
    })
}

/// An exception of the given class.
macro_rules! leaves {
    ($($(#[$doc:meta])* $function:ident => $class:literal;)*) => {
        $($(#[$doc])* pub(crate) fn $function(message: &str) -> PyErr { make($class, message) })*
    };
}

leaves! {
    /// No broker could be reached, or a connection broke.
    connection => "KafkaConnectionError";
    /// The time allowed for a call ran out.
    timeout => "KafkaTimeoutError";
    /// A setting that does not exist, or a value that it does not take.
    invalid_setting => "InvalidSettingError";
    /// Used after its `close()`.
    closed => "ClosedError";
    /// A call that does not fit how a consumer reads.
    group => "GroupError";
    /// Offsets that were not committed: the partitions are no longer this member's.
    commit_failed => "CommitFailedError";
    /// Bytes that fail their CRC or are no record batches.
    corrupt => "CorruptMessageError";
    /// The broker could not start.
    broker_start => "BrokerStartError";
    /// A log directory or segment could not be read or written.
    log_directory => "LogDirectoryError";
    /// Accepted messages that could not be delivered.
    delivery => "DeliveryError";
}

/// A commit without a group.
pub(crate) fn no_group() -> PyErr {
    group("commit() needs a group: Consumer(..., group_id='...'); alone, nothing is committed")
}

/// Used in a forked child.
pub(crate) fn forked() -> PyErr {
    make(
        "ForkedError",
        "this process was forked after kafkalite had started its threads, and they do not exist here; \
         start processes with multiprocessing.get_context(\"spawn\"), or use kafkalite in the child only",
    )
}

/// The exception for a broker's error code; none where no broker answered.
pub(crate) fn broker_answer(code: Option<i16>, message: &str, retriable: bool) -> PyErr {
    Python::attach(|py| {
        let build = || -> PyResult<PyErr> {
            let arguments = PyDict::new(py);
            arguments.set_item("code", code)?;
            arguments.set_item("message", message)?;
            arguments.set_item("retriable", retriable)?;
            let error = module(py)?
                .getattr("from_code")?
                .call((), Some(&arguments))?;
            Ok(PyErr::from_value(error))
        };
        build().unwrap_or_else(|broken| broken)
    })
}

/// A `TypeError` that says what was expected and what was found.
pub(crate) fn wrong_type(what: &str, expected: &str, found: &Bound<'_, PyAny>) -> PyErr {
    let kind = found
        .get_type()
        .name()
        .map_or_else(|_| "?".into(), |name| name.to_string());
    pyo3::exceptions::PyTypeError::new_err(format!("{what} must be {expected}, not {kind}"))
}

/// The exception for a setting of a client; the sentence has its name as Python's keywords are spelt.
pub(crate) fn client_setting(error: &ConfigError) -> PyErr {
    invalid_setting(&error.sentence(keyword))
}

/// What Python's classes call a setting: Kafka's name with underscores, but for those that have a keyword of their own.
fn keyword(name: &str) -> String {
    let asked = Python::attach(|py| {
        let settings = py.import("kafkalite._settings")?;
        settings.call_method1("keyword", (name,))?.extract()
    });
    asked.unwrap_or_else(|_: PyErr| name.replace('.', "_"))
}

/// The exception for what the client reports.
pub(crate) fn client(error: &ClientError) -> PyErr {
    let sentence = error.to_string();
    match error {
        ClientError::Config(error) => client_setting(error),
        ClientError::Closed(_) => closed(&sentence),
        ClientError::Undelivered { .. } => delivery(&sentence),
        ClientError::TimedOut {
            cause: Some(cause), ..
        } if matches!(
            **cause,
            ClientError::Broker { .. }
                | ClientError::Link(LinkError::Refused { .. })
                | ClientError::UnknownPartition { .. }
        ) =>
        {
            let code = cause.code().map(kafkalite_client::ErrorCode::code);
            broker_answer(code, &sentence, true)
        }
        ClientError::TimedOut { .. } | ClientError::Link(LinkError::RequestTimedOut { .. }) => {
            timeout(&sentence)
        }
        ClientError::Records { .. } => corrupt(&sentence),
        ClientError::Broker { .. }
        | ClientError::Link(LinkError::Unsendable { .. } | LinkError::Refused { .. })
        | ClientError::InvalidTopic { .. }
        | ClientError::NotAdmitted { .. }
        | ClientError::Fenced { .. }
        | ClientError::TooLarge { .. }
        | ClientError::UnknownPartition { .. }
        | ClientError::OffsetOutOfRange { .. } => broker_answer(
            error.code().map(kafkalite_client::ErrorCode::code),
            &sentence,
            error.retriable(),
        ),
        ClientError::Link(_) | ClientError::ZooKeeper(_) => connection(&sentence),
        ClientError::BadAssignment { .. }
        | ClientError::StartUnknown { .. }
        | ClientError::MemberInterrupted { .. } => group(&sentence),
        ClientError::CommitFailed { .. } => commit_failed(&sentence),
        ClientError::NotAssigned { .. } => pyo3::exceptions::PyValueError::new_err(sentence),
    }
}

/// The exception for what a broker as a whole reports.
pub(crate) fn broker(error: &BrokerError) -> PyErr {
    let sentence = error.to_string();
    match error {
        BrokerError::Setting(_)
        | BrokerError::UnsupportedSetting { .. }
        | BrokerError::FixedSetting { .. }
        | BrokerError::Properties(_) => invalid_setting(&sentence),
        BrokerError::Stopped => closed(&sentence),
        _ => broker_start(&sentence),
    }
}
