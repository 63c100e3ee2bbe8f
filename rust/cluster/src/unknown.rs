//! Errors for what is not there.

use kafkalite_names::{ids, shown};
use kafkalite_wire::{CodedError, ErrorCode};
use uuid::Uuid;

/// No topic has this name.
pub fn unknown_topic(name: &str) -> CodedError {
    CodedError::new(
        ErrorCode::UnknownTopicOrPartition,
        format!("there is no topic '{}'", shown(name)),
    )
}

/// The topic has no such partition.
pub fn unknown_partition(name: &str, partition: i32) -> CodedError {
    CodedError::new(
        ErrorCode::UnknownTopicOrPartition,
        format!("topic '{}' has no partition {partition}", shown(name)),
    )
}

/// No topic has this id.
pub fn unknown_topic_id(id: Uuid) -> CodedError {
    CodedError::new(
        ErrorCode::UnknownTopicId,
        format!("there is no topic with id {}", ids::to_text(id)),
    )
}
