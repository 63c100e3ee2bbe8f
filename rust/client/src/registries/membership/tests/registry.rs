//! ZooKeeper, as far as a group needs it: nodes, the sessions that they end with, and versions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kafkalite_coordination::assignment::Topics;
use kafkalite_coordination::registries::{ConsumerId, ConsumerSubscription, ThreadId};
use kafkalite_names::TopicPartition;
use tokio::time::Instant;

/// How long a session lives that is not heard of.
pub(super) const TIMEOUT: Duration = Duration::from_secs(6);

/// What happens to nodes that somebody watches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Notice {
    Changed,
    Owner(TopicPartition),
}

#[derive(Debug, Clone)]
pub(super) struct Owner {
    /// `None`: garbage.
    pub(super) thread: Option<ThreadId>,
    /// `None`: a node that no session ends.
    pub(super) session: Option<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Registry {
    pub(super) members: BTreeMap<ConsumerId, (ConsumerSubscription, u64)>,
    pub(super) topics: Topics,
    pub(super) owners: BTreeMap<TopicPartition, Owner>,
    /// An offset, or garbage, and the node's version.
    pub(super) offsets: BTreeMap<TopicPartition, (Option<i64>, i32)>,
    /// When each living session was heard of.
    sessions: BTreeMap<u64, Instant>,
    opened: u64,
    /// What has happened to nodes, in order.
    pub(super) notices: Vec<Notice>,
}

impl Registry {
    pub(super) fn open(&mut self, now: Instant) -> u64 {
        self.opened += 1;
        self.sessions.insert(self.opened, now);
        self.opened
    }

    pub(super) fn is_alive(&self, session: u64) -> bool {
        self.sessions.contains_key(&session)
    }

    /// Something of a session's arrives; false if there is no such session any more.
    pub(super) fn hear(&mut self, session: u64, now: Instant) -> bool {
        match self.sessions.get_mut(&session) {
            Some(heard) => *heard = now,
            None => return false,
        }
        true
    }

    /// All that live are heard of, as after a restart of the server.
    pub(super) fn hear_all(&mut self, now: Instant) {
        for heard in self.sessions.values_mut() {
            *heard = now;
        }
    }

    pub(super) fn expire(&mut self, now: Instant) {
        let dead = self.sessions.iter();
        let dead: Vec<_> = dead
            .filter(|(_, heard)| now >= **heard + TIMEOUT)
            .map(|(session, _)| *session)
            .collect();
        for session in dead {
            self.end(session);
        }
    }

    pub(super) fn end(&mut self, session: u64) {
        self.sessions.remove(&session);
        let before = self.members.len();
        self.members.retain(|_, (_, of)| *of != session);
        if self.members.len() < before {
            self.notices.push(Notice::Changed);
        }
        let gone = self.owners.iter();
        let gone: BTreeSet<_> = gone
            .filter(|(_, owner)| owner.session == Some(session))
            .map(|(of, _)| of.clone())
            .collect();
        for of in gone {
            self.disown(&of);
        }
    }

    /// Whether the consumer is in the registry by now; not while an earlier session of its own is.
    pub(super) fn register(
        &mut self,
        id: &ConsumerId,
        subscription: ConsumerSubscription,
        session: u64,
    ) -> bool {
        if self.members.get(id).is_some_and(|(_, of)| *of != session) {
            return false;
        }
        self.members.insert(id.clone(), (subscription, session));
        self.notices.push(Notice::Changed);
        true
    }

    pub(super) fn own(&mut self, of: &TopicPartition, owner: Owner) {
        self.owners.insert(of.clone(), owner);
        self.notices.push(Notice::Owner(of.clone()));
    }

    pub(super) fn disown(&mut self, of: &TopicPartition) {
        self.owners.remove(of);
        self.notices.push(Notice::Owner(of.clone()));
    }

    pub(super) fn owns(&self, session: u64, of: &TopicPartition) -> bool {
        let owner = self.owners.get(of);
        owner.is_some_and(|owner| owner.session == Some(session))
    }

    /// The node's version afterwards; `None` if it is not at this version now.
    pub(super) fn write(
        &mut self,
        of: &TopicPartition,
        offset: Option<i64>,
        version: Option<i32>,
    ) -> Option<i32> {
        let now = self.offsets.get(of).map(|(_, version)| *version);
        if now != version {
            return None;
        }
        let next = version.map_or(0, |version| version + 1);
        self.offsets.insert(of.clone(), (offset, next));
        Some(next)
    }
}
