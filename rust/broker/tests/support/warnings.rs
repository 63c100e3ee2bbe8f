//! What the broker warns of, and the errors that it tells nobody else.

use std::fmt;
use std::sync::Mutex;
use std::time::Instant;

use tracing::field::Field;
use tracing::{Level, span};

/// One of them.
#[derive(Clone, Debug)]
pub struct Warning {
    pub at: Instant,
    pub level: Level,
    pub text: String,
}

static WARNINGS: Mutex<Vec<Warning>> = Mutex::new(Vec::new());

/// From now on all of this process are kept, whichever test they belong to.
pub fn listen() {
    // Another test of the file may have done it.
    let _ = tracing::subscriber::set_global_default(Listener);
}

/// Those that say this.
pub fn containing(part: &str) -> Vec<Warning> {
    let warnings = WARNINGS.lock().unwrap();
    let found = warnings
        .iter()
        .filter(|warning| warning.text.contains(part));
    found.cloned().collect()
}

struct Listener;

impl tracing::Subscriber for Listener {
    fn enabled(&self, of: &tracing::Metadata<'_>) -> bool {
        *of.level() <= Level::WARN
    }

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut |field: &Field, value: &dyn fmt::Debug| {
            if field.name() == "message" {
                WARNINGS.lock().unwrap().push(Warning {
                    at: Instant::now(),
                    level: *event.metadata().level(),
                    text: format!("{value:?}"),
                });
            }
        });
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
