//! A request, or a part of one, that is answered with an error: Kafka's code and a sentence. The one place where errors
//! of storage become codes.

use kafkalite_log::LogError;
use kafkalite_names::shown;
use kafkalite_records::RecordsError;
use kafkalite_settings::ConfigError;
use kafkalite_wire::CodedError;
use kafkalite_wire::ErrorCode;

use crate::error::BrokerError;

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Kafka's code.
    pub code: ErrorCode,
    /// What was asked, what was found, what to try. Goes to the client where the API's version has room for it.
    pub message: String,
}

impl Refusal {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// A topic that a request names twice, with perhaps two different wishes.
    pub(crate) fn repeated(name: &str) -> Self {
        Self::new(
            ErrorCode::InvalidRequest,
            format!(
                "topic '{}' stands more than once in the request",
                shown(name)
            ),
        )
    }

    pub(crate) fn stopping() -> Self {
        Self::new(ErrorCode::KafkaStorageError, "the broker is stopping")
    }
}

impl From<CodedError> for Refusal {
    fn from(error: CodedError) -> Self {
        let CodedError { code, message } = error;
        Self { code, message }
    }
}

impl From<RecordsError> for Refusal {
    fn from(error: RecordsError) -> Self {
        let code = match error {
            RecordsError::UnknownCompression(_) | RecordsError::CompressionNotInFormat { .. } => {
                ErrorCode::UnsupportedCompressionType
            }
            RecordsError::TooLarge { .. } => ErrorCode::MessageTooLarge,
            _ => ErrorCode::CorruptMessage,
        };
        Self::new(code, error.to_string())
    }
}

impl From<LogError> for Refusal {
    fn from(error: LogError) -> Self {
        Self {
            code: code_of(&error),
            message: error.to_string(),
        }
    }
}

impl From<ConfigError> for Refusal {
    fn from(error: ConfigError) -> Self {
        BrokerError::from(error).into()
    }
}

impl From<BrokerError> for Refusal {
    fn from(error: BrokerError) -> Self {
        let code = match error {
            BrokerError::Setting(_) | BrokerError::UnsupportedSetting { .. } => {
                ErrorCode::InvalidConfig
            }
            BrokerError::FixedSetting { .. } => ErrorCode::InvalidRequest,
            // The rest is about files.
            _ => ErrorCode::KafkaStorageError,
        };
        Self {
            code,
            message: error.to_string(),
        }
    }
}

fn code_of(error: &LogError) -> ErrorCode {
    match error {
        LogError::CorruptBatch { .. } => ErrorCode::CorruptMessage,
        LogError::InvalidRecord { .. } => ErrorCode::InvalidRecord,
        LogError::UnsupportedFormat { .. } => ErrorCode::UnsupportedForMessageFormat,
        // As Kafka, whose codecs fail here; what says corruption instead would have the producer try again.
        LogError::Undecodable { .. } => ErrorCode::UnknownServerError,
        LogError::BatchTooLarge { .. } | LogError::DecompressedTooLarge { .. } => {
            ErrorCode::MessageTooLarge
        }
        LogError::AppendTooLarge { .. } => ErrorCode::RecordListTooLarge,
        LogError::InvalidTimestamp { .. } => ErrorCode::InvalidTimestamp,
        LogError::OffsetOutOfRange { .. } => ErrorCode::OffsetOutOfRange,
        LogError::OutOfOrderSequence { .. } => ErrorCode::OutOfOrderSequenceNumber,
        LogError::ProducerFenced { .. } => ErrorCode::InvalidProducerEpoch,
        LogError::Closed { .. } | LogError::NotLeader { .. } => ErrorCode::NotLeaderOrFollower,
        LogError::StaleRole { .. } => ErrorCode::FencedLeaderEpoch,
        // The disk: the client may try again, the operator reads the sentence in the log.
        _ => ErrorCode::KafkaStorageError,
    }
}
