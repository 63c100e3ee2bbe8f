//! The sessions that are open, and whose slot a new one may take.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use fastrand::Rng;
use parking_lot::Mutex;

use super::MOST_PARTITIONS;
use super::session::Session;

/// A session not used for this long may give its slot to another, as in Apache Kafka.
pub(super) const IDLE_MS: i64 = 120_000;

/// All sessions that are open.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) by_id: HashMap<i32, Slot>,
    /// Connections with the sessions that were last used over them.
    by_connection: BTreeSet<(u64, i32)>,
    /// How many partitions all sessions follow: counted as they change, for a sum over all would be taken at each request.
    pub(super) followed: usize,
    /// For the ids of sessions.
    rng: Rng,
}

#[derive(Debug)]
pub(super) struct Slot {
    session: Arc<Mutex<Session>>,
    connection: u64,
    /// What decides about eviction is kept outside the session's lock, which a slow fetch may hold.
    last_used_ms: i64,
    created_ms: i64,
    size: usize,
}

impl Open {
    pub(super) fn new(rng: Rng) -> Self {
        Self {
            by_id: HashMap::new(),
            by_connection: BTreeSet::new(),
            followed: 0,
            rng,
        }
    }

    /// Puts a session in, and answers its id.
    pub(super) fn insert(&mut self, session: Session, connection: u64, now_ms: i64) -> i32 {
        let id = loop {
            let id = self.rng.i32(1..=i32::MAX);
            if !self.by_id.contains_key(&id) {
                break id;
            }
        };
        let size = session.len();
        let slot = Slot {
            session: Arc::new(Mutex::new(session)),
            connection,
            last_used_ms: now_ms,
            created_ms: now_ms,
            size,
        };
        self.by_id.insert(id, slot);
        self.by_connection.insert((connection, id));
        self.followed += size;
        id
    }

    /// The session, which is used now, and over this connection.
    pub(super) fn take_up(
        &mut self,
        id: i32,
        connection: u64,
        now_ms: i64,
    ) -> Option<Arc<Mutex<Session>>> {
        let slot = self.by_id.get_mut(&id)?;
        slot.last_used_ms = now_ms;
        if slot.connection != connection {
            self.by_connection.remove(&(slot.connection, id));
            self.by_connection.insert((connection, id));
            slot.connection = connection;
        }
        Some(Arc::clone(&slot.session))
    }

    /// Notes that a session follows `size` partitions now. If that is more than there was room for, it is closed: false.
    pub(super) fn resize(&mut self, id: i32, size: usize) -> bool {
        let Some(slot) = self.by_id.get_mut(&id) else {
            return true;
        };
        let grown = size > slot.size;
        self.followed = self.followed - slot.size + size;
        slot.size = size;
        if grown && self.followed > MOST_PARTITIONS {
            self.remove(id);
            return false;
        }
        true
    }

    /// Closes a session, if there is one of that id.
    pub(super) fn remove(&mut self, id: i32) {
        if let Some(slot) = self.by_id.remove(&id) {
            self.by_connection.remove(&(slot.connection, id));
            self.followed -= slot.size;
        }
    }

    /// Closes the sessions that were last used over this connection.
    pub(super) fn remove_all_of(&mut self, connection: u64) {
        let all = (connection, i32::MIN)..=(connection, i32::MAX);
        let ids: Vec<i32> = self.by_connection.range(all).map(|&(_, id)| id).collect();
        for id in ids {
            self.remove(id);
        }
    }

    /// Frees a slot: of the session that rested longest if it is idle, else of the smallest that is smaller than the
    /// newcomer and has had its time. A large session saves more than a small one. Apache Kafka decides the same, but for
    /// followers of partitions, whom it prefers and we do not have.
    pub(super) fn evict(&mut self, newcomer: usize, now_ms: i64) -> bool {
        let idle = self
            .by_id
            .iter()
            .min_by_key(|(id, slot)| (slot.last_used_ms, **id));
        let victim = match idle {
            Some((&id, slot)) if now_ms.saturating_sub(slot.last_used_ms) > IDLE_MS => Some(id),
            _ => self
                .by_id
                .iter()
                .filter(|(_, slot)| {
                    slot.size < newcomer && now_ms.saturating_sub(slot.created_ms) > IDLE_MS
                })
                .min_by_key(|(id, slot)| (slot.size, **id))
                .map(|(&id, _)| id),
        };
        if let Some(id) = victim {
            self.remove(id);
        }
        victim.is_some()
    }
}
