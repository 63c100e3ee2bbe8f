//! Incremental fetch sessions (KIP-227): which partitions a client follows, and which of them have news.
//! Pure state but for the random ids, which it draws itself: time comes in, nothing here reads a log or a socket.
//!
//! A session ends when its client closes it, when the connection that used it last does, or when its slot goes to another.
//! Each is safe at any time, for a session only saves bytes: a client that asks in one that is gone is told so
//! (`FETCH_SESSION_ID_NOT_FOUND`), and begins anew with a full fetch.
//!
//! A fetch is [`FetchSessions::begin`] → read the partitions it names → [`Fetch::finish`], which says what to put in
//! the answer. Full fetches (epoch 0) may open a session; later ones name only what changed since.

mod open;
mod session;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use fastrand::Rng;
use kafkalite_cluster::TopicKey;
use parking_lot::Mutex;

use open::Open;
use session::Session;

/// Session id of a request or answer without a session.
pub(crate) const NO_SESSION: i32 = 0;
/// Epoch of the request that asks for a new session.
const FIRST_EPOCH: i32 = 0;
/// Epoch of the request that wants no session, or closes the one it names.
const LAST_EPOCH: i32 = -1;
/// Most partitions that all sessions may follow together, some 50 MB; there is no such limit in Apache Kafka.
const MOST_PARTITIONS: usize = 250_000;

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
pub(crate) struct ReadOutcome {
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
    /// The connection that it came over.
    pub(crate) connection: u64,
    pub(crate) id: i32,
    pub(crate) epoch: i32,
    pub(crate) uses_topic_ids: bool,
}

/// All sessions of a broker, at most as many as there are slots, and all of them not endlessly large.
#[derive(Debug)]
pub(crate) struct FetchSessions {
    slots: usize,
    open: Mutex<Open>,
}

impl FetchSessions {
    /// `slots` is `max.incremental.fetch.session.cache.slots`; with 0 every fetch is a full one. `rng` is for their ids.
    pub(crate) fn new(slots: usize, rng: Rng) -> Self {
        Self {
            slots,
            open: Mutex::new(Open::new(rng)),
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
            connection,
            id,
            epoch,
            uses_topic_ids,
        } = request;
        if epoch == FIRST_EPOCH || epoch == LAST_EPOCH {
            self.open.lock().remove(id);
            let kind = if epoch == LAST_EPOCH {
                FetchKind::Sessionless
            } else {
                FetchKind::Full {
                    connection,
                    uses_topic_ids,
                }
            };
            return Ok(Fetch { wanted, kind });
        }

        let session = self.open.lock().take_up(id, connection, now_ms);
        let session = session.ok_or(SessionError::NotFound)?;
        let (wanted, next_epoch) = session.lock().advance(request, wanted, forgotten)?;
        if wanted.is_empty() {
            // Nothing left to follow: the slot is better used by another.
            self.open.lock().remove(id);
            return Ok(Fetch {
                wanted,
                kind: FetchKind::Sessionless,
            });
        }
        if !self.open.lock().resize(id, wanted.len()) {
            // Its client makes a full fetch, and gets no session.
            return Err(SessionError::NotFound);
        }
        Ok(Fetch {
            wanted,
            kind: FetchKind::Incremental {
                id,
                next_epoch,
                session,
            },
        })
    }

    /// A connection has ended, and the sessions that were last used over it are of no use any more: clients do not go on
    /// with one over another connection.
    pub(crate) fn connection_closed(&self, connection: u64) {
        self.open.lock().remove_all_of(connection);
    }

    #[cfg(test)]
    fn count(&self) -> usize {
        self.open.lock().by_id.len()
    }

    /// Opens a session if there is a slot, or one that may be taken; otherwise the client gets none and
    /// sends a full request next time.
    fn open(&self, session: Session, connection: u64, now_ms: i64) -> i32 {
        let mut open = self.open.lock();
        if open.by_id.len() >= self.slots && !open.evict(session.len(), now_ms) {
            return NO_SESSION;
        }
        if open.followed + session.len() > MOST_PARTITIONS {
            return NO_SESSION;
        }
        open.insert(session, connection, now_ms)
    }
}

/// A fetch under way.
#[derive(Debug)]
pub(crate) struct Fetch {
    wanted: Vec<Wanted>,
    kind: FetchKind,
}

#[derive(Debug)]
enum FetchKind {
    Sessionless,
    Full {
        connection: u64,
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
pub(crate) struct SessionAnswer {
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
        outcomes: &[ReadOutcome],
        now_ms: i64,
    ) -> Result<SessionAnswer, SessionError> {
        let everything = vec![true; outcomes.len()];
        let (session_id, included) = match self.kind {
            FetchKind::Sessionless => (NO_SESSION, everything),
            FetchKind::Full { .. } if self.wanted.is_empty() => (NO_SESSION, everything),
            FetchKind::Full {
                connection,
                uses_topic_ids,
            } => {
                let session = Session::new(self.wanted.clone(), outcomes, uses_topic_ids);
                (sessions.open(session, connection, now_ms), everything)
            }
            FetchKind::Incremental {
                id,
                next_epoch,
                session,
            } => (
                id,
                session.lock().settle(next_epoch, &self.wanted, outcomes)?,
            ),
        };
        Ok(SessionAnswer {
            session_id,
            wanted: self.wanted,
            included,
        })
    }
}
