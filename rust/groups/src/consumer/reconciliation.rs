//! One member's next step towards its target.

use super::member::Progress;
use super::places::{Holding, Place, Places};
use super::records::Key;
use super::{Consumer, Member, NEVER, Now};

impl Consumer {
    /// Leads a member on, if it can be. `owned` is what it says it holds; `None` if it says nothing about that. Whether what it
    /// may work with has changed.
    pub(super) fn reconcile(&mut self, id: &str, owned: Option<&Places>, now: Now) -> bool {
        let Some(member) = self.members.get(id) else {
            return false;
        };
        if member.is_at(self.targets_epoch) {
            return false;
        }
        let epoch = match member.progress {
            Progress::Revoking if holds_any(owned, &member.revoking) => return false,
            // It has done what it was told in its epoch.
            Progress::Revoking => {
                self.release(id);
                self.members[id].epoch.saturating_add(1)
            }
            Progress::Stable | Progress::Waiting => member.epoch,
        };
        self.advance(id, epoch.min(self.targets_epoch), owned, now)
    }

    /// What a member has said that it gave up is free.
    fn release(&mut self, id: &str) {
        if let Some(member) = self.members.get_mut(id) {
            for place in std::mem::take(&mut member.revoking).into_keys() {
                self.owners.remove(&place);
            }
        }
    }

    fn advance(&mut self, id: &str, epoch: i32, owned: Option<&Places>, now: Now) -> bool {
        let Some(mut member) = self.members.remove(id) else {
            return false;
        };
        let before = (member.epoch, member.progress, member.assigned.clone());
        let (kept, surplus): (Holding, Holding) = std::mem::take(&mut member.assigned)
            .into_iter()
            .partition(|(place, _)| member.target.contains(place));
        member.assigned = kept;
        if !surplus.is_empty() && holds_any(owned, &surplus) {
            member.revoking = surplus;
            member.go(epoch);
            member.progress = Progress::Revoking;
            if member.classic.is_none() {
                member.revoke_by = now.ms.saturating_add(member.rebalance_ms());
            }
        } else {
            for place in surplus.keys() {
                self.owners.remove(place);
            }
            let waits = self.give(id, &mut member);
            if member.epoch != self.targets_epoch {
                member.go(self.targets_epoch);
            }
            member.progress = if waits {
                Progress::Waiting
            } else {
                Progress::Stable
            };
            member.revoke_by = NEVER;
        }
        self.wake_by(member.revoke_by);
        let (epoch, progress, assigned) = before;
        let moved = assigned != member.assigned;
        if moved || (epoch, progress) != (member.epoch, member.progress) {
            self.store(Key::Current(id.to_owned()));
        }
        self.members.insert(id.to_owned(), member);
        moved
    }

    /// Gives a member what is free of its target. Whether something is not.
    fn give(&mut self, id: &str, member: &mut Member) -> bool {
        let mut waits = false;
        for place in &member.target {
            if member.assigned.contains_key(place) {
                continue;
            }
            if self.owners.contains_key(place) {
                waits = true;
            } else {
                self.owners.insert(*place, id.to_owned());
                member.assigned.insert(*place, self.targets_epoch);
            }
        }
        waits
    }

    /// Whether something that a member shall own is not free yet.
    pub(super) fn waits_for_others(&self, member: &Member) -> bool {
        let lacks = |place: &&Place| !member.assigned.contains_key(place);
        let mut lacking = member.target.iter().filter(lacks);
        lacking.any(|place| self.owners.contains_key(place))
    }
}

/// Whether a member may still hold some of these. One that does not say may.
fn holds_any(owned: Option<&Places>, these: &Holding) -> bool {
    owned.is_none_or(|owned| these.keys().any(|place| owned.contains(place)))
}
