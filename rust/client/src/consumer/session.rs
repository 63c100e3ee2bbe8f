//! A fetch session (KIP-227): the broker remembers what is fetched, so that a request only says what changed.
//!
//! A broker need not have a place for one; then every request says everything, and asks for a session again. What an answer
//! brings is understood without the session ([`Asked`](super::asked::Asked)), for it is as good in either case.
//!
//! Deciding only: no clock, no socket.

use std::collections::HashMap;
use std::sync::Arc;

use kafkalite_wire::ErrorCode;
use kafkalite_wire::api::fetch::{FetchPartition, FetchTopic, ForgottenTopic};
use uuid::Uuid;

use kafkalite_names::TopicPartition;

/// The epoch of the request that ends a session and asks for none.
const FINAL_EPOCH: i32 = -1;

/// What shall be fetched of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Want {
    pub(super) of: TopicPartition,
    pub(super) topic_id: Uuid,
    pub(super) offset: i64,
    pub(super) leader_epoch: i32,
    pub(super) max_bytes: i32,
}

#[derive(Debug, Default)]
pub(super) struct FetcherSession {
    /// As the broker gave it; 0 for none.
    id: i32,
    /// Of the next request. 0 asks for a new session, and ends the one that is named.
    epoch: i32,
    /// What the broker remembers.
    remembered: HashMap<TopicPartition, Want>,
}

/// The session's part of a fetch request.
#[derive(Debug, Default)]
pub(super) struct FetcherSessionRequest {
    pub(super) id: i32,
    pub(super) epoch: i32,
    pub(super) topics: Vec<FetchTopic>,
    pub(super) forgotten: Vec<ForgottenTopic>,
}

impl FetcherSession {
    /// The request that makes the broker fetch exactly `wanted`.
    pub(super) fn request(
        &mut self,
        wanted: impl IntoIterator<Item = Want>,
    ) -> FetcherSessionRequest {
        if self.epoch == 0 {
            self.remembered.clear();
        }
        let mut before = std::mem::take(&mut self.remembered);
        let mut changed = ByTopic::default();
        let mut forgotten = ByTopic::default();
        for want in wanted {
            let known = before.remove(&want.of);
            if let Some(known) = &known
                && known.topic_id != want.topic_id
            {
                forgotten.push(known, known.of.partition);
            }
            if known.as_ref() != Some(&want) {
                let partition = FetchPartition {
                    partition: want.of.partition,
                    current_leader_epoch: want.leader_epoch,
                    fetch_offset: want.offset,
                    partition_max_bytes: want.max_bytes,
                    ..FetchPartition::default()
                };
                changed.push(&want, partition);
            }
            self.remembered.insert(want.of.clone(), want);
        }
        for gone in before.values() {
            forgotten.push(gone, gone.of.partition);
        }
        FetcherSessionRequest {
            id: self.id,
            epoch: self.epoch,
            topics: changed.into_topics(|topic, topic_id, partitions| FetchTopic {
                topic,
                topic_id,
                partitions,
            }),
            forgotten: forgotten.into_topics(|topic, topic_id, partitions| ForgottenTopic {
                topic,
                topic_id,
                partitions,
            }),
        }
    }

    /// The broker answered: the session goes on or, with id 0, there is none.
    pub(super) fn answered(&mut self, id: i32) {
        if id == 0 {
            *self = Self::default();
        } else {
            self.id = id;
            self.epoch = if self.epoch == i32::MAX {
                1
            } else {
                self.epoch + 1
            };
        }
    }

    /// The broker refused a request of the session: the next one says everything.
    pub(super) fn refused(&mut self, code: ErrorCode) {
        if code == ErrorCode::FetchSessionIdNotFound {
            self.id = 0;
        }
        self.restart();
    }

    /// What the broker remembers is not known any more, or no use: the next request asks for a new session instead. It names
    /// the old one, which would hold a place until somebody else needs it.
    pub(super) fn restart(&mut self) {
        self.epoch = 0;
    }

    /// Whether the next request says everything.
    pub(super) fn is_full(&self) -> bool {
        self.epoch == 0
    }

    /// The request that ends the session, if there is one.
    pub(super) fn last_request(&self) -> Option<FetcherSessionRequest> {
        (self.id != 0).then(|| FetcherSessionRequest {
            id: self.id,
            epoch: FINAL_EPOCH,
            ..FetcherSessionRequest::default()
        })
    }
}

/// What is said of partitions, by topic.
struct ByTopic<T>(HashMap<(Arc<str>, Uuid), Vec<T>>);

impl<T> Default for ByTopic<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> ByTopic<T> {
    fn push(&mut self, want: &Want, said: T) {
        let topic = (Arc::clone(&want.of.topic), want.topic_id);
        self.0.entry(topic).or_default().push(said);
    }

    fn into_topics<U>(self, topic: impl Fn(String, Uuid, Vec<T>) -> U) -> Vec<U> {
        let topics = self.0.into_iter();
        topics
            .map(|((name, id), partitions)| topic(name.to_string(), id, partitions))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn want(partition: i32, offset: i64) -> Want {
        Want {
            of: TopicPartition::new("t", partition),
            topic_id: Uuid::from_u128(1),
            offset,
            leader_epoch: 0,
            max_bytes: 100,
        }
    }

    fn fetched(request: &FetcherSessionRequest) -> Vec<(i32, i64)> {
        request
            .topics
            .iter()
            .flat_map(|t| &t.partitions)
            .map(|p| (p.partition, p.fetch_offset))
            .collect()
    }

    #[test]
    fn after_the_first_request_only_changes_are_said() {
        let mut session = FetcherSession::default();
        let first = session.request([want(0, 5), want(1, 6)]);
        assert_eq!((first.id, first.epoch, fetched(&first).len()), (0, 0, 2));
        session.answered(77);
        let second = session.request([want(0, 9), want(1, 6)]);
        assert_eq!((second.id, second.epoch), (77, 1));
        assert_eq!(fetched(&second), [(0, 9)]);
        session.answered(77);
        let third = session.request([want(0, 9)]);
        assert_eq!((third.epoch, fetched(&third).len()), (2, 0));
        assert_eq!(third.forgotten[0].partitions, [1]);
    }

    #[test]
    fn without_a_session_every_request_says_everything() {
        let mut session = FetcherSession::default();
        for _ in 0..2 {
            let request = session.request([want(0, 5)]);
            assert_eq!((request.id, request.epoch), (0, 0));
            assert_eq!(fetched(&request), [(0, 5)]);
            session.answered(0);
        }
        assert!(session.last_request().is_none(), "nothing to give back");
    }

    #[test]
    fn a_session_that_is_begun_anew_or_ended_is_named_so_that_its_place_is_free() {
        let mut session = FetcherSession::default();
        session.request([want(0, 5)]);
        session.answered(77);
        session.restart();
        let again = session.request([want(0, 5)]);
        assert_eq!((again.id, again.epoch), (77, 0));
        assert_eq!(fetched(&again), [(0, 5)]);
        session.answered(78);
        let last = session.last_request().unwrap();
        assert_eq!((last.id, last.epoch), (78, -1));
        session.refused(ErrorCode::FetchSessionIdNotFound);
        assert_eq!(session.request([want(0, 5)]).id, 0, "it is gone already");
        assert!(session.last_request().is_none());
    }

    #[test]
    fn a_recreated_topic_is_another_topic() {
        let mut session = FetcherSession::default();
        session.request([want(0, 5)]);
        session.answered(7);
        let recreated = Want {
            topic_id: Uuid::from_u128(2),
            ..want(0, 0)
        };
        let request = session.request([recreated]);
        assert_eq!(request.forgotten[0].topic_id, Uuid::from_u128(1));
        assert_eq!(request.topics[0].topic_id, Uuid::from_u128(2));
    }
}
