"""The exceptions of kafkalite: one base, and leaves that are also the matching builtin.

``except KafkaError`` catches all of them; ``except TimeoutError``, ``ConnectionError``, ``LookupError``,
``FileExistsError``, ``OSError`` and ``ValueError`` catch what a Python programmer would expect them to.
Every error carries Kafka's error code (``None`` where the trouble is not an answer of a broker) and whether
the same call may succeed when it is tried again.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "BrokerStartError",
    "ClosedError",
    "CommitFailedError",
    "CorruptMessageError",
    "DeliveryError",
    "FencedMemberError",
    "ForkedError",
    "GroupError",
    "GroupNotEmptyError",
    "GroupProtocolError",
    "InvalidGroupError",
    "InvalidSettingError",
    "InvalidTopicError",
    "KafkaConnectionError",
    "KafkaError",
    "KafkaTimeoutError",
    "LogDirectoryError",
    "MessageTooLargeError",
    "OffsetOutOfRangeError",
    "TopicExistsError",
    "UnknownGroupError",
    "UnknownTopicError",
]


class KafkaError(Exception):
    """Base of every error that kafkalite raises.

    Attributes:
        code: Kafka's error code, as in the protocol's table; ``None`` where it is not an answer of a broker.
        retriable: whether the same call may succeed later without any change.
    """

    code: int | None = None
    retriable: bool = False

    def __init__(self, message: str = "", *, code: int | None = None, retriable: bool | None = None) -> None:
        """Keep the sentence that says what was asked, what was found and what to try."""
        super().__init__(message)
        if code is not None:
            self.code = code
        if retriable is not None:
            self.retriable = retriable


class KafkaConnectionError(KafkaError, ConnectionError):
    """No broker could be reached, or a connection broke: the message names the address and where it came from."""

    retriable = True


class KafkaTimeoutError(KafkaError, TimeoutError):
    """The time allowed for a call ran out; what was asked may still happen."""

    code = 7
    retriable = True


class UnknownTopicError(KafkaError, LookupError):
    """The topic or partition does not exist (``UNKNOWN_TOPIC_OR_PARTITION``)."""

    code = 3


class TopicExistsError(KafkaError, FileExistsError):
    """A topic of that name exists already (``TOPIC_ALREADY_EXISTS``); ``exist_ok=True`` accepts it."""

    code = 36


class InvalidTopicError(KafkaError, ValueError):
    """The topic's name is not allowed (``INVALID_TOPIC_EXCEPTION``)."""

    code = 17


class OffsetOutOfRangeError(KafkaError, LookupError):
    """The offset is not in the log, and ``auto_offset_reset="none"`` (``OFFSET_OUT_OF_RANGE``)."""

    code = 1


class MessageTooLargeError(KafkaError, ValueError):
    """A message is larger than the topic's ``max.message.bytes`` or the producer's ``max_request_size``."""

    code = 10


class CorruptMessageError(KafkaError, ValueError):
    """Bytes that fail their CRC, or that are not record batches at all (``CORRUPT_MESSAGE``)."""

    code = 2


class InvalidSettingError(KafkaError, ValueError):
    """A setting that does not exist, or a value that it does not take; the message suggests the nearest name."""

    code = 40


class DeliveryError(KafkaError):
    """Messages that were accepted by ``send`` could not be delivered, and nobody looked at their deliveries."""


class ClosedError(KafkaError, ValueError):
    """A broker, producer, consumer or stream was used after its ``close()``."""


class ForkedError(KafkaError, RuntimeError):
    """The process was forked after kafkalite had started its threads: use the ``spawn`` start method."""


class BrokerStartError(KafkaError, OSError):
    """The broker could not start: its port is taken, or its directory is locked, unwritable or not a log directory."""


class LogDirectoryError(KafkaError, OSError):
    """A log directory or segment could not be read or written."""


class GroupError(KafkaError):
    """Something that the coordinator of a group refused; the base of the errors about groups."""


class CommitFailedError(GroupError):
    """Offsets were not committed, because this member no longer owns those partitions in its group.

    The group has gone on without it: it was silent for longer than ``session_timeout_ms``, it did not ask for a
    message for longer than ``max_poll_interval_ms``, or a rebalance gave the partitions to another member. What
    was read and not committed is read again by whoever owns it now.
    """

    code = 25


class FencedMemberError(GroupError):
    """Another member has joined with the same ``group_instance_id`` (``FENCED_INSTANCE_ID``, KIP-345)."""

    code = 82


class GroupProtocolError(GroupError):
    """The group's members use no assignor that this one knows as well (``INCONSISTENT_GROUP_PROTOCOL``).

    Give all of them one ``partition_assignment_strategy`` in common.
    """

    code = 23


class InvalidGroupError(GroupError, ValueError):
    """The group's name is not allowed (``INVALID_GROUP_ID``)."""

    code = 24


class UnknownGroupError(GroupError, LookupError):
    """There is no such group (``GROUP_ID_NOT_FOUND``)."""

    code = 69


class GroupNotEmptyError(GroupError):
    """The group still has members (``NON_EMPTY_GROUP``): end them first."""

    code = 68


_WITH_A_CODE: tuple[type[KafkaError], ...] = (
    CorruptMessageError,
    FencedMemberError,
    GroupNotEmptyError,
    GroupProtocolError,
    InvalidGroupError,
    InvalidSettingError,
    InvalidTopicError,
    KafkaTimeoutError,
    MessageTooLargeError,
    OffsetOutOfRangeError,
    TopicExistsError,
    UnknownGroupError,
    UnknownTopicError,
)
_BY_CODE: Mapping[int | None, type[KafkaError]] = {
    **{kind.code: kind for kind in _WITH_A_CODE},
    14: GroupError,  # COORDINATOR_LOAD_IN_PROGRESS
    15: GroupError,  # COORDINATOR_NOT_AVAILABLE
    16: GroupError,  # NOT_COORDINATOR
    18: MessageTooLargeError,  # RECORD_LIST_TOO_LARGE
    22: GroupError,  # ILLEGAL_GENERATION
    25: GroupError,  # UNKNOWN_MEMBER_ID
    26: GroupError,  # INVALID_SESSION_TIMEOUT
    27: GroupError,  # REBALANCE_IN_PROGRESS
    37: InvalidSettingError,  # INVALID_PARTITIONS
    81: GroupError,  # GROUP_MAX_SIZE_REACHED
    86: GroupError,  # GROUP_SUBSCRIBED_TO_TOPIC
    87: CorruptMessageError,  # INVALID_RECORD
    100: UnknownTopicError,  # UNKNOWN_TOPIC_ID
}


def from_code(code: int | None, message: str, *, retriable: bool) -> KafkaError:
    """Return the exception for a broker's error code; codes without a class of their own are plain ``KafkaError``."""
    return _BY_CODE.get(code, KafkaError)(message, code=code, retriable=retriable)
