//! The state machine, without a broker around it. Members of the classic protocol come to the same scene in `migration/tests`.

mod regular_expressions;
mod static_members;
mod table;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use kafkalite_wire::api::consumer_group_heartbeat::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, OwnedTopicPartitions,
};
use kafkalite_wire::{ErrorCode, Reader, Value, Version};
use uuid::Uuid;

use super::places::{Place, Places};
use super::{
    Assignor, Consumer, ConsumerKey, ConsumerRules, Now, Pattern, Sender, StoredGroup, Topology,
    check, places, records,
};

pub(crate) const SESSION: u64 = 45_000;
pub(crate) const REBALANCE: u64 = 60_000;

pub(crate) fn rules() -> ConsumerRules {
    ConsumerRules {
        session_timeout_ms: SESSION,
        heartbeat_interval_ms: 5_000,
        max_size: 100,
        assignors: vec![Assignor::Uniform, Assignor::Range],
    }
}

/// The member's epoch, and its assignment if it is told one.
pub(crate) type Told = Result<(i32, Option<Vec<(String, i32)>>), ErrorCode>;

/// Topics that are there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Topics(pub(crate) BTreeMap<String, (Uuid, i32)>);

impl Topology for Topics {
    fn topic(&self, name: &str) -> Option<(Uuid, i32)> {
        self.0.get(name).copied()
    }

    fn name_of(&self, id: Uuid) -> Option<Arc<str>> {
        let found = self.0.iter().find(|(_, topic)| topic.0 == id);
        found.map(|(name, _)| name.as_str().into())
    }
}

impl Topics {
    pub(crate) fn names(&self) -> Vec<Arc<str>> {
        self.0.keys().map(|name| name.as_str().into()).collect()
    }
}

/// A group with a clock, topics, and the log that it is stored in.
pub(crate) struct Scene {
    pub(crate) group: Consumer,
    pub(crate) topics: Topics,
    pub(crate) rules: ConsumerRules,
    pub(crate) ms: u64,
    created: u128,
    log: BTreeMap<Bytes, Option<Bytes>>,
}

impl Scene {
    pub(crate) fn new(topics: &[(&str, i32)]) -> Self {
        let mut scene = Self {
            group: Consumer::default(),
            topics: Topics::default(),
            rules: rules(),
            ms: 0,
            created: 0,
            log: BTreeMap::new(),
        };
        for (name, partitions) in topics {
            scene.set_topic(name, *partitions);
        }
        scene
    }

    pub(crate) fn now(&self) -> Now {
        Now {
            ms: self.ms,
            wall_ms: self.ms as i64,
        }
    }

    /// Creates a topic, or gives it so many partitions; none deletes it.
    pub(crate) fn set_topic(&mut self, name: &str, partitions: i32) {
        if partitions == 0 {
            self.topics.0.remove(name);
        } else {
            self.created += 1;
            let fresh = Uuid::from_u128(self.created);
            let id = self.topics.0.get(name).map_or(fresh, |topic| topic.0);
            self.topics.0.insert(name.to_owned(), (id, partitions));
        }
        let known = self.group.patterns();
        let known = known.filter_map(|(regex, pattern)| Some((regex.to_owned(), pattern?.clone())));
        for (regex, pattern) in known.collect::<Vec<_>>() {
            let matched = pattern.among(&self.topics.names());
            self.group.set_matched(&regex, matched);
        }
        self.group.look_at(&self.topics);
        self.store();
    }

    pub(crate) fn store(&mut self) {
        let changes = self.group.take_changes();
        for entry in self.group.entries("g", &changes.keys).unwrap() {
            self.log.insert(entry.key, entry.value);
        }
    }

    /// What a restart finds.
    pub(crate) fn restart(&mut self) {
        let mut stored = StoredGroup::default();
        for (key, value) in &self.log {
            let mut reader = Reader::new(key.clone(), Version::new(0, i16::MAX));
            let kind = i16::read(&mut reader).unwrap();
            let (_, key) = records::ConsumerKey::decode(kind, &mut reader)
                .unwrap()
                .unwrap();
            let value = value.as_ref().map(|bytes| key.decode_value(bytes).unwrap());
            stored.apply(key, value);
        }
        let before = self.group.view(&self.topics, &self.rules);
        self.group = Consumer::from_stored(stored, &self.rules, self.now());
        self.group.look_at(&self.topics);
        assert_eq!(self.group.view(&self.topics, &self.rules), before);
    }

    /// What the group has only as text.
    pub(crate) fn uncompiled(&self) -> Vec<String> {
        let patterns = self.group.patterns();
        let missing = patterns.filter(|(_, pattern)| pattern.is_none());
        missing.map(|(regex, _)| regex.to_owned()).collect()
    }

    /// Compiles what the group has only as text. What that was.
    pub(crate) fn compile(&mut self) -> Vec<String> {
        let compiled = self.uncompiled();
        for regex in &compiled {
            let pattern = Pattern::compile(regex).unwrap_or(Pattern::NOTHING);
            let matched = pattern.among(&self.topics.names());
            self.group.set_matched(regex, matched);
        }
        self.group.look_at(&self.topics);
        self.store();
        compiled
    }

    /// Lets time pass as the timers would: never past a moment that the group wants to see.
    pub(crate) fn pass(&mut self, ms: u64) {
        let end = self.ms + ms;
        while let Some(wake) = self.group.wake().filter(|&wake| wake <= end) {
            self.ms = self.ms.max(wake);
            self.group.tick(&self.topics, self.now());
            self.store();
        }
        self.ms = end;
    }

    pub(crate) fn send(
        &mut self,
        request: ConsumerGroupHeartbeatRequest,
    ) -> Result<ConsumerGroupHeartbeatResponse, ErrorCode> {
        let code = |refusal: kafkalite_wire::CodedError| refusal.code;
        check(&request, &self.rules).map_err(code)?;
        let sender = Sender {
            client_id: "client".to_owned(),
            client_host: "/127.0.0.1".to_owned(),
        };
        let regex = request.subscribed_topic_regex.as_deref();
        let pattern = regex.map(Pattern::compile).transpose().map_err(code)?;
        let matched = pattern.map(|pattern| pattern.among(&self.topics.names()));
        let (topics, rules, now) = (&self.topics, &self.rules, self.now());
        let answer = self
            .group
            .heartbeat(request, matched, sender, topics, rules, now);
        self.store();
        answer.map_err(code)
    }

    /// A member joins, subscribed to these topics.
    pub(crate) fn join(&mut self, id: &str, topics: &[&str]) -> (i32, Vec<(String, i32)>) {
        let answer = self.send(joins(id, topics)).unwrap();
        let told = self.told(&answer).unwrap();
        (answer.member_epoch, told)
    }

    /// A member that has nothing to say.
    pub(crate) fn beat(&mut self, id: &str, epoch: i32) -> Told {
        let answer = self.send(beats(id, epoch))?;
        Ok((answer.member_epoch, self.told(&answer)))
    }

    /// A member that says what it owns.
    pub(crate) fn beat_owning(&mut self, id: &str, epoch: i32, owned: &[(&str, i32)]) -> Told {
        let owned = owned
            .iter()
            .map(|(topic, index)| (self.topics.0[*topic].0, *index));
        let owned = said(&owned.collect());
        let answer = self.send(ConsumerGroupHeartbeatRequest {
            topic_partitions: Some(owned),
            ..beats(id, epoch)
        })?;
        Ok((answer.member_epoch, self.told(&answer)))
    }

    pub(crate) fn told(
        &self,
        answer: &ConsumerGroupHeartbeatResponse,
    ) -> Option<Vec<(String, i32)>> {
        let mut told = Vec::new();
        for topic in &answer.assignment.as_ref()?.topic_partitions {
            let name = self.topics.name_of(topic.topic_id).unwrap().to_string();
            told.extend(topic.partitions.iter().map(|&index| (name.clone(), index)));
        }
        told.sort_unstable();
        Some(told)
    }

    pub(crate) fn state(&self) -> String {
        self.group.state().to_string()
    }
}

pub(crate) fn joins(id: &str, topics: &[&str]) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        rebalance_timeout_ms: REBALANCE as i32,
        subscribed_topic_names: Some(topics.iter().map(|topic| (*topic).to_owned()).collect()),
        topic_partitions: Some(Vec::new()),
        ..beats(id, 0)
    }
}

pub(crate) fn beats(id: &str, epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        group_id: "g".to_owned(),
        member_id: id.to_owned(),
        member_epoch: epoch,
        ..Default::default()
    }
}

/// As a member says what it owns.
pub(crate) fn said(owned: &Places) -> Vec<OwnedTopicPartitions> {
    let topic = |(topic_id, partitions)| OwnedTopicPartitions {
        topic_id,
        partitions,
    };
    places::by_topic(owned).into_iter().map(topic).collect()
}

pub(crate) fn all(topic: &str, partitions: std::ops::Range<i32>) -> Vec<(String, i32)> {
    partitions.map(|index| (topic.to_owned(), index)).collect()
}
