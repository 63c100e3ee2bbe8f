//! The one runtime of the process: started at first use, remembered with its process.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;
use pyo3::types::PyDict;
use tokio::runtime::{Builder, Runtime};

use crate::errors;

static RUNTIME: OnceLock<(u32, Runtime)> = OnceLock::new();

/// Whether this is a child of the process that started the runtime, as far as Python has forked it.
static FORKED: AtomicBool = AtomicBool::new(false);

/// Called by Python in a child that it forked.
#[pyfunction]
pub(crate) fn note_fork() {
    FORKED.store(RUNTIME.get().is_some(), Ordering::Relaxed);
}

/// Has Python call [`note_fork`].
pub(crate) fn hear_of_forks(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let hook = PyDict::new(module.py());
    hook.set_item("after_in_child", wrap_pyfunction!(note_fork, module)?)?;
    let os = module.py().import("os")?;
    os.call_method("register_at_fork", (), Some(&hook))?;
    Ok(())
}

/// What is asked for each message, for which the process' id would take too long.
#[inline]
pub(crate) fn is_forked() -> bool {
    FORKED.load(Ordering::Relaxed)
}

/// The runtime of this process.
///
/// # Errors
/// `ForkedError` in a forked child: the threads of the parent's runtime do not exist there, and waiting for them
/// would hang for ever. `OSError` if threads cannot be started.
pub(crate) fn runtime() -> PyResult<&'static Runtime> {
    let (owner, runtime) = if let Some(started) = RUNTIME.get() {
        started
    } else {
        let started = Builder::new_multi_thread()
            .worker_threads(
                std::thread::available_parallelism().map_or(2, |cores| cores.get().clamp(2, 8)),
            )
            .thread_name("kafkalite")
            .enable_all()
            .build()?;
        // Another thread may have been first: its runtime serves, ours is dropped unused.
        if let Err((_, unused)) = RUNTIME.set((std::process::id(), started)) {
            unused.shutdown_background();
        }
        RUNTIME
            .get()
            .expect("set just above, by us or by another thread")
    };
    if *owner == std::process::id() {
        Ok(runtime)
    } else {
        Err(errors::forked())
    }
}
