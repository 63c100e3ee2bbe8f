//! How it has to be when nothing happens any more.

use std::collections::BTreeMap;

use kafkalite_coordination::assignment::assign;

use super::consumer::SimulatedConsumer;
use super::world::World;

impl World {
    /// What is not as it should be in a quiet state.
    pub(super) fn objection(&self) -> Option<String> {
        let members = self.registry.members.iter();
        let members: BTreeMap<_, _> = members
            .map(|(id, (to, _))| (id.clone(), to.clone()))
            .collect();
        let there: Vec<_> = members.keys().collect();
        let mut alive: Vec<_> = self.consumers.iter().map(|consumer| &consumer.id).collect();
        alive.sort_unstable();
        if there != alive {
            return Some(format!("{there:?} are registered, and {alive:?} live"));
        }
        for consumer in &self.consumers {
            if !consumer.machine.is_settled() {
                return Some(format!(
                    "{} is not settled: {:?}",
                    consumer.id, consumer.machine
                ));
            }
        }
        let division = assign(self.strategy, &members, &self.registry.topics, true).owners;
        let owners = self.registry.owners.iter();
        let owners: BTreeMap<_, _> = owners
            .filter_map(|(of, owner)| Some((of.clone(), owner.thread.clone()?)))
            .collect();
        if owners != division {
            return Some(format!("it is divided as {owners:?}, not as {division:?}"));
        }
        for (of, thread) in &division {
            let reads = |consumer: &&SimulatedConsumer| {
                thread.is_of(&consumer.id) && consumer.readable(self.now).contains(of)
            };
            if self.consumers.iter().filter(reads).count() != 1 {
                return Some(format!("{of} is not read by {thread}"));
            }
            if !self.messages[of].iter().all(|it| *it) {
                return Some(format!("not all of {of} has been handed out"));
            }
            let offset = self
                .registry
                .offsets
                .get(of)
                .and_then(|(offset, _)| *offset);
            if offset != Some(self.messages[of].len() as i64) {
                return Some(format!("{of} is committed to {offset:?}"));
            }
        }
        None
    }
}
