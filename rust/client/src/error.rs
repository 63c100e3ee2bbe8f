//! Everything that can go wrong, in one enum.

use std::sync::Arc;
use std::time::Duration;

use kafkalite_link::LinkError;
use kafkalite_names::shown;
use kafkalite_records::RecordsError;
use kafkalite_wire::ErrorCode;

use crate::config::ConfigError;

/// The result of a client's operation.
pub type Result<T, E = ClientError> = std::result::Result<T, E>;

/// Why a client could not do what was asked. Cheap to clone: every record of a failed batch reports the same.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClientError {
    /// A setting is unknown, out of range or contradicts another: change it.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// ZooKeeper does not answer or refuses, or what stands in it does not do: see the sentence.
    #[error("{0}")]
    ZooKeeper(Arc<str>),
    /// No connection, or an answer that is none: see what is wrong with it.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// No topic can have this name, so nothing was asked: choose another.
    #[error("{name:?} {reason}")]
    InvalidTopic {
        /// The name, or the beginning of a long one.
        name: Arc<str>,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A broker refused: see the code's meaning.
    #[error("{api} for {subject}: {}", refused(*code, detail.as_deref()))]
    Broker {
        /// Kafka's error code.
        code: ErrorCode,
        /// The request's API.
        api: &'static str,
        /// What it was about: a topic, a partition, a resource.
        subject: Arc<str>,
        /// What the broker said beyond the code.
        detail: Option<Arc<str>>,
    },
    /// Time is up; the text says for what, which setting bounds it, and the last error that was met on the way.
    #[error("{what} took longer than {setting}={}{}", as_given(setting, *limit), cause.as_ref().map(|e| format!("; last error: {e}")).unwrap_or_default())]
    TimedOut {
        /// What was waited for.
        what: Arc<str>,
        /// The setting, or the argument, that bounds the wait.
        setting: &'static str,
        /// Its value.
        limit: Duration,
        /// The last error met on the way.
        cause: Option<Arc<ClientError>>,
    },
    /// A record or message set is larger than a setting allows: send less at once, or raise it here and at the broker.
    #[error(
        "{size} bytes for {topic} are more than the producer's max.request.size={limit}: raise it, in Python as \
         Producer(max_request_size=...), and the topic's max.message.bytes with it; or send less at once"
    )]
    TooLarge {
        /// The topic.
        topic: Arc<str>,
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The topic has no such partition: choose one that exists.
    #[error("{topic} has no partition {partition}; it has {partitions}")]
    UnknownPartition {
        /// The topic.
        topic: Arc<str>,
        /// The partition asked for.
        partition: i32,
        /// How many there are.
        partitions: usize,
    },
    /// The partition is not assigned to this consumer: assign it first.
    #[error("{topic}-{partition} is not assigned to this consumer")]
    NotAssigned {
        /// The topic.
        topic: Arc<str>,
        /// The partition.
        partition: i32,
    },
    /// Asking the group where a partition starts ended in the middle, which is a fault of this client: seek to where reading
    /// shall go on.
    #[error(
        "where {topic}-{partition} starts could not be asked of {group}, through a fault in this client: seek to where reading \
         shall go on, or make a new consumer"
    )]
    StartUnknown {
        /// The group.
        group: Arc<str>,
        /// The topic.
        topic: Arc<str>,
        /// The partition.
        partition: i32,
    },
    /// What a member did in its group ended in the middle, which is a fault of this client: it joins again when somebody reads on.
    #[error(
        "a member of {group} ended in the middle of its work, through a fault in this client: read on, and it joins again"
    )]
    MemberInterrupted {
        /// The group.
        group: Arc<str>,
    },
    /// The position is not in the log, or none is known (offset −1), and `auto.offset.reset=none`: seek to where reading
    /// shall go on.
    #[error(
        "{}, and auto.offset.reset=none: seek to where reading shall go on",
        if *offset < 0 { format!("no position of {topic}-{partition} is known") }
        else { format!("offset {offset} of {topic}-{partition} is not in the log") }
    )]
    OffsetOutOfRange {
        /// The topic.
        topic: Arc<str>,
        /// The partition.
        partition: i32,
        /// The position asked for.
        offset: i64,
    },
    /// A fetched batch is damaged or too large: seek beyond it, or raise `max.decompressed.batch.bytes`.
    #[error("batch at offset {offset} of {topic}-{partition}: {source}")]
    Records {
        /// The topic.
        topic: Arc<str>,
        /// The partition.
        partition: i32,
        /// Where the damaged batch starts.
        offset: i64,
        /// What is wrong with it.
        source: RecordsError,
    },
    /// Deliveries failed that nobody looked at (reported by flush and close): send those records again if they matter.
    #[error("{} {topic}-{partition}: {first}", undelivered(*count))]
    Undelivered {
        /// How many.
        count: u64,
        /// The topic of the first.
        topic: Arc<str>,
        /// The partition of the first.
        partition: i32,
        /// Why the first was not delivered.
        first: Arc<ClientError>,
    },
    /// The group's coordinator does not admit this member: do what the message says, then read on.
    #[error("cannot be a member of {group}: {code}; {advice}")]
    NotAdmitted {
        /// The group.
        group: Arc<str>,
        /// Kafka's error code.
        code: ErrorCode,
        /// What to try.
        advice: Arc<str>,
    },
    /// Another member joined with the same `group.instance.id`, and this one is out for good: give each its own.
    #[error(
        "another member has joined {group} with group.instance.id={instance:?}, so this one is out (FENCED_INSTANCE_ID); \
         give each member its own"
    )]
    Fenced {
        /// The group.
        group: Arc<str>,
        /// The name that both use.
        instance: Arc<str>,
    },
    /// The group's leader sent an assignment that is none. This member reads nothing until the next rebalance; look at the
    /// client that leads the group.
    #[error(
        "the assignment of generation {generation} of {group} cannot be read: {detail}; look at the client that leads"
    )]
    BadAssignment {
        /// The group.
        group: Arc<str>,
        /// The generation.
        generation: i32,
        /// What is wrong with it.
        detail: Arc<str>,
    },
    /// Offsets were not committed because partitions have gone to another member, which reads again what was not
    /// committed. Nothing to repeat; make rebalances rarer, or process less between two commits.
    #[error("offsets of {group} were not committed: {reason}")]
    CommitFailed {
        /// The group.
        group: Arc<str>,
        /// What came between.
        reason: Arc<str>,
    },
    /// The client was closed: make a new one.
    #[error("the {0} is closed")]
    Closed(&'static str),
}

/// One sentence, and the code's name: the broker's own says more than what the code means in general.
fn refused(code: ErrorCode, detail: Option<&str>) -> String {
    let sentence = detail.map_or(code.message(), |detail| detail.trim_end_matches('.'));
    match code {
        ErrorCode::Other(number) => format!("{sentence} ({} {number})", code.name()),
        code => format!("{sentence} ({})", code.name()),
    }
}

fn undelivered(count: u64) -> String {
    match count {
        1 => "1 record was not delivered to".to_owned(),
        _ => format!("{count} records were not delivered; the first, to"),
    }
}

/// A limit as whoever set it spelt it: Kafka's settings count milliseconds, arguments seconds.
fn as_given(setting: &str, limit: Duration) -> String {
    if setting.rsplit('.').next() == Some("ms") {
        format!("{} ms", limit.as_millis())
    } else {
        format!("{} s", limit.as_secs_f64())
    }
}

impl ClientError {
    /// Kafka's code, where a broker sent one or one fits exactly.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            ClientError::Broker { code, .. } | ClientError::NotAdmitted { code, .. } => Some(*code),
            ClientError::Link(error) => error.code(),
            ClientError::InvalidTopic { .. } => Some(ErrorCode::InvalidTopic),
            ClientError::OffsetOutOfRange { .. } => Some(ErrorCode::OffsetOutOfRange),
            ClientError::Fenced { .. } => Some(ErrorCode::FencedInstanceId),
            ClientError::CommitFailed { .. } => Some(ErrorCode::UnknownMemberId),
            ClientError::TooLarge { .. } => Some(ErrorCode::MessageTooLarge),
            ClientError::UnknownPartition { .. } => Some(ErrorCode::UnknownTopicOrPartition),
            ClientError::Undelivered { first, .. } => first.code(),
            ClientError::TimedOut {
                cause: Some(cause), ..
            } => cause.code(),
            _ => None,
        }
    }

    /// Whether the same may succeed later without any change.
    pub fn retriable(&self) -> bool {
        match self {
            ClientError::Link(error) => error.may_pass(),
            ClientError::TimedOut { .. } => true,
            ClientError::Broker { code, .. } => code.is_retriable(),
            ClientError::Undelivered { first, .. } => first.retriable(),
            _ => false,
        }
    }

    /// Whether a refreshed view of the cluster may help: the leader moved, the topic is new, the broker is gone.
    pub(crate) fn stale_metadata(&self) -> bool {
        match self {
            ClientError::Link(error) => error.may_pass(),
            ClientError::Broker { code, .. } => code.stale_metadata(),
            _ => false,
        }
    }

    pub(crate) fn broker(
        api: &'static str,
        subject: impl Into<Arc<str>>,
        code: ErrorCode,
        detail: Option<String>,
    ) -> Self {
        ClientError::Broker {
            code,
            api,
            subject: shown(&subject.into()).into(),
            detail: detail.filter(|d| !d.is_empty()).map(Into::into),
        }
    }
}

/// What a code means for the client's view of the cluster.
pub(crate) trait StaleMetadata {
    fn stale_metadata(&self) -> bool;
}

impl StaleMetadata for ErrorCode {
    fn stale_metadata(&self) -> bool {
        matches!(
            self,
            ErrorCode::UnknownTopicOrPartition
                | ErrorCode::LeaderNotAvailable
                | ErrorCode::NotLeaderOrFollower
                | ErrorCode::ReplicaNotAvailable
                | ErrorCode::KafkaStorageError
                | ErrorCode::FencedLeaderEpoch
                | ErrorCode::UnknownLeaderEpoch
                | ErrorCode::UnknownTopicId
                | ErrorCode::InconsistentTopicId
                | ErrorCode::NotController
                | ErrorCode::ListenerNotFound
                | ErrorCode::PreferredLeaderNotAvailable
                | ErrorCode::EligibleLeadersNotAvailable
                | ErrorCode::OffsetNotAvailable
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: ErrorCode, detail: Option<&str>) -> String {
        ClientError::broker("CreateTopics", "clicks", code, detail.map(str::to_owned)).to_string()
    }

    #[test]
    fn what_a_broker_refuses_is_one_sentence_and_the_code() {
        assert_eq!(
            refusal(
                ErrorCode::TopicAlreadyExists,
                Some("Topic 'clicks' already exists.")
            ),
            "CreateTopics for clicks: Topic 'clicks' already exists (TOPIC_ALREADY_EXISTS)"
        );
        assert_eq!(
            refusal(ErrorCode::TopicAlreadyExists, None),
            "CreateTopics for clicks: a topic of this name exists already (TOPIC_ALREADY_EXISTS)"
        );
        assert!(refusal(ErrorCode::Other(999), None).contains(" 999)"));
    }

    #[test]
    fn a_limit_is_told_in_the_unit_it_was_given_in() {
        let late = |setting| ClientError::TimedOut {
            what: "it".into(),
            setting,
            limit: Duration::from_millis(1500),
            cause: None,
        };
        assert_eq!(
            late("timeout").to_string(),
            "it took longer than timeout=1.5 s"
        );
        assert_eq!(
            late("max.block.ms").to_string(),
            "it took longer than max.block.ms=1500 ms"
        );
    }
}
