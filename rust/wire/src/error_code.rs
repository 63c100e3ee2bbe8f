//! The error codes that brokers answer with: one table.

use std::fmt;

use crate::{Reader, Result, Value, Version, Writer, schema::Kind};

macro_rules! error_codes {
    ($($code:literal, $name:ident, $kafka_name:literal, $fate:ident, $message:literal;)*) => {
        /// What a broker says about a request, or about one part of it.
        ///
        /// Displayed as Kafka's name for it and the message.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub enum ErrorCode {
            /// 0: no error.
            #[default]
            None,
            $(
                #[doc = concat!($code, ": ", $message, ".")]
                $name,
            )*
            /// A code that this table doesn't know, from a newer broker. Not to be retried.
            Other(i16),
        }

        impl ErrorCode {
            /// All that have a name.
            pub const ALL: &[ErrorCode] = &[ErrorCode::None, $(ErrorCode::$name),*];

            /// The error of a code on the wire.
            pub fn from_code(code: i16) -> ErrorCode {
                match code {
                    0 => ErrorCode::None,
                    $($code => ErrorCode::$name,)*
                    other => ErrorCode::Other(other),
                }
            }

            /// The code on the wire.
            pub fn code(self) -> i16 {
                match self {
                    ErrorCode::None => 0,
                    $(ErrorCode::$name => $code,)*
                    ErrorCode::Other(code) => code,
                }
            }

            /// Kafka's name.
            pub fn name(self) -> &'static str {
                match self {
                    ErrorCode::None => "NONE",
                    $(ErrorCode::$name => $kafka_name,)*
                    ErrorCode::Other(_) => "UNKNOWN",
                }
            }

            /// What it means, in half a sentence.
            pub fn message(self) -> &'static str {
                match self {
                    ErrorCode::None => "no error",
                    $(ErrorCode::$name => $message,)*
                    ErrorCode::Other(_) => "an error that this version of kafkalite does not know",
                }
            }

            /// Whether the same request may succeed later, perhaps at another broker.
            pub fn is_retriable(self) -> bool {
                match self {
                    ErrorCode::None | ErrorCode::Other(_) => false,
                    $(ErrorCode::$name => error_codes!(@$fate),)*
                }
            }
        }
    };
    (@retriable) => { true };
    (@final) => { false };
}

error_codes! {
    -1, UnknownServerError, "UNKNOWN_SERVER_ERROR", final, "an unexpected error in the broker; its log says more";
    1, OffsetOutOfRange, "OFFSET_OUT_OF_RANGE", final, "the offset is outside of what the partition holds";
    2, CorruptMessage, "CORRUPT_MESSAGE", retriable, "a batch failed its checksum or is otherwise malformed";
    3, UnknownTopicOrPartition, "UNKNOWN_TOPIC_OR_PARTITION", retriable, "no such topic or partition here";
    4, InvalidFetchSize, "INVALID_FETCH_SIZE", final, "the requested fetch size is not valid";
    5, LeaderNotAvailable, "LEADER_NOT_AVAILABLE", retriable, "the partition has no leader at the moment";
    6, NotLeaderOrFollower, "NOT_LEADER_OR_FOLLOWER", retriable, "this broker is not the partition's leader, or holds no replica of it";
    7, RequestTimedOut, "REQUEST_TIMED_OUT", retriable, "the request was not completed within its time";
    8, BrokerNotAvailable, "BROKER_NOT_AVAILABLE", final, "the broker is not available";
    9, ReplicaNotAvailable, "REPLICA_NOT_AVAILABLE", retriable, "the replica is not available";
    10, MessageTooLarge, "MESSAGE_TOO_LARGE", final, "a batch is larger than max.message.bytes";
    11, StaleControllerEpoch, "STALE_CONTROLLER_EPOCH", final, "the controller has moved to another broker";
    12, OffsetMetadataTooLarge, "OFFSET_METADATA_TOO_LARGE", final, "the metadata committed with an offset is too large";
    13, NetworkException, "NETWORK_EXCEPTION", retriable, "the connection ended before the response came";
    14, CoordinatorLoadInProgress, "COORDINATOR_LOAD_IN_PROGRESS", retriable, "the coordinator is still loading its state";
    15, CoordinatorNotAvailable, "COORDINATOR_NOT_AVAILABLE", retriable, "the coordinator is not available";
    16, NotCoordinator, "NOT_COORDINATOR", retriable, "this broker is not the coordinator of that group or transaction";
    17, InvalidTopic, "INVALID_TOPIC_EXCEPTION", final, "the topic's name is not valid, or the operation is not allowed on it";
    18, RecordListTooLarge, "RECORD_LIST_TOO_LARGE", final, "the batches are larger than a segment may be";
    19, NotEnoughReplicas, "NOT_ENOUGH_REPLICAS", retriable, "fewer replicas are in sync than min.insync.replicas asks for";
    20, NotEnoughReplicasAfterAppend, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", retriable, "written, but to fewer replicas in sync than min.insync.replicas asks for";
    21, InvalidRequiredAcks, "INVALID_REQUIRED_ACKS", final, "acks is none of -1, 0 and 1";
    22, IllegalGeneration, "ILLEGAL_GENERATION", final, "the group has moved on to another generation";
    23, InconsistentGroupProtocol, "INCONSISTENT_GROUP_PROTOCOL", final, "the member shares no assignment protocol with the group";
    24, InvalidGroupId, "INVALID_GROUP_ID", final, "the group's id is not valid";
    25, UnknownMemberId, "UNKNOWN_MEMBER_ID", final, "the coordinator does not know this member";
    26, InvalidSessionTimeout, "INVALID_SESSION_TIMEOUT", final, "the session timeout is outside of what the broker allows";
    27, RebalanceInProgress, "REBALANCE_IN_PROGRESS", final, "the group is rebalancing: join again";
    28, InvalidCommitOffsetSize, "INVALID_COMMIT_OFFSET_SIZE", final, "the offset commit is too large";
    29, TopicAuthorizationFailed, "TOPIC_AUTHORIZATION_FAILED", final, "not authorized for the topic";
    30, GroupAuthorizationFailed, "GROUP_AUTHORIZATION_FAILED", final, "not authorized for the group";
    31, ClusterAuthorizationFailed, "CLUSTER_AUTHORIZATION_FAILED", final, "not authorized for the cluster";
    32, InvalidTimestamp, "INVALID_TIMESTAMP", final, "a timestamp is outside of the accepted range";
    33, UnsupportedSaslMechanism, "UNSUPPORTED_SASL_MECHANISM", final, "the broker does not offer this SASL mechanism";
    34, IllegalSaslState, "ILLEGAL_SASL_STATE", final, "the request does not fit the state of authentication";
    35, UnsupportedVersion, "UNSUPPORTED_VERSION", final, "the API is not served in this version";
    36, TopicAlreadyExists, "TOPIC_ALREADY_EXISTS", final, "a topic of this name exists already";
    37, InvalidPartitions, "INVALID_PARTITIONS", final, "the number of partitions is not valid";
    38, InvalidReplicationFactor, "INVALID_REPLICATION_FACTOR", final, "the replication factor is below 1 or above the number of brokers";
    39, InvalidReplicaAssignment, "INVALID_REPLICA_ASSIGNMENT", final, "the assignment of replicas is not valid";
    40, InvalidConfig, "INVALID_CONFIG", final, "a setting is not valid";
    41, NotController, "NOT_CONTROLLER", retriable, "this broker is not the controller";
    42, InvalidRequest, "INVALID_REQUEST", final, "the request contradicts itself or the protocol";
    43, UnsupportedForMessageFormat, "UNSUPPORTED_FOR_MESSAGE_FORMAT", final, "the stored message format does not support the request";
    44, PolicyViolation, "POLICY_VIOLATION", final, "the broker's policy forbids it";
    45, OutOfOrderSequenceNumber, "OUT_OF_ORDER_SEQUENCE_NUMBER", final, "the producer's sequence number leaves a gap";
    46, DuplicateSequenceNumber, "DUPLICATE_SEQUENCE_NUMBER", final, "the producer's sequence number was seen before";
    47, InvalidProducerEpoch, "INVALID_PRODUCER_EPOCH", final, "the producer's epoch is outdated";
    48, InvalidTxnState, "INVALID_TXN_STATE", final, "the operation does not fit the transaction's state";
    49, InvalidProducerIdMapping, "INVALID_PRODUCER_ID_MAPPING", final, "the producer id does not belong to the transactional id";
    50, InvalidTransactionTimeout, "INVALID_TRANSACTION_TIMEOUT", final, "the transaction timeout is above transaction.max.timeout.ms";
    51, ConcurrentTransactions, "CONCURRENT_TRANSACTIONS", retriable, "another operation on the same transaction is under way";
    52, TransactionCoordinatorFenced, "TRANSACTION_COORDINATOR_FENCED", final, "the transaction coordinator has been replaced";
    53, TransactionalIdAuthorizationFailed, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", final, "not authorized for the transactional id";
    54, SecurityDisabled, "SECURITY_DISABLED", final, "security is not switched on";
    55, OperationNotAttempted, "OPERATION_NOT_ATTEMPTED", final, "not tried, because another part of the request failed";
    56, KafkaStorageError, "KAFKA_STORAGE_ERROR", retriable, "the disk failed";
    57, LogDirNotFound, "LOG_DIR_NOT_FOUND", final, "no such log directory";
    58, SaslAuthenticationFailed, "SASL_AUTHENTICATION_FAILED", final, "authentication failed";
    59, UnknownProducerId, "UNKNOWN_PRODUCER_ID", final, "the broker remembers nothing of this producer";
    60, ReassignmentInProgress, "REASSIGNMENT_IN_PROGRESS", final, "partitions are being reassigned";
    61, DelegationTokenAuthDisabled, "DELEGATION_TOKEN_AUTH_DISABLED", final, "delegation tokens are not switched on";
    62, DelegationTokenNotFound, "DELEGATION_TOKEN_NOT_FOUND", final, "no such delegation token";
    63, DelegationTokenOwnerMismatch, "DELEGATION_TOKEN_OWNER_MISMATCH", final, "not the token's owner or renewer";
    64, DelegationTokenRequestNotAllowed, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", final, "delegation tokens can't be requested over this channel";
    65, DelegationTokenAuthorizationFailed, "DELEGATION_TOKEN_AUTHORIZATION_FAILED", final, "not authorized for the delegation token";
    66, DelegationTokenExpired, "DELEGATION_TOKEN_EXPIRED", final, "the delegation token has expired";
    67, InvalidPrincipalType, "INVALID_PRINCIPAL_TYPE", final, "this kind of principal is not supported";
    68, NonEmptyGroup, "NON_EMPTY_GROUP", final, "the group still has members";
    69, GroupIdNotFound, "GROUP_ID_NOT_FOUND", final, "no such group";
    70, FetchSessionIdNotFound, "FETCH_SESSION_ID_NOT_FOUND", retriable, "no such fetch session: start a new one";
    71, InvalidFetchSessionEpoch, "INVALID_FETCH_SESSION_EPOCH", retriable, "the fetch session's epoch is not the expected one";
    72, ListenerNotFound, "LISTENER_NOT_FOUND", retriable, "the leader has no listener of the name that the request came through";
    73, TopicDeletionDisabled, "TOPIC_DELETION_DISABLED", final, "deleting topics is switched off";
    74, FencedLeaderEpoch, "FENCED_LEADER_EPOCH", retriable, "the request's leader epoch is older than the broker's";
    75, UnknownLeaderEpoch, "UNKNOWN_LEADER_EPOCH", retriable, "the request's leader epoch is newer than the broker's";
    76, UnsupportedCompressionType, "UNSUPPORTED_COMPRESSION_TYPE", final, "the client can't read the partition's compression";
    77, StaleBrokerEpoch, "STALE_BROKER_EPOCH", final, "the broker has registered again since";
    78, OffsetNotAvailable, "OFFSET_NOT_AVAILABLE", retriable, "a new leader's high watermark has not caught up yet";
    79, MemberIdRequired, "MEMBER_ID_REQUIRED", final, "join again with the member id in this response";
    80, PreferredLeaderNotAvailable, "PREFERRED_LEADER_NOT_AVAILABLE", retriable, "the preferred leader is not available";
    81, GroupMaxSizeReached, "GROUP_MAX_SIZE_REACHED", final, "the group is full";
    82, FencedInstanceId, "FENCED_INSTANCE_ID", final, "another member has taken over this group.instance.id";
    83, EligibleLeadersNotAvailable, "ELIGIBLE_LEADERS_NOT_AVAILABLE", retriable, "no replica that may lead is available";
    84, ElectionNotNeeded, "ELECTION_NOT_NEEDED", retriable, "the partition needs no election";
    85, NoReassignmentInProgress, "NO_REASSIGNMENT_IN_PROGRESS", final, "no reassignment is under way";
    86, GroupSubscribedToTopic, "GROUP_SUBSCRIBED_TO_TOPIC", final, "the group is subscribed to the topic, so its offsets stay";
    87, InvalidRecord, "INVALID_RECORD", final, "the broker's validation rejected a record";
    88, UnstableOffsetCommit, "UNSTABLE_OFFSET_COMMIT", retriable, "offsets of a transaction are still pending";
    89, ThrottlingQuotaExceeded, "THROTTLING_QUOTA_EXCEEDED", retriable, "the quota is used up for now";
    90, ProducerFenced, "PRODUCER_FENCED", final, "a newer producer uses the same transactional id";
    91, ResourceNotFound, "RESOURCE_NOT_FOUND", final, "no such resource";
    92, DuplicateResource, "DUPLICATE_RESOURCE", final, "the request names a resource twice";
    93, UnacceptableCredential, "UNACCEPTABLE_CREDENTIAL", final, "the credential does not meet the requirements";
    94, InconsistentVoterSet, "INCONSISTENT_VOTER_SET", final, "sender or receiver is not one of the expected voters";
    95, InvalidUpdateVersion, "INVALID_UPDATE_VERSION", final, "the version of the update is not valid";
    96, FeatureUpdateFailed, "FEATURE_UPDATE_FAILED", final, "the features could not be updated";
    97, PrincipalDeserializationFailure, "PRINCIPAL_DESERIALIZATION_FAILURE", final, "a forwarded principal could not be read";
    98, SnapshotNotFound, "SNAPSHOT_NOT_FOUND", final, "no such snapshot";
    99, PositionOutOfRange, "POSITION_OUT_OF_RANGE", final, "the position is outside of the snapshot";
    100, UnknownTopicId, "UNKNOWN_TOPIC_ID", retriable, "no topic with this id here";
    101, DuplicateBrokerRegistration, "DUPLICATE_BROKER_REGISTRATION", final, "the broker id is in use";
    102, BrokerIdNotRegistered, "BROKER_ID_NOT_REGISTERED", final, "the broker id is not registered";
    103, InconsistentTopicId, "INCONSISTENT_TOPIC_ID", retriable, "the topic's id differs from the one in the log";
    104, InconsistentClusterId, "INCONSISTENT_CLUSTER_ID", final, "the request is meant for another cluster";
    105, TransactionalIdNotFound, "TRANSACTIONAL_ID_NOT_FOUND", final, "no such transactional id";
    106, FetchSessionTopicIdError, "FETCH_SESSION_TOPIC_ID_ERROR", retriable, "the fetch session mixes topic names and ids";
    107, IneligibleReplica, "INELIGIBLE_REPLICA", final, "a replica may not join the in-sync replicas";
    108, NewLeaderElected, "NEW_LEADER_ELECTED", final, "done, but the partition has a new leader";
    109, OffsetMovedToTieredStorage, "OFFSET_MOVED_TO_TIERED_STORAGE", final, "the offset has moved to tiered storage";
    110, FencedMemberEpoch, "FENCED_MEMBER_EPOCH", final, "the member is outdated: give up all partitions and join again";
    111, UnreleasedInstanceId, "UNRELEASED_INSTANCE_ID", final, "another member still holds the instance id";
    112, UnsupportedAssignor, "UNSUPPORTED_ASSIGNOR", final, "the group does not support the assignor";
    113, StaleMemberEpoch, "STALE_MEMBER_EPOCH", final, "the member's epoch is outdated: heartbeat, then try again";
    114, MismatchedEndpointType, "MISMATCHED_ENDPOINT_TYPE", final, "this kind of endpoint does not serve the request";
    115, UnsupportedEndpointType, "UNSUPPORTED_ENDPOINT_TYPE", final, "this kind of endpoint is not supported";
    116, UnknownControllerId, "UNKNOWN_CONTROLLER_ID", final, "no such controller";
    117, UnknownSubscriptionId, "UNKNOWN_SUBSCRIPTION_ID", final, "the telemetry subscription is unknown or outdated";
    118, TelemetryTooLarge, "TELEMETRY_TOO_LARGE", final, "the telemetry is larger than the broker accepts";
    119, InvalidRegistration, "INVALID_REGISTRATION", final, "the registration is not valid";
    120, TransactionAbortable, "TRANSACTION_ABORTABLE", final, "the transaction failed; abort it and go on";
    121, InvalidRecordState, "INVALID_RECORD_STATE", final, "the record can't be acknowledged in its state";
    122, ShareSessionNotFound, "SHARE_SESSION_NOT_FOUND", retriable, "no such share session";
    123, InvalidShareSessionEpoch, "INVALID_SHARE_SESSION_EPOCH", retriable, "the share session's epoch is not the expected one";
    124, FencedStateEpoch, "FENCED_STATE_EPOCH", final, "the share group's state epoch does not match";
    125, InvalidVoterKey, "INVALID_VOTER_KEY", final, "the voter's key is not the receiver's";
    126, DuplicateVoter, "DUPLICATE_VOTER", final, "the voter is in the set already";
    127, VoterNotFound, "VOTER_NOT_FOUND", final, "no such voter";
    128, InvalidRegularExpression, "INVALID_REGULAR_EXPRESSION", final, "the regular expression is not valid";
    129, RebootstrapRequired, "REBOOTSTRAP_REQUIRED", final, "the client's metadata is outdated: start from bootstrap.servers again";
    130, StreamsInvalidTopology, "STREAMS_INVALID_TOPOLOGY", final, "the topology is not valid";
    131, StreamsInvalidTopologyEpoch, "STREAMS_INVALID_TOPOLOGY_EPOCH", final, "the topology's epoch is not valid";
    132, StreamsTopologyFenced, "STREAMS_TOPOLOGY_FENCED", final, "the topology's epoch is outdated";
    133, ShareSessionLimitReached, "SHARE_SESSION_LIMIT_REACHED", retriable, "there are as many share sessions as the broker allows";
    134, GroupDeletionFailed, "GROUP_DELETION_FAILED", final, "the group could not be deleted";
    135, StreamsTopologyDescriptionUpdateFailed, "STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED", final, "the description of the topology could not be updated";
    136, ControllerIdNotRegistered, "CONTROLLER_ID_NOT_REGISTERED", final, "the controller id is not registered";
}

impl ErrorCode {
    /// Whether this is no error.
    pub fn is_none(self) -> bool {
        self == ErrorCode::None
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorCode::Other(code) => write!(f, "{} {code}: {}", self.name(), self.message()),
            _ => write!(f, "{}: {}", self.name(), self.message()),
        }
    }
}

impl Value for ErrorCode {
    const KIND: Kind = Kind::Int16;

    fn min_size(_: Version) -> usize {
        2
    }

    fn read(r: &mut Reader) -> Result<Self> {
        i16::read(r).map(ErrorCode::from_code)
    }

    fn write(&self, w: &mut Writer) -> Result<()> {
        self.code().write(w)
    }
}
