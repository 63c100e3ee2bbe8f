//! Who gets which partitions: pure functions from subscriptions, and what was assigned before, to an assignment.

mod range;
#[cfg(test)]
mod tests;
mod uniform;

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::places::Places;

/// A way of assigning that the broker knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assignor {
    /// As even as subscriptions allow, with as little moved as that takes.
    Uniform,
    /// Of each topic a run of neighbouring partitions; the same run of topics with as many partitions, so that they can be
    /// joined.
    Range,
}

/// A topic to be shared out.
#[derive(Debug, Clone, Copy)]
pub struct Topic {
    pub id: Uuid,
    /// How many it has.
    pub partitions: i32,
}

/// A member to be given partitions.
#[derive(Debug, Clone)]
pub struct Subscriber<'a> {
    /// What range assigns by: static members keep their place between restarts.
    pub rank: (bool, &'a str),
    /// The topics it wants, as sorted places in the list of topics.
    pub topics: Vec<usize>,
    /// What it was given before.
    pub before: &'a Places,
}

impl Assignor {
    /// What each subscriber gets, in their order. Every partition of a topic that somebody wants has exactly one owner.
    pub fn assign(self, topics: &[Topic], subscribers: &[Subscriber<'_>]) -> Vec<Places> {
        match self {
            Self::Uniform => uniform::assign(topics, subscribers),
            Self::Range => range::assign(topics, subscribers),
        }
    }
}

/// Kafka's names for them.
impl fmt::Display for Assignor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uniform => "uniform",
            Self::Range => "range",
        })
    }
}

impl FromStr for Assignor {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "uniform" => Ok(Self::Uniform),
            "range" => Ok(Self::Range),
            _ => Err(()),
        }
    }
}

/// Who wants each topic, in the order of the topics.
fn wanted_by(topics: &[Topic], subscribers: &[Subscriber<'_>]) -> Vec<Vec<usize>> {
    let mut wanted = vec![Vec::new(); topics.len()];
    for (index, subscriber) in subscribers.iter().enumerate() {
        for &topic in &subscriber.topics {
            wanted[topic].push(index);
        }
    }
    wanted
}
