//! Takes what broker and client log to where Python can fetch it: a bounded queue that no runtime thread waits for.

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use pyo3::prelude::*;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::errors;
use crate::runtime::is_forked;

/// More than these and the oldest go: a burst must not grow without bound while nobody takes it.
const CAPACITY: usize = 4096;

static QUEUE: OnceLock<Queue> = OnceLock::new();
/// The least severe level that is kept, as in Python's `logging`.
static LEVEL: AtomicU8 = AtomicU8::new(20);

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

#[derive(Default)]
struct Waiting {
    records: VecDeque<(u8, String, String)>,
    dropped: u64,
}

fn queue() -> &'static Queue {
    QUEUE.get_or_init(|| {
        // A host program with a subscriber of its own keeps it.
        let _ = tracing::subscriber::set_global_default(Forward);
        Queue::default()
    })
}

/// Wait up to `timeout` seconds for log records: level, logger and sentence of each.
#[pyfunction]
pub(crate) fn next_log_records(py: Python<'_>, timeout: f64) -> Vec<(u8, String, String)> {
    let queue = queue();
    py.detach(|| {
        let mut waiting = queue.waiting.lock();
        if waiting.records.is_empty() {
            let _ = queue.arrived.wait_for(
                &mut waiting,
                Duration::from_secs_f64(timeout.clamp(0.0, 60.0)),
            );
        }
        let mut records: Vec<_> = waiting.records.drain(..).collect();
        let dropped = std::mem::take(&mut waiting.dropped);
        if dropped > 0 {
            records.push((
                30,
                "kafkalite".into(),
                format!("{dropped} log records were dropped: they came too fast"),
            ));
        }
        records
    })
}

/// Keep records of this level of Python's `logging` and above.
#[pyfunction]
pub(crate) fn set_log_level(level: u8) -> PyResult<()> {
    if is_forked() {
        return Err(errors::forked()); // with a lock that nobody may ever let go of
    }
    LEVEL.store(level, Ordering::Relaxed);
    tracing::callsite::rebuild_interest_cache();
    Ok(())
}

struct Forward;

fn python_level(level: Level) -> u8 {
    match level {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        Level::DEBUG => 10,
        Level::TRACE => 5,
    }
}

impl Subscriber for Forward {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && metadata.target().starts_with("kafkalite")
            && python_level(*metadata.level()) >= LEVEL.load(Ordering::Relaxed)
    }

    fn event(&self, event: &Event<'_>) {
        let mut sentence = Sentence::default();
        event.record(&mut sentence);
        let target = event.metadata().target();
        let room = target.split("::").next().unwrap_or(target);
        let record = (
            python_level(*event.metadata().level()),
            room.replacen('_', ".", 1),
            sentence.finish(),
        );
        let queue = queue();
        let mut waiting = queue.waiting.lock();
        if waiting.records.len() == CAPACITY {
            waiting.records.pop_front();
            waiting.dropped += 1;
        }
        waiting.records.push_back(record);
        queue.arrived.notify_one();
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// An event's message, then its fields as `name=value`.
#[derive(Default)]
struct Sentence {
    message: String,
    fields: String,
}

impl Sentence {
    fn finish(self) -> String {
        self.message + &self.fields
    }
}

impl Visit for Sentence {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, " {}={value:?}", field.name())
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.record_debug(field, &format_args!("{value}"));
    }
}
