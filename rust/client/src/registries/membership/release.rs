//! Giving partitions up (P16, step 1): readers stop, what they consumed is committed, and only then the owners' nodes go.

use std::collections::BTreeSet;

use kafkalite_names::TopicPartition;

use super::held::Stage;
use super::{RegistryEffect, RegistryMembership, RegistryPhase, RegistryTrouble, Step, Threads};

impl RegistryMembership {
    /// Gives up all that is held.
    pub(super) fn release_all(&mut self, to: &mut Vec<RegistryEffect>) {
        let all = self.held.keys().cloned().collect();
        self.release(all, false, to);
    }

    /// Gives these up, and then looks again, perhaps after a pause.
    pub(super) fn release(
        &mut self,
        partitions: BTreeSet<TopicPartition>,
        pauses: bool,
        to: &mut Vec<RegistryEffect>,
    ) {
        self.pauses = pauses;
        let (mut revoked, mut lost) = (BTreeSet::new(), BTreeSet::new());
        for of in &partitions {
            match self.held.get(of).map(|held| held.stage) {
                Some(Stage::Read) => revoked.insert(of.clone()),
                Some(Stage::Lost) => lost.insert(of.clone()),
                _ => false,
            };
        }
        self.releasing = partitions;
        self.phase = RegistryPhase::Stopping;
        if revoked.is_empty() && lost.is_empty() {
            self.stopped(Vec::new(), to);
        } else {
            to.push(RegistryEffect::Stop { revoked, lost });
        }
    }

    pub(super) fn stopped(
        &mut self,
        consumed: Vec<(TopicPartition, i64)>,
        to: &mut Vec<RegistryEffect>,
    ) {
        if self.phase != RegistryPhase::Stopping {
            return;
        }
        if !self.is_open {
            self.held.retain(|of, _| !self.releasing.contains(of));
            return self.released(to);
        }
        self.phase = RegistryPhase::Committing;
        for (of, offset) in consumed {
            let wants = self.terms.commit_interval.is_some();
            if let Some(held) = self.held.get_mut(&of)
                && held.stage != Stage::Lost
                && wants
            {
                held.offset.wanted = Some(offset);
                self.write(&of, to);
            }
        }
        for of in &self.releasing {
            if let Some(held) = self.held.get_mut(of) {
                held.stage = Stage::Stopped;
            }
        }
        self.give_back(to);
    }

    /// Disowns what is given up, if all of it is committed.
    pub(super) fn give_back(&mut self, to: &mut Vec<RegistryEffect>) {
        if self.phase != RegistryPhase::Committing {
            return;
        }
        let releasing = || {
            let held = |of| self.held.get_key_value(of);
            self.releasing.iter().filter_map(held)
        };
        if releasing().any(|(_, held)| held.offset.writing.is_some()) {
            return;
        }
        let disowned: Threads = releasing()
            .map(|(of, held)| (of.clone(), held.thread.clone()))
            .collect();
        if self.departs() {
            // Their nodes end with the session.
            self.held.retain(|of, _| !self.releasing.contains(of));
            self.released(to);
        } else if disowned.is_empty() {
            self.released(to);
        } else {
            self.phase = RegistryPhase::Disowning;
            to.push(RegistryEffect::Disown(disowned));
        }
    }

    pub(super) fn disowned(&mut self, answer: Result<(), String>, to: &mut Vec<RegistryEffect>) {
        if self.phase != RegistryPhase::Disowning {
            return;
        }
        match answer {
            Ok(()) => self.held.retain(|of, _| !self.releasing.contains(of)),
            Err(reason) => {
                // Their nodes may still be there, so they are given up once more.
                for of in &self.releasing {
                    if let Some(held) = self.held.get_mut(of) {
                        held.stage = Stage::Stopped;
                    }
                }
                self.tell(RegistryTrouble::NotDisowned(reason), to);
                self.pauses = true;
            }
        }
        self.released(to);
    }

    /// What was to be given up is given up.
    fn released(&mut self, to: &mut Vec<RegistryEffect>) {
        self.releasing.clear();
        let is_over = self.departs() || !self.is_open;
        if is_over && !self.held.is_empty() {
            self.release_all(to);
        } else if self.departs() {
            self.leave(to);
        } else if !self.is_open {
            self.open(to);
        } else if self.pauses {
            self.wait(Step::Look);
        } else {
            self.look(to);
        }
    }
}
