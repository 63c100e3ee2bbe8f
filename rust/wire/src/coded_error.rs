//! What a request, or a part of one, is answered with if it is not done.

use crate::ErrorCode;

/// Kafka's code, and a sentence for who asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CodedError {
    /// Kafka's code.
    pub code: ErrorCode,
    /// What was asked, what was found, what to try. Goes to the client where the API's version has room for it.
    pub message: String,
}

impl CodedError {
    /// An error of this code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}
