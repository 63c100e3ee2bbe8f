"""A real Kafka inside Python: a broker and a client, in one extension.

>>> from kafkalite import Broker, Consumer, Message, MessageSet, Producer
>>> broker = Broker()
>>> producer = Producer(broker)
>>> delivery = producer.send("topic1", MessageSet(Message(b"test message str")))
>>> streams = Consumer(broker).create_message_streams("topic1", 1)
>>> next(streams[0]).payload()
b'test message str'

What is public is what ``dir(kafkalite)`` shows. Two modules are public as well: :mod:`kafkalite.admin`, the types of
what an :class:`Admin` returns, and :mod:`kafkalite.errors`, whose exceptions are all here too. The other modules are
ours alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafkalite._native import VERSION, Delivery, Message, MessageStream, RecordMetadata, TopicSummary
from kafkalite.broker import Broker
from kafkalite.consumer import CommitCallback, Consumer, RebalanceCallback
from kafkalite.errors import (
    BrokerStartError,
    ClosedError,
    CommitFailedError,
    CorruptMessageError,
    DeliveryError,
    FencedMemberError,
    ForkedError,
    GroupError,
    GroupNotEmptyError,
    GroupProtocolError,
    InvalidGroupError,
    InvalidSettingError,
    InvalidTopicError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    LogDirectoryError,
    MessageTooLargeError,
    OffsetOutOfRangeError,
    TopicExistsError,
    UnknownGroupError,
    UnknownTopicError,
)
from kafkalite.message_set import MessageSet
from kafkalite.producer import Partitioner, Producer
from kafkalite.topic_partition import TopicPartition

if TYPE_CHECKING:
    from kafkalite.admin import Admin

__version__ = VERSION

__all__ = [
    "Admin",
    "Broker",
    "BrokerStartError",
    "ClosedError",
    "CommitCallback",
    "CommitFailedError",
    "Consumer",
    "CorruptMessageError",
    "Delivery",
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
    "Message",
    "MessageSet",
    "MessageStream",
    "MessageTooLargeError",
    "OffsetOutOfRangeError",
    "Partitioner",
    "Producer",
    "RebalanceCallback",
    "RecordMetadata",
    "TopicExistsError",
    "TopicPartition",
    "TopicSummary",
    "UnknownGroupError",
    "UnknownTopicError",
]


def __getattr__(name: str) -> object:
    """Import what only some programs need at its first use: a dozen dataclasses would double the time of ``import``."""
    if name == "Admin":
        from kafkalite.admin import Admin

        return Admin
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    """Show what is public, also what is imported at its first use, and no module that Python puts beside it."""
    return sorted([*__all__, "__version__"])
