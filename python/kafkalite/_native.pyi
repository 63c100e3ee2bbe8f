"""The extension module: what the Rust core offers to the package.  Users import from ``kafkalite``."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, Self, TypeAlias, final

_Bytes: TypeAlias = bytes | bytearray | memoryview | str
_Headers: TypeAlias = Mapping[str, bytes | str | None] | Sequence[tuple[str, bytes | str | None]]

VERSION: Final[str]
"""The version of the extension, and so of the package."""

@final
class Message:
    """A payload of bytes, with the optional parts that Kafka gives a record.

    Make one to publish it; a message that was read also knows where it stood. Immutable. Its bytes are
    copied out of the fetched batch only when they are asked for.

    Args:
        payload: the message's content; ``str`` is encoded as UTF-8, ``None`` is a tombstone.
        key: decides the partition and is what compaction keeps the last message of.
        headers: pairs of a name and bytes (or ``None``), in order; names may repeat.
        timestamp: milliseconds since 1970-01-01 UTC; the time of sending if not given.
    """

    def __new__(
        cls,
        payload: _Bytes | None,
        *,
        key: _Bytes | None = None,
        headers: _Headers = (),
        timestamp: int | None = None,
    ) -> Self: ...
    @property
    def value(self) -> bytes | None:
        """The content; ``None`` for a tombstone."""
    def payload(self) -> bytes | None:
        """The content, by the name that the paper gives it (Section 3)."""
    @property
    def key(self) -> bytes | None:
        """The key, or ``None``."""
    @property
    def headers(self) -> tuple[tuple[str, bytes | None], ...]:
        """Pairs of name and value, in the order in which they were published."""
    @property
    def timestamp(self) -> int | None:
        """Milliseconds since 1970-01-01 UTC; ``None`` until the message is sent."""
    @property
    def timestamp_type(self) -> Literal["create", "log_append"]:
        """Who set the timestamp: the producer, or the broker on append."""
    @property
    def topic(self) -> str | None:
        """Where it was read from; ``None`` for a message made here."""
    @property
    def partition(self) -> int | None:
        """The partition it was read from; ``None`` for a message made here."""
    @property
    def offset(self) -> int | None:
        """Its place in the partition; ``None`` for a message made here."""
    def text(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """The content as text. ``ValueError`` for a tombstone."""
    def json(self) -> Any:  # noqa: ANN401 - JSON is anything
        """The content parsed as JSON. ``ValueError`` if it is not JSON."""
    def __len__(self) -> int:
        """Bytes of the content; 0 for a tombstone."""
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class RecordMetadata:
    """Where a message was written.

    For a set, the place of its first message.
    """

    topic: str
    partition: int
    offset: int  # -1 with acks=0: nobody answered
    timestamp: int  # milliseconds since 1970-01-01 UTC
    def __eq__(self, other: object, /) -> bool: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class Delivery:
    """What became of a message, or of a set, that was handed to a producer."""

    def done(self) -> bool:
        """Whether it is settled, one way or the other."""
    def result(self, timeout: float | None = None) -> RecordMetadata:
        """Wait (seconds; ``None``: as long as it takes), then return where it was written or raise what went wrong."""
    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait, then return what went wrong, or ``None``."""

@final
class Broker:
    """A running broker. What is not ``None`` goes before the setting (``log.dirs``, ``listeners``)."""

    def __new__(cls, data_dir: str | None, host: str | None, port: int | None, settings: Mapping[str, str]) -> Self: ...
    @property
    def data_dir(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def bootstrap_servers(self) -> str: ...
    @property
    def cluster_id(self) -> str: ...
    def topics(self) -> list[TopicSummary]: ...
    def create_topic(self, name: str, partitions: int, configs: Mapping[str, str]) -> None: ...
    def delete_topic(self, name: str) -> None: ...
    def close(self) -> None:
        """Stop gracefully; a second call does nothing."""
    def discard(self) -> None:
        """Stop without flushing anything: the directory is deleted next."""

@final
class TopicSummary:
    """A topic, as the broker that holds it sees it."""

    name: str
    partitions: int
    messages: int  # sum of end offset - start offset
    bytes: int  # on disk, all segments
    segments: int
    start_offsets: list[int]
    end_offsets: list[int]

@final
class Producer:
    """The producing side; settings are Kafka's names in snake_case, values as Python has them."""

    def __new__(
        cls, settings: Mapping[str, object], partitioner: Callable[[bytes | None, int], int] | None
    ) -> Self: ...
    def send(
        self,
        topic: str,
        value: _Bytes | Message | None,
        key: _Bytes | None,
        headers: _Headers,
        timestamp: int | None,
        partition: int | None,
    ) -> Delivery: ...
    def send_set(self, topic: str, messages: Sequence[Message], key: _Bytes | None, partition: int | None) -> Delivery:
        """Publish all messages as one batch in one request (the paper's message set)."""
    def send_many(
        self,
        topic: str,
        values: Sequence[_Bytes | None],
        keys: Sequence[_Bytes | None] | None,
        timestamps: Sequence[int] | None,
        partition: int | None,
    ) -> None:
        """Accept many values in one call, without a delivery for each."""
    def flush(self, timeout: float | None) -> None: ...
    def close(self, timeout: float | None) -> None: ...

@final
class Consumer:
    """The reading side, without a group: partitions are given to it, positions are its own."""

    def __new__(cls, settings: Mapping[str, object]) -> Self: ...
    def partitions(self, topic: str, timeout: float | None) -> list[int]:
        """The partitions of a topic, sorted."""
    def stream(self, topic: str, partitions: Sequence[int]) -> MessageStream: ...
    def close(self) -> None: ...

@final
class MessageStream(Iterator[Message]):
    """An iterator over messages that never ends until its consumer is closed."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Message: ...
    def next_batch(self, max_messages: int, timeout: float | None) -> list[Message]:
        """Wait for messages, then return what is there without waiting for more; empty when the time is up."""
    def seek(self, partition: int, offset: int) -> None: ...
    def seek_to_time(self, timestamp: int) -> None: ...
    def seek_to_beginning(self) -> None: ...
    def seek_to_end(self) -> None: ...
    def positions(self) -> dict[int, int]:
        """For each partition the offset of the next message that the stream will hand out."""
    @property
    def topic(self) -> str: ...
    @property
    def partitions(self) -> list[int]: ...
    def close(self) -> None: ...

@final
class LogReader:
    """The records of one partition directory or one segment file on disk, read without a broker."""

    def __new__(cls, path: str) -> Self: ...
    def __iter__(self) -> Iterator[Batch]: ...

@final
class Batch:
    """A record batch as it stands on disk."""

    position: int  # in its segment file, bytes
    size: int  # bytes, header included
    base_offset: int
    last_offset: int
    count: int
    magic: int
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"]
    timestamp_type: Literal["create", "log_append"]
    max_timestamp: int
    leader_epoch: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    is_transactional: bool
    is_control: bool
    crc_valid: bool
    segment: str
    def messages(self) -> list[Message]: ...

def parse_properties(text: str) -> dict[str, str]:
    """Parse a properties file; ``ValueError`` names the line that is not ``key=value``."""

def murmur2_partition(key: bytes, partitions: int) -> int:
    """The partition that Kafka's Java client chooses for a key."""

def settings(kind: Literal["broker", "topic", "producer", "consumer"]) -> list[dict[str, Any]]:
    """The table of settings: name, type, default, range, doc, dynamic."""

def next_log_records(timeout: float) -> list[tuple[int, str, str]]:
    """Wait for records of the core's log: pairs of level (as in ``logging``), logger name and sentence."""

def set_log_level(level: int) -> None:
    """Keep log records of this level of ``logging`` and above; 20 (``INFO``) at first."""
