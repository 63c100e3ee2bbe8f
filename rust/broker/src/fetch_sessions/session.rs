//! One fetch session: its partitions in the order of their turn, and what its client last heard of each.

use std::collections::{BTreeMap, HashMap};

use kafkalite_cluster::TopicKey;

use super::{FIRST_EPOCH, ReadOutcome, SessionError, SessionRequest, Wanted};

/// Unknown, so that any watermark is news.
const UNHEARD: i64 = -1;

#[derive(Debug)]
pub(super) struct Session {
    /// The epoch that the next request must carry.
    epoch: i32,
    uses_topic_ids: bool,
    /// Partitions by turn. One that gave records goes to the end, so that none starves behind a busy one when the
    /// answer's bytes run out.
    queue: BTreeMap<u64, Followed>,
    turns: HashMap<(TopicKey, i32), u64>,
    next_turn: u64,
}

#[derive(Debug)]
struct Followed {
    wanted: Wanted,
    high_watermark: i64,
    log_start_offset: i64,
}

impl Followed {
    /// Does the client need to hear of this? Errors are always told.
    fn is_news(&self, outcome: &ReadOutcome) -> bool {
        outcome.failed
            || outcome.bytes > 0
            || outcome.high_watermark != self.high_watermark
            || outcome.log_start_offset != self.log_start_offset
    }

    fn heard(&mut self, outcome: &ReadOutcome) {
        // After an error the watermark counts as unheard, so that its end is told as well.
        self.high_watermark = if outcome.failed {
            UNHEARD
        } else {
            outcome.high_watermark
        };
        self.log_start_offset = outcome.log_start_offset;
    }
}

impl Session {
    pub(super) fn new(wanted: Vec<Wanted>, outcomes: &[ReadOutcome], uses_topic_ids: bool) -> Self {
        let mut session = Self {
            epoch: FIRST_EPOCH + 1,
            uses_topic_ids,
            queue: BTreeMap::new(),
            turns: HashMap::with_capacity(wanted.len()),
            next_turn: 0,
        };
        let mut first: Vec<_> = wanted.into_iter().zip(outcomes).collect();
        first.sort_by_key(|(_, outcome)| outcome.bytes > 0);
        for (wanted, outcome) in first {
            if let Some(followed) = session.follow(wanted) {
                followed.heard(outcome);
            }
        }
        session
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Applies what a request changes and answers what it means: all partitions followed, in order, and the epoch that
    /// the session has then.
    pub(super) fn advance(
        &mut self,
        request: SessionRequest,
        changed: Vec<Wanted>,
        forgotten: &[(TopicKey, i32)],
    ) -> Result<(Vec<Wanted>, i32), SessionError> {
        if request.epoch != self.epoch {
            return Err(SessionError::WrongEpoch);
        }
        if request.uses_topic_ids != self.uses_topic_ids
            && !(changed.is_empty() && forgotten.is_empty())
        {
            return Err(SessionError::TopicIds);
        }
        for wanted in changed {
            self.follow(wanted);
        }
        for key in forgotten {
            if let Some(turn) = self.turns.remove(key) {
                self.queue.remove(&turn);
            }
        }
        self.epoch = self.epoch.checked_add(1).unwrap_or(FIRST_EPOCH + 1);
        Ok((
            self.queue
                .values()
                .map(|followed| followed.wanted.clone())
                .collect(),
            self.epoch,
        ))
    }

    /// Which partitions the answer names. Fails if another request went ahead on the same session meanwhile: its client
    /// would take this answer for the wrong one.
    pub(super) fn settle(
        &mut self,
        epoch: i32,
        wanted: &[Wanted],
        outcomes: &[ReadOutcome],
    ) -> Result<Vec<bool>, SessionError> {
        if epoch != self.epoch {
            return Err(SessionError::WrongEpoch);
        }
        Ok(wanted
            .iter()
            .zip(outcomes)
            .map(|(wanted, outcome)| self.settle_one(wanted, outcome))
            .collect())
    }

    fn settle_one(&mut self, wanted: &Wanted, outcome: &ReadOutcome) -> bool {
        let Some(turn) = self
            .turns
            .get_mut(&(wanted.topic.clone(), wanted.partition))
        else {
            return false;
        };
        let Some(followed) = self.queue.get_mut(turn) else {
            return false;
        };
        let news = followed.is_news(outcome);
        followed.heard(outcome);
        if outcome.bytes > 0
            && let Some(followed) = self.queue.remove(turn)
        {
            *turn = self.next_turn;
            self.queue.insert(self.next_turn, followed);
            self.next_turn += 1;
        }
        news
    }

    /// Adds a partition at the end of the queue, or updates what is wanted of one in its place. Answers the newly added.
    fn follow(&mut self, wanted: Wanted) -> Option<&mut Followed> {
        let key = (wanted.topic.clone(), wanted.partition);
        if let Some(followed) = self
            .turns
            .get(&key)
            .and_then(|turn| self.queue.get_mut(turn))
        {
            followed.wanted = wanted;
            return None;
        }
        let turn = self.next_turn;
        self.next_turn += 1;
        self.turns.insert(key, turn);
        let followed = Followed {
            wanted,
            high_watermark: UNHEARD,
            log_start_offset: UNHEARD,
        };
        Some(self.queue.entry(turn).or_insert(followed))
    }
}
