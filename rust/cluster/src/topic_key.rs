//! How requests name topics: by name, and from some version of each API on by id (KIP-516).

use std::sync::Arc;

use kafkalite_wire::{CodedError, ErrorCode};
use uuid::Uuid;

use crate::unknown::{unknown_topic, unknown_topic_id};

/// A topic as a request names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TopicKey {
    /// By its name.
    Name(Arc<str>),
    /// By its id.
    Id(Uuid),
}

impl TopicKey {
    /// What a request says that has room for both, and in this version uses one of them.
    pub fn of(by_id: bool, name: &str, id: Uuid) -> Self {
        if by_id {
            Self::Id(id)
        } else {
            Self::Name(name.into())
        }
    }

    /// Kafka's code for a topic that is not there.
    pub fn unknown(&self) -> ErrorCode {
        match self {
            Self::Name(_) => ErrorCode::UnknownTopicOrPartition,
            Self::Id(_) => ErrorCode::UnknownTopicId,
        }
    }

    /// The error for a topic that is not there.
    pub fn missing(&self) -> CodedError {
        match self {
            Self::Name(name) => unknown_topic(name),
            Self::Id(id) => unknown_topic_id(*id),
        }
    }
}
