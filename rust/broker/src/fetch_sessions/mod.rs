//! Incremental fetch sessions (KIP-227): which partitions a client follows, and which of them have news.
//! Pure state: the clock and the random ids come in as arguments, nothing here reads a log or a socket.
//!
//! A fetch is [`FetchSessions::begin`] → read the partitions it names → [`Fetch::finish`], which says what to put in
//! the answer. Full fetches (epoch 0) may open a session; later ones name only what changed since.

mod session;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use uuid::Uuid;

use session::Session;

/// Session id of a request or answer without a session.
pub(crate) const NO_SESSION: i32 = 0;
/// Epoch of the request that asks for a new session.
const FIRST_EPOCH: i32 = 0;
/// Epoch of the request that wants no session, or closes the one it names.
const LAST_EPOCH: i32 = -1;
/// A session not used for this long may give its slot to another, as in Apache Kafka.
const IDLE_MS: i64 = 120_000;

/// Most partitions that all sessions may follow together, some 50 MB; there is no such limit in Apache Kafka.
const MOST_PARTITIONS: usize = 250_000;

/// How a request names a topic: by name up to Fetch 12, by id from 13 (KIP-516).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum TopicKey {
    Name(Arc<str>),
    Id(Uuid),
}

/// One partition that a client wants to read, as its request said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) topic: TopicKey,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) max_bytes: i32,
    pub(crate) current_leader_epoch: i32,
}

/// What was read from one partition, as far as it decides whether the partition is in the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) failed: bool,
    pub(crate) high_watermark: i64,
    pub(crate) log_start_offset: i64,
    pub(crate) bytes: usize,
}

/// Why a request cannot go on with its session; the client starts anew with a full fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionError {
    /// Evicted, closed, or of an earlier run of the broker: `FETCH_SESSION_ID_NOT_FOUND`.
    NotFound,
    /// A request was lost or repeated: `INVALID_FETCH_SESSION_EPOCH`.
    WrongEpoch,
    /// The session began with names and the request has ids, or the reverse: `FETCH_SESSION_TOPIC_ID_ERROR`.
    TopicIds,
}

/// The session part of a fetch request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SessionRequest {
    pub(crate) id: i32,
    pub(crate) epoch: i32,
    pub(crate) uses_topic_ids: bool,
}

/// All sessions of a broker, at most as many as there are slots, and all of them not endlessly large.
#[derive(Debug)]
pub(crate) struct FetchSessions {
    slots: usize,
    open: Mutex<HashMap<i32, Slot>>,
}

#[derive(Debug)]
struct Slot {
    session: Arc<Mutex<Session>>,
    /// What decides about eviction is kept outside the session's lock, which a slow fetch may hold.
    last_used_ms: i64,
    created_ms: i64,
    size: usize,
}

impl FetchSessions {
    /// `slots` is `max.incremental.fetch.session.cache.slots`; with 0 every fetch is a full one.
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            slots,
            open: Mutex::default(),
        }
    }

    /// Resolves a request to the partitions it means: those it names, or all of its session.
    pub(crate) fn begin(
        &self,
        request: SessionRequest,
        wanted: Vec<Wanted>,
        forgotten: &[(TopicKey, i32)],
        now_ms: i64,
    ) -> Result<Fetch, SessionError> {
        let SessionRequest {
            id,
            epoch,
            uses_topic_ids,
        } = request;
        if epoch == FIRST_EPOCH || epoch == LAST_EPOCH {
            if id != NO_SESSION {
                self.open.lock().remove(&id);
            }
            let kind = if epoch == LAST_EPOCH {
                Kind::Sessionless
            } else {
                Kind::Full { uses_topic_ids }
            };
            return Ok(Fetch { wanted, kind });
        }

        let session = {
            let mut open = self.open.lock();
            let slot = open.get_mut(&id).ok_or(SessionError::NotFound)?;
            slot.last_used_ms = now_ms;
            Arc::clone(&slot.session)
        };
        let (wanted, next_epoch) = session.lock().advance(request, wanted, forgotten)?;
        if wanted.is_empty() {
            // Nothing left to follow: the slot is better used by another.
            self.open.lock().remove(&id);
            return Ok(Fetch {
                wanted,
                kind: Kind::Sessionless,
            });
        }
        self.resize(id, wanted.len())?;
        Ok(Fetch {
            wanted,
            kind: Kind::Incremental {
                id,
                next_epoch,
                session,
            },
        })
    }

    /// Notes that a session follows `size` partitions now, or closes it if that is too many. Its client then makes a full
    /// fetch and gets no session.
    fn resize(&self, id: i32, size: usize) -> Result<(), SessionError> {
        let mut open = self.open.lock();
        let Some(slot) = open.get_mut(&id) else {
            return Ok(());
        };
        let grown = size > slot.size;
        slot.size = size;
        if grown && followed(&open) > MOST_PARTITIONS {
            open.remove(&id);
            return Err(SessionError::NotFound);
        }
        Ok(())
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        self.open.lock().len()
    }

    /// Opens a session if there is a slot, or one that may be taken; otherwise the client gets none and
    /// sends a full request next time.
    fn open(&self, session: Session, now_ms: i64) -> i32 {
        let mut open = self.open.lock();
        let size = session.len();
        if open.len() >= self.slots && !evict(&mut open, size, now_ms) {
            return NO_SESSION;
        }
        if followed(&open) + size > MOST_PARTITIONS {
            return NO_SESSION;
        }
        let id = loop {
            let id = fastrand::i32(1..=i32::MAX);
            if !open.contains_key(&id) {
                break id;
            }
        };
        let session = Arc::new(Mutex::new(session));
        open.insert(
            id,
            Slot {
                session,
                last_used_ms: now_ms,
                created_ms: now_ms,
                size,
            },
        );
        id
    }
}

/// How many partitions all sessions follow.
fn followed(open: &HashMap<i32, Slot>) -> usize {
    open.values().map(|slot| slot.size).sum()
}

/// Frees a slot: of the session that rested longest if it is idle, else of the smallest that is smaller than the
/// newcomer and has had its time. A large session saves more than a small one.
fn evict(open: &mut HashMap<i32, Slot>, newcomer: usize, now_ms: i64) -> bool {
    let idle = open
        .iter()
        .min_by_key(|(id, slot)| (slot.last_used_ms, **id));
    let victim = match idle {
        Some((&id, slot)) if now_ms.saturating_sub(slot.last_used_ms) > IDLE_MS => Some(id),
        _ => open
            .iter()
            .filter(|(_, slot)| {
                slot.size < newcomer && now_ms.saturating_sub(slot.created_ms) > IDLE_MS
            })
            .min_by_key(|(id, slot)| (slot.size, **id))
            .map(|(&id, _)| id),
    };
    victim.is_some_and(|id| open.remove(&id).is_some())
}

/// A fetch under way.
#[derive(Debug)]
pub(crate) struct Fetch {
    wanted: Vec<Wanted>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Sessionless,
    Full {
        uses_topic_ids: bool,
    },
    Incremental {
        id: i32,
        next_epoch: i32,
        session: Arc<Mutex<Session>>,
    },
}

/// What the answer holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) session_id: i32,
    /// The partitions of [`Fetch::wanted`], in its order.
    pub(crate) wanted: Vec<Wanted>,
    /// For each of them: does the answer name it?
    pub(crate) included: Vec<bool>,
}

impl Fetch {
    /// The partitions to read, in the order in which they get their share of the answer's bytes.
    pub(crate) fn wanted(&self) -> &[Wanted] {
        &self.wanted
    }

    /// Settles what the answer holds, and what the session remembers of it. `outcomes` is in the order of
    /// [`Fetch::wanted`].
    pub(crate) fn finish(
        self,
        sessions: &FetchSessions,
        outcomes: &[Outcome],
        now_ms: i64,
    ) -> Result<Answer, SessionError> {
        let everything = vec![true; outcomes.len()];
        let (session_id, included) = match self.kind {
            Kind::Sessionless => (NO_SESSION, everything),
            Kind::Full { .. } if self.wanted.is_empty() => (NO_SESSION, everything),
            Kind::Full { uses_topic_ids } => {
                let session = Session::new(self.wanted.clone(), outcomes, uses_topic_ids);
                (sessions.open(session, now_ms), everything)
            }
            Kind::Incremental {
                id,
                next_epoch,
                session,
            } => (
                id,
                session.lock().settle(next_epoch, &self.wanted, outcomes)?,
            ),
        };
        Ok(Answer {
            session_id,
            wanted: self.wanted,
            included,
        })
    }
}
