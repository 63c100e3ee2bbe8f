//! `ProcessOwned`: what only the process that made it may touch.

use pyo3::PyResult;

use crate::errors;
use crate::runtime::is_forked;

/// Holds something of the core. A thread of the runtime may hold one of its locks at the moment at which another thread
/// forks the process, and in the child nobody ever lets go of that: there it is neither used nor dropped.
pub(crate) struct ProcessOwned<T>(Option<T>);

impl<T> ProcessOwned<T> {
    pub(crate) fn new(it: T) -> Self {
        Self(Some(it))
    }

    /// # Errors
    /// `ForkedError` in a forked child.
    #[inline]
    pub(crate) fn here(&self) -> PyResult<&T> {
        match &self.0 {
            Some(it) if !is_forked() => Ok(it),
            _ => Err(errors::forked()),
        }
    }

    /// What `show` says of it; in a forked child, that it is not ours.
    pub(crate) fn shown(&self, show: impl FnOnce(&T) -> String) -> String {
        self.here()
            .map_or_else(|_| "of the process that forked this one".to_owned(), show)
    }
}

impl<T> Drop for ProcessOwned<T> {
    fn drop(&mut self) {
        if is_forked() {
            std::mem::forget(self.0.take());
        }
    }
}
