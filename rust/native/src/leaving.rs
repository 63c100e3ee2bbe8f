//! How reading ends: what is consumed is committed, groups are left, and whoever waits hears of it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use pyo3::prelude::*;

use crate::blocking::{FOR_EVER, seconds, wait};
use crate::reading::Reading;
use crate::runtime::runtime;

/// How long leaving a group may take where the caller names no time; the group then finds out by itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// Members that may still be in their groups when Python ends.
static MEMBERS: Mutex<Vec<Weak<Reading>>> = Mutex::new(Vec::new());

/// Has [`leave_groups`] find this one.
pub(crate) fn remember(reading: &Arc<Reading>) {
    if reading.source.member().is_some() {
        let mut members = MEMBERS.lock();
        members.retain(|member| member.strong_count() > 0);
        members.push(Arc::downgrade(reading));
    }
}

/// What the calling thread has in hand is consumed; unless it handles an exception, for then it may not have been dealt
/// with, and nothing that it does next will say so.
pub(crate) fn settle(py: Python<'_>, reading: &Reading) -> PyResult<()> {
    let handled = py.import("sys")?.call_method0("exc_info")?.get_item(0)?;
    let mut taken = reading.taken.lock();
    if handled.is_none() {
        taken.settle_for_reader();
    } else {
        taken.disown();
    }
    Ok(())
}

/// Closes all at the same time, within `timeout` seconds, what the calling thread has in hand [settled](settle).
pub(crate) fn close(
    py: Python<'_>,
    readings: impl Iterator<Item = Arc<Reading>>,
    timeout: Option<f64>,
) -> PyResult<()> {
    let readings: Vec<_> = readings.collect();
    for reading in &readings {
        settle(py, reading)?;
    }
    end(py, readings, timeout)
}

fn end(py: Python<'_>, readings: Vec<Arc<Reading>>, timeout: Option<f64>) -> PyResult<()> {
    let limit = timeout.map_or(PATIENCE, |_| seconds(timeout).unwrap_or(FOR_EVER));
    let mut closing = Vec::new();
    for reading in readings {
        let one = Arc::clone(&reading);
        let task = runtime()?.spawn(async move { one.close(limit).await });
        closing.push((reading, task));
    }
    let mut raised = Ok(());
    for (reading, task) in closing {
        if let Some(Ok(Err(error))) = wait(py, None, task)? {
            // Not raised: nothing is lost, and who closes has other things to do.
            tracing::warn!(
                "closing a consumer: {error}; what it had not committed will be read again"
            );
        }
        // Nobody asks again: every callback is called now, whatever others raise.
        while let Err(error) = reading.outcomes.tell(py) {
            match raised {
                Ok(()) => raised = Err(error),
                Err(_) => error.write_unraisable(py, None),
            }
        }
    }
    raised
}

/// Has every member that is still open commit what is consumed and leave its group: Python ends. What was in hand is not
/// consumed, for nobody can tell whether it ends in good order.
#[pyfunction]
pub(crate) fn leave_groups(py: Python<'_>, timeout: f64) -> PyResult<()> {
    let members = std::mem::take(&mut *MEMBERS.lock());
    end(
        py,
        members.iter().filter_map(Weak::upgrade).collect(),
        Some(timeout),
    )
}
