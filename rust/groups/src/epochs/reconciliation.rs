//! One member's next step towards its target.

use std::collections::{BTreeMap, BTreeSet};

use super::{Assigned, MemberAssignment, Occupied, Progress};

/// What a step has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReconciliationStep {
    /// Nothing has changed.
    Stays,
    /// Its epoch or its progress has changed: to be stored.
    Advances,
    /// What it may work with has changed: to be stored, and told to it.
    Moves,
}

impl<A: Assigned> MemberAssignment<A> {
    /// Leads the member on, if it can be. `owned` is what it says it holds; `None` if it says nothing about that.
    ///
    /// It comes to [`Progress::Revoking`] only by [`ReconciliationStep::Moves`].
    pub(crate) fn reconcile(
        &mut self,
        targets_epoch: i32,
        owned: Option<&BTreeSet<A>>,
        occupied: &mut Occupied<A>,
    ) -> ReconciliationStep {
        if self.is_at(targets_epoch) {
            return ReconciliationStep::Stays;
        }
        let before = (self.epoch, self.progress);
        let epoch = match self.progress {
            Progress::Revoking if must_confirm(owned, &self.revoking) => {
                return ReconciliationStep::Stays;
            }
            // It has done what it was told in its epoch.
            Progress::Revoking => {
                self.release_revoking(occupied);
                self.epoch.saturating_add(1)
            }
            Progress::Stable | Progress::Waiting => self.epoch,
        };
        let (kept, surplus): (BTreeMap<A, i32>, _) = std::mem::take(&mut self.assigned)
            .into_iter()
            .partition(|(item, _)| self.target.contains(item));
        self.assigned = kept;
        let mut moves = !surplus.is_empty();
        if must_confirm(owned, &surplus) {
            self.revoking = surplus;
            self.go(epoch.min(targets_epoch));
            self.progress = Progress::Revoking;
        } else {
            occupied.release(surplus.keys());
            let held = self.assigned.len();
            self.progress = self.take_what_is_free(targets_epoch, occupied);
            moves |= self.assigned.len() > held;
            if self.epoch != targets_epoch {
                self.go(targets_epoch);
            }
        }
        if moves {
            ReconciliationStep::Moves
        } else if before == (self.epoch, self.progress) {
            ReconciliationStep::Stays
        } else {
            ReconciliationStep::Advances
        }
    }

    fn take_what_is_free(&mut self, targets_epoch: i32, occupied: &mut Occupied<A>) -> Progress {
        let mut progress = Progress::Stable;
        for item in &self.target {
            if self.assigned.contains_key(item) {
                continue;
            }
            if occupied.is_free(item) {
                occupied.take(item);
                self.assigned.insert(item.clone(), targets_epoch);
            } else {
                progress = Progress::Waiting;
            }
        }
        progress
    }

    /// Whether something that the member shall have is not free yet.
    pub(crate) fn waits_for_others(&self, occupied: &Occupied<A>) -> bool {
        let lacks = |item: &&A| !self.assigned.contains_key(*item);
        let mut lacking = self.target.iter().filter(lacks);
        lacking.any(|item| !occupied.is_free(item))
    }
}

/// Whether a member may still hold some of these that others cannot have meanwhile. One that does not say may.
fn must_confirm<A: Assigned>(owned: Option<&BTreeSet<A>>, these: &BTreeMap<A, i32>) -> bool {
    these.keys().any(|item| {
        item.excludes().next().is_some() && owned.is_none_or(|owned| owned.contains(item))
    })
}
