//! What is wrong with a request of a member.

use kafkalite_wire::ErrorCode;

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct GroupError {
    /// Kafka's code.
    pub code: ErrorCode,
    /// What was asked, what was found, what to try.
    pub message: String,
}

impl GroupError {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}
