//! How many streams each consumer of a group has for each topic that there is.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use super::Topics;
use super::pattern::{InvalidPattern, TopicPattern};
use crate::registries::{ConsumerId, ConsumerSubscription, ThreadId};

/// Topics of Kafka's own.
const INTERNAL: [&str; 2] = ["__consumer_offsets", "__transaction_state"];

/// The topics that a list stands for.
type Listed<'a> = Rc<HashSet<&'a str>>;

/// A group, with its patterns resolved.
pub(super) struct StreamsOfGroup<'a> {
    members: Vec<(&'a ConsumerId, Wanted<'a>)>,
}

/// What one consumer wants.
enum Wanted<'a> {
    /// So many streams for each of these.
    Named(&'a BTreeMap<String, u32>),
    /// So many for each of those.
    Listed(Listed<'a>, u32),
}

impl<'a> StreamsOfGroup<'a> {
    /// Those whose subscription is understood, and the others.
    pub(super) fn new(
        members: &'a BTreeMap<ConsumerId, ConsumerSubscription>,
        topics: &'a Topics,
        exclude_internal: bool,
    ) -> (Self, BTreeMap<ConsumerId, InvalidPattern>) {
        let mut misunderstood = BTreeMap::new();
        let mut lists = Lists {
            topics,
            exclude_internal,
            known: HashMap::new(),
        };
        let mut understood = Vec::with_capacity(members.len());
        for (id, subscription) in members {
            let wanted = match subscription {
                ConsumerSubscription::Topics(topics) => Ok(Wanted::Named(topics)),
                ConsumerSubscription::WhiteList { pattern, streams } => lists
                    .of(pattern, true)
                    .map(|topics| Wanted::Listed(topics, *streams)),
                ConsumerSubscription::BlackList { pattern, streams } => lists
                    .of(pattern, false)
                    .map(|topics| Wanted::Listed(topics, *streams)),
            };
            match wanted {
                Ok(wanted) => understood.push((id, wanted)),
                Err(invalid) => {
                    misunderstood.insert(id.clone(), invalid);
                }
            }
        }
        (
            Self {
                members: understood,
            },
            misunderstood,
        )
    }

    /// How many consumers there are.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// How many streams a consumer, by its place, has for a topic.
    pub(super) fn streams(&self, member: usize, topic: &str) -> u32 {
        match &self.members[member].1 {
            Wanted::Named(topics) => topics.get(topic).copied().unwrap_or(0),
            Wanted::Listed(topics, streams) if topics.contains(topic) => *streams,
            Wanted::Listed(..) => 0,
        }
    }

    /// The first so many streams of a consumer.
    pub(super) fn threads(&self, member: usize, streams: u32) -> impl Iterator<Item = ThreadId> {
        let consumer = self.members[member].0;
        (0..streams).map(|stream| consumer.thread(stream))
    }
}

/// Each pattern is read once, however many consumers have it.
struct Lists<'a> {
    topics: &'a Topics,
    exclude_internal: bool,
    known: HashMap<(&'a str, bool), Result<Listed<'a>, InvalidPattern>>,
}

impl<'a> Lists<'a> {
    fn of(&mut self, pattern: &'a str, white: bool) -> Result<Listed<'a>, InvalidPattern> {
        let (topics, exclude_internal) = (self.topics, self.exclude_internal);
        let resolve = || {
            let regex = TopicPattern::new(pattern)?;
            let mut listed = HashSet::new();
            for topic in topics.keys() {
                let excluded = exclude_internal && INTERNAL.contains(&&**topic);
                if !excluded && regex.matches(topic)? == white {
                    listed.insert(&**topic);
                }
            }
            Ok(Rc::new(listed))
        };
        self.known
            .entry((pattern, white))
            .or_insert_with(resolve)
            .clone()
    }
}
