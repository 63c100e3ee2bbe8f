//! The extension module kafkalite._native: converts, waits, translates errors. Decides nothing.
#![allow(
    clippy::needless_pass_by_value,
    clippy::too_many_arguments,
    clippy::unused_self,
    reason = "signatures are Python's: arguments arrive by value, as many as there are keywords, and methods have a self"
)]
#![allow(
    clippy::doc_markdown,
    reason = "of what Python sees, the doc comments are what help() shows, in Python's markup"
)]

mod admin;
mod batch_source;
mod blocking;
mod broker;
mod commits;
mod committing;
mod consumer;
mod convert;
mod delivery;
mod errors;
mod handed_out;
mod leaving;
mod log_reader;
mod logging;
mod message;
mod process_owned;
mod producer;
mod reader;
mod reading;
mod runtime;
mod settings;
mod stream;

use pyo3::prelude::*;

/// What `kafkalite` is made of; users import from the package.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::admin::Admin;
    #[pymodule_export]
    use crate::broker::{Broker, TopicSummary};
    #[pymodule_export]
    use crate::consumer::Consumer;
    #[pymodule_export]
    use crate::delivery::{Delivery, RecordMetadata};
    #[pymodule_export]
    use crate::leaving::leave_groups;
    #[pymodule_export]
    use crate::log_reader::{Batch, LogReader};
    #[pymodule_export]
    use crate::logging::{next_log_records, set_log_level};
    #[pymodule_export]
    use crate::message::{Message, rebuild};
    #[pymodule_export]
    use crate::producer::Producer;
    #[pymodule_export]
    use crate::reader::Reader;
    #[pymodule_export]
    use crate::settings::{nearest, nearest_setting, parse_properties, settings};
    #[pymodule_export]
    use crate::stream::MessageStream;

    use pyo3::prelude::*;

    /// Refuse what cannot be the name of a topic.
    #[pyfunction]
    fn check_topic_name(name: &str) -> PyResult<()> {
        kafkalite_client::check_topic_name(name).map_err(|error| crate::errors::client(&error))
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::runtime::hear_of_forks(module)
    }

    /// The version, which `importlib.metadata` would take ten times as long to look up as the import itself takes.
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");

    /// The partition that Kafka's Java client chooses for a key.
    #[pyfunction]
    fn murmur2_partition(key: &[u8], partitions: usize) -> i32 {
        kafkalite_client::partition_of_key(key, partitions)
    }
}
