//! The extension module kafkalite._native: converts, waits, translates errors. Decides nothing.

mod blocking;
mod convert;
mod errors;
mod logging;
mod message;
mod runtime;

use pyo3::prelude::*;

/// What `kafkalite` is made of; users import from the package.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::logging::{next_log_records, set_log_level};
    #[pymodule_export]
    use crate::message::{Message, rebuild};
}
