//! The consumer registry: who is in a group, and what it subscribes to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Znode, json, timestamp};

/// More streams than this for one topic are a mistake: nobody has so many threads, and each is sorted by everybody in the group.
const MOST_STREAMS: u32 = 1_000;
/// Topics and their streams that one consumer may name, all together.
const MOST_IN_ALL: u64 = 100_000;

/// A consumer that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerZnode {
    /// What it reads.
    pub subscription: ConsumerSubscription,
    /// When it registered, in milliseconds since 1970; 0 if that is not known.
    pub timestamp: i64,
}

/// What a consumer reads, and with how many streams each topic.
///
/// A pattern is what stands there. Kafka's consumer escapes a backslash twice when it writes, and reads back another pattern
/// (`findings/a_backslash_in_an_old_consumers_list_matches_nothing.sh`); whoever mended that would divide otherwise than it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsumerSubscription {
    /// These topics, and how many streams for each. They need not exist.
    Topics(BTreeMap<String, u32>),
    /// All topics whose whole name matches a regular expression.
    WhiteList {
        /// The expression, as [`TopicPattern`](crate::assignment::TopicPattern) understands it.
        pattern: String,
        /// How many streams share what matches.
        streams: u32,
    },
    /// All topics whose whole name does not match.
    BlackList {
        /// The expression, as [`TopicPattern`](crate::assignment::TopicPattern) understands it.
        pattern: String,
        /// How many streams share what does not match.
        streams: u32,
    },
}

#[derive(Serialize, Deserialize)]
struct Fields {
    /// Topics or one pattern, with the number of streams.
    subscription: BTreeMap<String, u32>,
    pattern: String,
    #[serde(default, with = "timestamp")]
    timestamp: i64,
}

const STATIC: &str = "static";
const WHITE_LIST: &str = "white_list";
const BLACK_LIST: &str = "black_list";

impl Znode for ConsumerZnode {
    const EXPECTED: &'static str = r#"a consumer's subscription such as {"version":1,"subscription":{"topic":1},"pattern":"static","timestamp":"1795905754252"}"#;

    fn read(data: &[u8]) -> Result<Self, String> {
        let Fields {
            subscription,
            pattern,
            timestamp,
        } = json::read(data)?;
        check(&subscription)?;
        let subscription = match &*pattern {
            WHITE_LIST => {
                let (pattern, streams) = only(subscription)?;
                ConsumerSubscription::WhiteList { pattern, streams }
            }
            BLACK_LIST => {
                let (pattern, streams) = only(subscription)?;
                ConsumerSubscription::BlackList { pattern, streams }
            }
            // The old consumer takes every other word for a list of topics.
            _ => ConsumerSubscription::Topics(subscription),
        };
        Ok(Self {
            subscription,
            timestamp,
        })
    }

    fn write(&self) -> Vec<u8> {
        let one = |pattern: &String, streams: &u32| [(pattern.clone(), *streams)].into();
        let (subscription, pattern) = match &self.subscription {
            ConsumerSubscription::Topics(topics) => (topics.clone(), STATIC),
            ConsumerSubscription::WhiteList { pattern, streams } => {
                (one(pattern, streams), WHITE_LIST)
            }
            ConsumerSubscription::BlackList { pattern, streams } => {
                (one(pattern, streams), BLACK_LIST)
            }
        };
        let fields = Fields {
            subscription,
            pattern: pattern.to_owned(),
            timestamp: self.timestamp,
        };
        json::write(1, &fields)
    }
}

fn check(subscription: &BTreeMap<String, u32>) -> Result<(), String> {
    for (topic, streams) in subscription {
        if !(1..=MOST_STREAMS).contains(streams) {
            let topic = kafkalite_names::shown(topic);
            return Err(format!(
                "{streams} streams for {topic:?}: 1 to {MOST_STREAMS} can be"
            ));
        }
    }
    let all: u64 = subscription
        .values()
        .map(|streams| u64::from(*streams))
        .sum();
    if all > MOST_IN_ALL {
        return Err(format!(
            "{all} streams for all topics: {MOST_IN_ALL} at the most can be"
        ));
    }
    Ok(())
}

/// A list has one expression. The old consumer takes the first of several, which is any: so that is not guessed.
fn only(subscription: BTreeMap<String, u32>) -> Result<(String, u32), String> {
    let found = subscription.len();
    let mut entries = subscription.into_iter();
    match (entries.next(), entries.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(format!(
            "a list has one regular expression, and this has {found}"
        )),
    }
}
