//! A group of KIP-848 as a pure state machine: (state, event, topics, now) in, answer and changes out.
//!
//! There is one request, the heartbeat. The broker decides who shall own what, and leads each member there in its own time, epoch
//! by epoch (`epochs`). What is known here is what members say of themselves, what they subscribe to, and when their time is over.
//!
//! Rules that hold in every state:
//! - A partition is held by one member at most, and is given to another one only after that member has said that it holds it no
//!   longer, or is out of the group.
//! - A member that neither sends heartbeats nor gives up what it was told to is removed; so nobody waits for ever.
//! - A member that joins (epoch 0) holds nothing, whatever was known of it.
//!
//! It has no clock, draws no random number and touches neither socket nor file. What must be stored comes out as [`Changes`].
//! Members may be of the classic protocol while a group goes from one protocol to the other: [`crate::migration`] serves them.

mod assignor;
mod changes;
mod expression;
mod heartbeat;
mod leaving;
mod limits;
mod member;
mod offsets;
mod patterns;
mod places;
mod records;
mod static_members;
mod stored;
mod storing;
mod subscriptions;
mod targets;
#[cfg(test)]
pub(crate) mod tests;
mod topology;
mod view;

use std::collections::{BTreeMap, BTreeSet, HashMap};

pub use super::classic::Now;
pub use assignor::Assignor;
pub use changes::Changes;
pub use heartbeat::{Sender, check};
pub use patterns::{Matched, Pattern};
pub use records::ConsumerKey;
pub use stored::StoredGroup;
pub use topology::Topology;

pub(crate) use limits::{MAX_IN_KEY, MAX_RECORD};
pub(crate) use member::{Member, NEVER};
pub(crate) use places::{Holding, Place, Places, by_topic};
pub(crate) use records::{ClassicRecord, ProtocolRecord};

use crate::epochs::{GroupEpochs, Occupied, ReconciliationStep};
use expression::Expression;

/// What the broker's settings, and the group's own, say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerRules {
    /// `consumer.session.timeout.ms` of the group, else `group.consumer.session.timeout.ms`.
    pub session_timeout_ms: u64,
    /// `consumer.heartbeat.interval.ms` of the group, else `group.consumer.heartbeat.interval.ms`.
    pub heartbeat_interval_ms: i32,
    /// `group.consumer.max.size`.
    pub max_size: usize,
    /// `group.consumer.assignors`, the first is the default; not empty.
    pub assignors: Vec<Assignor>,
}

/// A group of KIP-848.
#[derive(Debug, Default)]
pub struct Consumer {
    pub(crate) epochs: GroupEpochs,
    /// Of the topics subscribed to, as they were when the epoch last grew.
    topics_hash: i64,
    pub(crate) members: BTreeMap<String, Member>,
    /// The member of each static name.
    pub(crate) statics: HashMap<String, String>,
    /// The regular expressions in use: all that members have.
    regexes: BTreeMap<String, Expression>,
    /// The partitions that somebody holds, or has not said yet that it holds them no longer.
    pub(crate) occupied: Occupied<Place>,
    /// No deadline is before this one.
    wake: Option<u64>,
    changes: Changes,
}

impl Consumer {
    /// When [`tick`](Self::tick) wants to be called at the latest, if at all.
    pub fn wake(&self) -> Option<u64> {
        self.wake
    }

    /// No members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Nobody has ever joined: nothing of it was stored.
    pub fn is_unborn(&self) -> bool {
        self.epochs.group == 0
    }

    /// What has happened since the last call, to be stored and told.
    pub fn take_changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    /// Changes could not be stored; they are to be with the next ones.
    pub fn keep(&mut self, keys: BTreeSet<ConsumerKey>) {
        self.changes.keys.extend(keys);
    }

    /// Everything that could be stored of the group: what its removal must remove.
    pub fn all_keys(&self) -> BTreeSet<ConsumerKey> {
        let members = self.members.keys().flat_map(|id| {
            [
                ConsumerKey::Member(id.clone()),
                ConsumerKey::Target(id.clone()),
                ConsumerKey::Current(id.clone()),
            ]
        });
        let regexes = self.regexes.keys().cloned().map(ConsumerKey::Regex);
        members
            .chain(regexes)
            .chain([
                ConsumerKey::Group,
                ConsumerKey::Targets,
                ConsumerKey::Topics,
            ])
            .collect()
    }

    /// Something that everybody's assignment depends on has changed. The first member finds epoch 2, as in Apache Kafka.
    pub(crate) fn grow(&mut self, reason: &str) {
        self.epochs.group = self.epochs.group.max(1).saturating_add(1);
        self.store(ConsumerKey::Group);
        let epoch = self.epochs.group;
        self.tell(format!("is in epoch {epoch}, because {reason}"));
    }

    /// Leads a member on, if it can be. `owned` is what it says it holds; `None` if it says nothing about that. Whether what it
    /// may work with has changed.
    pub(crate) fn reconcile(&mut self, id: &str, owned: Option<&Places>, now: Now) -> bool {
        let Some(member) = self.members.get_mut(id) else {
            return false;
        };
        let assignment = &mut member.assignment;
        let step = assignment.reconcile(self.epochs.targets, owned, &mut self.occupied);
        if step == ReconciliationStep::Stays {
            return false;
        }
        member.revoke_by = member.deadline_to_revoke(now);
        let revoke_by = member.revoke_by;
        self.wake_by(revoke_by);
        self.store(ConsumerKey::Current(id.to_owned()));
        step == ReconciliationStep::Moves
    }

    pub(crate) fn store(&mut self, key: ConsumerKey) {
        self.changes.keys.insert(key);
    }

    pub(crate) fn tell(&mut self, news: impl Into<String>) {
        self.changes.news.push(news.into());
    }

    /// Takes care that `tick` is called by then.
    pub(crate) fn wake_by(&mut self, deadline: u64) {
        if deadline != NEVER {
            self.wake = Some(self.wake.map_or(deadline, |wake| wake.min(deadline)));
        }
    }
}
