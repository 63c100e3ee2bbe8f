"""Publishing messages (the paper, Sections 3 and 3.2)."""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from kafkalite import _logging, _native
from kafkalite._bootstrap import Bootstrap, addresses
from kafkalite._settings import check_keywords
from kafkalite.errors import ClosedError, KafkaError
from kafkalite.message_set import MessageSet

if TYPE_CHECKING:
    from datetime import datetime
    from types import TracebackType

    from kafkalite._native import Delivery, Message

__all__ = ["Partitioner", "Producer"]

Partitioner: TypeAlias = Callable[[bytes | None, int], int]
"""A partitioning function: takes a message's key and the number of partitions, returns a partition."""

_LAST_WORDS_S = 10.0  # how long a forgotten producer may take for what it still holds

_LAST_MOMENT_S = 1.0  # what a producer gets for that after Ctrl-C

_Bytes: TypeAlias = bytes | bytearray | memoryview | str


class Producer:
    """Publishes messages to any Kafka cluster, kafkalite's or another.

    Messages are collected into batches, one for each partition, and sent by the core's own threads. A full
    buffer makes :meth:`send` wait. Retries never duplicate or reorder messages (KIP-98).

    A producer that is forgotten, or still open when Python ends, delivers what it holds for ten seconds at the
    most; what fails then is logged, because nobody is left to raise it to. :meth:`close` does not give up so early.

    Args:
        bootstrap_servers: a :class:`Broker`, ``"host:port"``, or several of them.
        acks: ``"all"``, ``1``, or ``0`` (nobody answers, nothing is known).
        linger_ms: how long a batch may wait for more messages, in milliseconds.
        batch_size: bytes after which a batch is sent at once.
        compression: how batches are compressed.
        partitioner: where a message without an explicit partition goes. ``"default"`` hashes the key as Java's
            client does and fills one batch after another for messages without a key; ``"random"`` is the paper's
            default; a function receives key and number of partitions.
        settings: further settings under Kafka's names in snake_case, for example ``buffer_memory=1 << 20``;
            ``kafkalite config list producer`` prints them all.

    Raises:
        InvalidSettingError: a setting is unknown or out of range.
    """

    def __init__(
        self,
        bootstrap_servers: Bootstrap,
        *,
        acks: Literal["all", 0, 1, -1] = "all",
        linger_ms: int | None = None,
        batch_size: int | None = None,
        compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = "none",
        partitioner: Literal["default", "random"] | Partitioner = "default",
        **settings: object,
    ) -> None:
        """Take the settings; the first message opens the connections."""
        check_keywords("producer", settings)
        _logging.forward()
        self._bootstrap = addresses(bootstrap_servers)
        given: dict[str, object] = {
            **settings,
            "bootstrap_servers": self._bootstrap,
            "acks": acks,
            "compression_type": compression,
            "linger_ms": linger_ms,
            "batch_size": batch_size,
        }
        self._partitioner = partitioner if callable(partitioner) else None
        if not callable(partitioner):
            given["partitioner"] = partitioner
        self._is_closed = False
        self._native = _native.Producer(given)
        weakref.finalize(self, _deliver_the_rest, self._native, os.getpid())

    def send(
        self,
        topic: str,
        value: _Bytes | Message | MessageSet | None,
        *,
        key: _Bytes | None = None,
        headers: Mapping[str, bytes | str | None] | Sequence[tuple[str, bytes | str | None]] = (),
        timestamp: int | datetime | None = None,
        partition: int | None = None,
    ) -> Delivery:
        """Publish a message, or a whole set in one request.

        Args:
            topic: the topic to publish to.
            value: the payload (``str`` is encoded as UTF-8, ``None`` is a tombstone), a message, or a set.
            key: decides the partition; for a set, of the whole set.
            headers: pairs of a name and bytes; not for a set, whose messages carry their own.
            timestamp: milliseconds since 1970-01-01 UTC, or a ``datetime`` (without a zone it is local); now, if not
                given. Not for a set either.
            partition: sends to this partition, whatever the key.

        Returns:
            What becomes of it: ``.result()`` waits for the broker's answer. It need not be looked at:
            :meth:`flush` and :meth:`close` raise what nobody looked at.

        Raises:
            KafkaTimeoutError: the buffer was full for longer than ``max_block_ms``, or no broker could be reached.
            MessageTooLargeError: larger than ``max_request_size``.
            InvalidTopicError: no topic can have this name.
            ClosedError: the producer is closed.
            TypeError: a timestamp is neither int nor ``datetime``; seconds as ``time.time()`` gives them are none.
            ValueError: a set without messages, or with headers or a timestamp for all of it; or a time before 1970.
        """
        if isinstance(value, MessageSet):
            if headers or timestamp is not None:
                message = (
                    "the messages of a set carry their own headers and timestamps, as in Message(b'', headers=...)"
                )
                raise ValueError(message)
            return self._native.send_set(topic, tuple(value), key, partition, self._partitioner)
        return self._native.send(topic, value, key, headers, timestamp, partition, self._partitioner)

    def send_many(
        self,
        topic: str,
        values: Sequence[_Bytes | None],
        *,
        keys: Sequence[_Bytes | None] | None = None,
        timestamps: Sequence[int | datetime] | None = None,
        partition: int | None = None,
    ) -> None:
        """Publish many messages with one call: the fast way for data that is already in memory.

        Args:
            topic: the topic to publish to.
            values: the payloads.
            keys: as many keys, if given.
            timestamps: as many times, in milliseconds or ``datetime``, if given.
            partition: sends all to this partition.

        Failures are raised by :meth:`flush` and :meth:`close`.

        Raises:
            ValueError: there are not as many keys or timestamps as values.
            KafkaTimeoutError: the buffer was full for longer than ``max_block_ms``; some values may be sent.
            ClosedError: the producer is closed.
        """
        self._native.send_many(topic, values, keys, timestamps, partition, self._partitioner)

    def flush(self, timeout: float | None = None) -> None:
        """Wait until everything sent so far is answered.

        Args:
            timeout: seconds; ``None`` waits as long as deliveries may take (``delivery_timeout_ms``).

        Raises:
            DeliveryError: a delivery failed that nobody looked at.
            KafkaTimeoutError: the time ran out first.
        """
        self._native.flush(timeout)

    @property
    def closed(self) -> bool:
        """Whether the producer has been closed."""
        return self._is_closed

    def close(self, timeout: float | None = None) -> None:
        """Flush, then close the connections. A second call does nothing.

        Args:
            timeout: seconds; what is not delivered by then is given up. ``None`` waits as long as deliveries may take
                (``delivery_timeout_ms``).

        Raises:
            DeliveryError: a delivery failed that nobody looked at.
        """
        self._is_closed = True
        self._native.close(timeout)

    def __enter__(self) -> Self:
        """Return the producer."""
        if self.closed:
            message = "the producer is closed; make a new one"
            raise ClosedError(message)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Deliver what was sent, and close. After Ctrl-C that gets a moment only: whoever presses it wants out."""
        if kind is None or not issubclass(kind, KeyboardInterrupt):
            self.close()
            return
        try:
            self.close(_LAST_MOMENT_S)
        except KafkaError as undelivered:
            logging.getLogger(__name__).warning("interrupted: %s", undelivered)

    def __repr__(self) -> str:
        """Return where it publishes to."""
        return "Producer(closed)" if self.closed else f"Producer({self._bootstrap!r})"

    def __reduce__(self) -> str | tuple[object, ...]:
        """Refuse: connections stay in their process."""
        message = "a Producer cannot be pickled: make one in the other process, with the same bootstrap_servers"
        raise TypeError(message)


def _deliver_the_rest(native: _native.Producer, owner: int) -> None:
    if os.getpid() != owner:
        return  # a forked child: connections and messages are its parent's
    try:
        native.close(_LAST_WORDS_S)
    except KafkaError as error:
        log = logging.getLogger(__name__)
        log.error("a producer was forgotten before close(): %s", error)  # noqa: TRY400 - the traceback would be ours
