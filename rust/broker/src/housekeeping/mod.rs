//! What a broker does without being asked: forget what is too old, flush what has waited long enough, note how far it is,
//! compact.
//!
//! Which chore is due when is decided in [`schedule`], without a clock; the chores themselves are in [`chores`].
//! [`compaction`] may take long, and goes its own way.

mod chores;
pub(crate) mod compaction;
mod schedule;
mod throttle;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use schedule::Schedule;

use crate::state::BrokerState;

/// Does the chores until the broker stops.
pub(crate) async fn run(broker: Arc<BrokerState>) {
    let mut stopping = broker.stopping.subscribe();
    let began = Instant::now();
    let mut schedule = Schedule::new(&broker.configs.settings());
    loop {
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => return,
            () = tokio::time::sleep_until(wake_at(began, schedule.next())) => {}
        }
        let due = schedule.take_due(began.elapsed());
        let broker = Arc::clone(&broker);
        let done = tokio::task::spawn_blocking(move || {
            for chore in due {
                chores::run(chore, &broker);
            }
        });
        if done.await.is_err() {
            tracing::error!("a chore of housekeeping panicked; the others go on");
        }
    }
}

/// Says what the next start will do away with: a broker that is stopped soon after messages came has not looked at them yet. Blocks
/// as shortly as a look at each log's first segment takes.
pub(crate) fn look_before_closing(broker: &BrokerState) {
    let now_ms = broker.world.now_ms();
    chores::warn_of_times(&broker.replicas, now_ms, chores::AFTER_THE_STOP);
}

/// A wait that the clock cannot hold is as good as for ever.
fn wake_at(began: Instant, after: Duration) -> Instant {
    const FOR_EVER: Duration = Duration::from_hours(24 * 365);
    began
        .checked_add(after)
        .unwrap_or_else(|| Instant::now() + FOR_EVER)
}
