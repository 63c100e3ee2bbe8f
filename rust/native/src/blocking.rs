//! The one door through which every blocking call goes: releases the GIL, waits in slices, looks for Ctrl-C.

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use pyo3::{PyResult, Python};

use crate::runtime::runtime;

/// How long a wait goes on before it looks for Ctrl-C.
const SLICE: Duration = Duration::from_millis(100);

/// Longer than anybody waits.
pub(crate) const FOR_EVER: Duration = Duration::from_hours(87600);

/// Wait for a future; `None` if `timeout` passes first.
///
/// # Errors
/// What a signal handler raised (`KeyboardInterrupt` for Ctrl-C); the future is dropped then.
pub(crate) fn wait<F>(
    py: Python<'_>,
    timeout: Option<Duration>,
    future: F,
) -> PyResult<Option<F::Output>>
where
    F: Future + Send,
    F::Output: Send,
{
    let runtime = runtime()?;
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut future = pin!(future);
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let slice = left.map_or(SLICE, |left| left.min(SLICE));
        let waiting = future.as_mut();
        let outcome =
            py.detach(|| runtime.block_on(async { tokio::time::timeout(slice, waiting).await }));
        if let Ok(output) = outcome {
            return Ok(Some(output));
        }
        py.check_signals()?;
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Ok(None);
        }
    }
}

/// Seconds as Python gives them, as a duration: negative and NaN are nothing at all, infinity is no limit.
pub(crate) fn seconds(timeout: Option<f64>) -> Option<Duration> {
    timeout.and_then(|seconds| {
        if seconds > 0.0 {
            Duration::try_from_secs_f64(seconds).ok()
        } else {
            Some(Duration::ZERO)
        }
    })
}
