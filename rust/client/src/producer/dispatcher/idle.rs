//! Forgets topics that nothing is sent to any more (`metadata.max.idle.ms`).

use std::collections::HashSet;

use super::Dispatcher;
use super::identity::Idempotence;

/// Looks that make up the time.
const LOOKS: u32 = 2;

impl Dispatcher {
    /// Forgets what nothing was sent to for long enough, if it is time to look.
    pub(super) fn forget_idle(&mut self) {
        if self.now < self.look_at {
            return;
        }
        self.look_at = self.now + self.config.metadata_max_idle / LOOKS;
        let lanes = &self.lanes;
        let busy: HashSet<_> = lanes
            .values()
            .filter(|lane| !lane.is_settled())
            .map(|lane| lane.accumulator.topic.clone())
            .collect();
        let forgotten = self
            .topics
            .forget_unused(LOOKS, |topic| busy.contains(topic));
        if forgotten.is_empty() {
            return;
        }
        tracing::debug!(
            topics = forgotten.len(),
            "topics that are not used are forgotten"
        );
        let mut has_sequences = false;
        self.lanes.retain(|number, lane| {
            let goes = forgotten.contains(&lane.accumulator.topic);
            if goes {
                has_sequences |= lane.sequences.has_begun();
                self.active.remove(number);
            }
            !goes
        });
        if let (true, Idempotence::Known(identity)) = (has_sequences, self.idempotence) {
            // Brokers remember the sequences. Who comes back begins at 0, which is a repetition unless the epoch is new.
            self.idempotence = identity
                .bumped()
                .map_or(Idempotence::Wanted(self.now), Idempotence::Known);
        }
    }
}
