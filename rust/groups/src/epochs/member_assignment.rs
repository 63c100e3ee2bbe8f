//! What one member shall hold, what it holds, and in which epoch it is.

use std::collections::{BTreeMap, BTreeSet};

use super::{Assigned, Occupied};

/// How far a member is on its way to its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It has what it shall have, as of its epoch.
    Stable,
    /// It was told to give something up, and has not said yet that it has.
    Revoking,
    /// Others have not given up yet all that it shall have.
    Waiting,
}

/// Why a member cannot be in the epoch that it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WrongEpoch {
    /// It has not come yet.
    Ahead,
    /// It is over.
    Over,
}

/// One member's target, and how far it is on its way there.
#[derive(Debug, Clone)]
pub(crate) struct MemberAssignment<A> {
    /// 0 until it is given its first assignment.
    pub(crate) epoch: i32,
    /// The one before: an answer that did not reach the member is repeated to it.
    pub(crate) previous_epoch: i32,
    pub(crate) progress: Progress,
    pub(crate) target: BTreeSet<A>,
    /// What it may work with, each with the targets epoch in which it was given.
    pub(crate) assigned: BTreeMap<A, i32>,
    /// What it still holds and has been told to give up.
    pub(crate) revoking: BTreeMap<A, i32>,
}

impl<A> Default for MemberAssignment<A> {
    fn default() -> Self {
        Self {
            epoch: 0,
            previous_epoch: 0,
            progress: Progress::Stable,
            target: BTreeSet::new(),
            assigned: BTreeMap::new(),
            revoking: BTreeMap::new(),
        }
    }
}

impl<A: Assigned> MemberAssignment<A> {
    /// Of a member that has had this since an epoch, and shall have it.
    pub(crate) fn settled(epoch: i32, items: BTreeSet<A>) -> Self {
        Self {
            epoch,
            previous_epoch: epoch,
            assigned: items.iter().cloned().map(|item| (item, epoch)).collect(),
            target: items,
            ..Self::default()
        }
    }

    /// Whether it has what it shall have.
    pub(crate) fn is_at(&self, targets_epoch: i32) -> bool {
        self.progress == Progress::Stable && self.epoch == targets_epoch
    }

    pub(crate) fn go(&mut self, epoch: i32) {
        self.previous_epoch = self.epoch;
        self.epoch = epoch;
    }

    /// All that is kept from others for it.
    pub(crate) fn held(&self) -> impl Iterator<Item = &A> {
        self.assigned.keys().chain(self.revoking.keys())
    }

    /// The epoch in which it was given what it holds; `None` of what it does not hold.
    pub(crate) fn given(&self, item: &A) -> Option<i32> {
        let given = self.assigned.get(item).or_else(|| self.revoking.get(item));
        given.copied()
    }

    /// Whether a member can be in the epoch that it says. `owned` is what it says it holds; `None` if it says nothing about that.
    pub(crate) fn check_epoch(
        &self,
        says: i32,
        owned: Option<&BTreeSet<A>>,
    ) -> Result<(), WrongEpoch> {
        let holds_only_its_own =
            || owned.is_some_and(|owned| owned.iter().all(|item| self.assigned.contains_key(item)));
        if says > self.epoch {
            Err(WrongEpoch::Ahead)
        } else if says == self.epoch || (says == self.previous_epoch && holds_only_its_own()) {
            // The answer that told it of its present epoch may have been lost.
            Ok(())
        } else {
            Err(WrongEpoch::Over)
        }
    }

    /// What it was told to give up is free.
    pub(crate) fn release_revoking(&mut self, occupied: &mut Occupied<A>) {
        occupied.release(std::mem::take(&mut self.revoking).keys());
    }

    /// It holds nothing any more, and begins anew on the way to the same target.
    pub(crate) fn begin_anew(&mut self, occupied: &mut Occupied<A>) {
        occupied.release(self.held());
        *self = Self {
            target: std::mem::take(&mut self.target),
            ..Self::default()
        };
    }
}
