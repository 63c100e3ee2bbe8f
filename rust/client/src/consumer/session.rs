//! A fetch session (KIP-227): the broker remembers what is fetched, so that a request only says what changed.
//!
//! Deciding only: no clock, no socket.

use std::collections::HashMap;

use kafkalite_wire::api::fetch::{FetchPartition, FetchTopic, ForgottenTopic};
use uuid::Uuid;

use super::TopicPartition;

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
pub(super) struct Session {
    id: i32,
    /// Of the next request; 0 asks for a new session.
    epoch: i32,
    /// What the broker remembers.
    remembered: HashMap<TopicPartition, Want>,
}

/// The session's part of a fetch request.
#[derive(Debug, Default)]
pub(super) struct SessionRequest {
    pub(super) id: i32,
    pub(super) epoch: i32,
    pub(super) topics: Vec<FetchTopic>,
    pub(super) forgotten: Vec<ForgottenTopic>,
}

impl Session {
    /// The request that makes the broker fetch exactly `wanted`.
    pub(super) fn request(&mut self, wanted: Vec<Want>) -> SessionRequest {
        let mut request = SessionRequest {
            id: self.id,
            epoch: self.epoch,
            ..SessionRequest::default()
        };
        if self.epoch == 0 {
            self.remembered.clear();
            request.id = 0;
        }
        let mut remembered = std::mem::take(&mut self.remembered);
        for want in wanted {
            let known = remembered.remove(&want.of);
            if let Some(known) = &known
                && known.topic_id != want.topic_id
            {
                forget(&mut request.forgotten, known);
            }
            if known.as_ref() != Some(&want) {
                add(&mut request.topics, &want);
            }
            self.remembered.insert(want.of.clone(), want);
        }
        for gone in remembered.values() {
            forget(&mut request.forgotten, gone);
        }
        request
    }

    /// The broker answered: the session goes on, or there is none (id 0) and each request says everything.
    pub(super) fn answered(&mut self, id: i32) {
        if id == 0 {
            self.reset();
        } else {
            self.id = id;
            self.epoch = if self.epoch == i32::MAX {
                1
            } else {
                self.epoch + 1
            };
        }
    }

    /// The broker does not know the session, or the connection is another one.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Which partition an answer is about.
    pub(super) fn find(&self, topic: &str, topic_id: Uuid, partition: i32) -> Option<&Want> {
        self.remembered.values().find(|want| {
            want.of.partition == partition
                && if topic_id.is_nil() {
                    *want.of.topic == *topic
                } else {
                    want.topic_id == topic_id
                }
        })
    }
}

fn add(topics: &mut Vec<FetchTopic>, want: &Want) {
    let partition = FetchPartition {
        partition: want.of.partition,
        current_leader_epoch: want.leader_epoch,
        fetch_offset: want.offset,
        partition_max_bytes: want.max_bytes,
        ..FetchPartition::default()
    };
    match topics
        .iter_mut()
        .find(|topic| *topic.topic == *want.of.topic && topic.topic_id == want.topic_id)
    {
        Some(topic) => topic.partitions.push(partition),
        None => topics.push(FetchTopic {
            topic: want.of.topic.to_string(),
            topic_id: want.topic_id,
            partitions: vec![partition],
        }),
    }
}

fn forget(topics: &mut Vec<ForgottenTopic>, want: &Want) {
    match topics
        .iter_mut()
        .find(|topic| *topic.topic == *want.of.topic && topic.topic_id == want.topic_id)
    {
        Some(topic) => topic.partitions.push(want.of.partition),
        None => topics.push(ForgottenTopic {
            topic: want.of.topic.to_string(),
            topic_id: want.topic_id,
            partitions: vec![want.of.partition],
        }),
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

    fn fetched(request: &SessionRequest) -> Vec<(i32, i64)> {
        request
            .topics
            .iter()
            .flat_map(|t| &t.partitions)
            .map(|p| (p.partition, p.fetch_offset))
            .collect()
    }

    #[test]
    fn after_the_first_request_only_changes_are_said() {
        let mut session = Session::default();
        let first = session.request(vec![want(0, 5), want(1, 6)]);
        assert_eq!((first.id, first.epoch, fetched(&first).len()), (0, 0, 2));
        session.answered(77);
        let second = session.request(vec![want(0, 9), want(1, 6)]);
        assert_eq!((second.id, second.epoch), (77, 1));
        assert_eq!(fetched(&second), [(0, 9)]);
        session.answered(77);
        let third = session.request(vec![want(0, 9)]);
        assert_eq!((third.epoch, fetched(&third).len()), (2, 0));
        assert_eq!(third.forgotten[0].partitions, [1]);
    }

    #[test]
    fn without_a_session_every_request_says_everything() {
        let mut session = Session::default();
        session.request(vec![want(0, 5)]);
        session.answered(0);
        let again = session.request(vec![want(0, 5)]);
        assert_eq!((again.id, again.epoch, fetched(&again).len()), (0, 0, 1));
        session.answered(5);
        session.reset();
        assert_eq!(session.request(vec![want(0, 5)]).epoch, 0);
    }

    #[test]
    fn a_recreated_topic_is_another_topic() {
        let mut session = Session::default();
        session.request(vec![want(0, 5)]);
        session.answered(7);
        let recreated = Want {
            topic_id: Uuid::from_u128(2),
            ..want(0, 0)
        };
        let request = session.request(vec![recreated]);
        assert_eq!(request.forgotten[0].topic_id, Uuid::from_u128(1));
        assert_eq!(request.topics[0].topic_id, Uuid::from_u128(2));
        assert_eq!(session.find("", Uuid::from_u128(2), 0).unwrap().offset, 0);
        assert!(session.find("", Uuid::from_u128(1), 0).is_none());
    }
}
