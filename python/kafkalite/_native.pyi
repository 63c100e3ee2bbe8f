"""The extension module: what the Rust core offers to the package.  Users import from ``kafkalite``."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Self, TypeAlias, final

from kafkalite._group import CommitCallback
from kafkalite.admin.rows import BrokerRow, GroupRow, Resource, SettingRow, TopicRow
from kafkalite.errors import KafkaError
from kafkalite.topic_partition import TopicPartition

__all__ = [
    "VERSION",
    "Admin",
    "Batch",
    "Broker",
    "Consumer",
    "Delivery",
    "LogReader",
    "Message",
    "MessageStream",
    "Producer",
    "Reader",
    "RecordMetadata",
    "TopicSummary",
    "_rebuild_message",
    "check_topic_name",
    "leave_groups",
    "murmur2_partition",
    "nearest",
    "nearest_setting",
    "next_log_records",
    "parse_properties",
    "set_log_level",
    "settings",
]

_Bytes: TypeAlias = bytes | bytearray | memoryview | str
_Partitioner: TypeAlias = Callable[[bytes | None, int], int]
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
        timestamp: milliseconds since 1970-01-01 UTC, or a ``datetime`` (without a zone it is local); the time of
            sending if not given.
    """

    def __new__(
        cls,
        payload: _Bytes | None,
        *,
        key: _Bytes | None = None,
        headers: _Headers | None = None,
        timestamp: int | datetime | None = None,
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

    def __new__(cls, topic: str, partition: int, offset: int | None, timestamp: int) -> Self: ...
    @property
    def topic(self) -> str:
        """The topic."""
    @property
    def partition(self) -> int:
        """The partition."""
    @property
    def offset(self) -> int | None:
        """Its place in the partition; ``None`` with ``acks=0``, where nobody answers."""
    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
    def __eq__(self, other: object, /) -> bool: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class Delivery:
    """What became of a message, or of a set, that was handed to a producer."""

    def done(self) -> bool:
        """Whether it is settled, one way or the other."""
    def result(self, timeout: float | None = None) -> RecordMetadata:
        """Wait until it is settled, then return where it was written, or raise what went wrong.

        Args:
            timeout: seconds; ``None`` waits as long as it takes.

        Raises:
            KafkaTimeoutError: it is not settled yet, and may still be delivered; or the producer gave it up after its
                ``delivery_timeout_ms``.
            KafkaError: it was not delivered; the class and the message say why.
        """
    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait until it is settled, then return what went wrong, or ``None`` if it was written.

        Args:
            timeout: seconds; ``None`` waits as long as it takes. ``KafkaTimeoutError`` if it is not settled by then.
        """

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
    def create_topic(self, name: str, partitions: int | None, configs: Mapping[str, str]) -> None: ...
    def delete_topic(self, name: str) -> None: ...
    def close(self, timeout: float | None) -> None:
        """Stop gracefully; a second call does nothing."""
    def discard(self, timeout: float | None) -> None:
        """Stop without flushing anything: the directory is deleted next."""

@final
class TopicSummary:
    """A topic, as the broker that holds it sees it."""

    @property
    def name(self) -> str:
        """The topic."""
    @property
    def partition_count(self) -> int:
        """How many partitions it has."""
    @property
    def messages(self) -> int:
        """How many messages it has at the most: end offset less start offset, over all partitions.

        Fewer where :attr:`compacted`, and where Apache Kafka wrote transactions; exactly so many otherwise.
        """
    @property
    def compacted(self) -> bool:
        """Whether it is compacted or has been: offsets of messages that were superseded count in :attr:`messages`."""
    @property
    def bytes(self) -> int:
        """Bytes of all its segments on disk, without their indexes."""
    @property
    def segments(self) -> int:
        """How many segments its partitions have."""
    @property
    def start_offsets(self) -> list[int]:
        """The oldest offset that is kept, by partition."""
    @property
    def end_offsets(self) -> list[int]:
        """The offset that the next message gets, by partition."""

@final
class Producer:
    """The producing side; settings are Kafka's names in snake_case, values as Python has them."""

    def __new__(cls, given: Mapping[str, object]) -> Self: ...
    def send(
        self,
        topic: str,
        value: _Bytes | Message | None,
        key: _Bytes | None,
        headers: _Headers,
        timestamp: int | datetime | None,
        partition: int | None,
        partitioner: _Partitioner | None,
    ) -> Delivery: ...
    def send_set(
        self,
        topic: str,
        messages: Sequence[Message],
        key: _Bytes | None,
        partition: int | None,
        partitioner: _Partitioner | None,
    ) -> Delivery:
        """Publish all messages as one batch in one request (the paper's message set)."""
    def send_many(
        self,
        topic: str,
        values: Sequence[_Bytes | None],
        keys: Sequence[_Bytes | None] | None,
        timestamps: Sequence[int | datetime] | None,
        partition: int | None,
        partitioner: _Partitioner | None,
    ) -> None:
        """Accept many values in one call, without a delivery for each."""
    def flush(self, timeout: float | None) -> None: ...
    def close(self, timeout: float | None) -> None: ...

@final
class Consumer:
    """The reading side: streams over given partitions or, with ``group_id``, over those that the group gives."""

    def __new__(cls, given: Mapping[str, object]) -> Self: ...
    def partitions(self, topic: str, timeout: float | None) -> list[int]:
        """The partitions of a topic, sorted."""
    def stream(self, topic: str, partitions: Sequence[int]) -> MessageStream:
        """A stream over these partitions, without a group."""
    def member_stream(self, topic: str) -> MessageStream:
        """A stream that is a member of the group."""
    def member(self) -> Reader:
        """A member of the group that is subscribed to nothing yet."""
    def readers(self) -> list[Reader]:
        """Every stream and member that somebody still holds, in the order in which they were made."""
    def committed(self, partitions: Sequence[tuple[str, int]], timeout: float | None) -> dict[tuple[str, int], int]:
        """What the group has committed; partitions without are left out."""
    def close(self, timeout: float | None) -> None: ...

@final
class Reader(Iterator[Message]):
    """A member of a group, or a stream of a consumer without; partitions are pairs of topic and number."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Message: ...
    def poll_batch(self, max_messages: int, timeout: float | None) -> list[Message]: ...
    def subscribe(
        self,
        topics: Sequence[str],
        pattern: str | None,
        listener: Callable[[Literal["assigned", "revoked", "lost"], list[tuple[str, int]]], None] | None,
    ) -> None: ...
    def unsubscribe(self) -> None:
        """Leave the group: :meth:`part`, commit what is consumed, give everything up."""
    def part(self) -> None:
        """Settle what the calling thread has in hand, and tell the listener that everything is revoked."""
    def subscription(self) -> list[str]: ...
    def assignment(self) -> list[tuple[str, int]]: ...
    def is_assigned(self, topic: str, partition: int) -> bool: ...
    def member_id(self) -> str | None:
        """The name that the coordinator gave the member; ``None`` before it has joined."""
    def positions(self) -> dict[tuple[str, int], int]: ...
    def lag(self) -> dict[tuple[str, int], int]: ...
    def seek(self, topic: str, partition: int, offset: int) -> None: ...
    def seek_to_time(self, topic: str, partition: int, timestamp: int) -> None: ...
    def seek_to_beginning(self, topic: str, partition: int) -> None: ...
    def seek_to_end(self, topic: str, partition: int) -> None: ...
    def set_paused(self, topic: str, partition: int, paused: bool) -> None: ...
    def paused(self) -> list[tuple[str, int]]: ...
    def commit(self, offsets: Mapping[tuple[str, int], int] | None, timeout: float | None) -> None: ...
    def commit_soon(
        self,
        offsets: Mapping[tuple[str, int], int] | None,
        then: Callable[[dict[tuple[str, int], int], KafkaError | None], object] | None,
    ) -> None: ...

@final
class MessageStream(Iterator[Message]):
    """An iterator over the messages of a topic that never ends until its consumer is closed.

    A message counts as consumed when the next one is asked for.
    """

    def __iter__(self) -> Self: ...
    def __next__(self) -> Message: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_raised: object) -> None: ...
    def poll(self, timeout: float | None = None) -> Message | None:
        """Return the next message, or ``None`` when the time is up.

        Args:
            timeout: seconds; 0 does not wait, ``None`` waits as long as it takes.
        """
    def poll_batch(self, max_messages: int = 1000, *, timeout: float | None = None) -> list[Message]:
        """Wait for messages, then return what is there without waiting for more; empty when the time is up.

        All of them count as consumed when the next ones are asked for.

        Args:
            max_messages: how many at the most, at least 1.
            timeout: seconds to wait for the first; ``None`` waits as long as it takes.

        Raises:
            ClosedError: the stream, or its consumer, is closed.
            OffsetOutOfRangeError: the position is outside the log, and ``auto_offset_reset`` is ``"none"``.
            CorruptMessageError: what was fetched cannot be read.
            GroupError: the group refused this member for good.
        """
    def commit(
        self,
        what: Message | Mapping[TopicPartition, int] | None = None,
        *,
        wait: bool = True,
        then: CommitCallback | None = None,
        timeout: float | None = 30.0,
    ) -> None:
        """Commit how far the group has read, so that whoever owns the partitions next goes on from there.

        Args:
            what: a message: it and all before it in its partition are consumed; offsets to go on from, by
                partition; ``None``: what is consumed, and, in the thread that reads, what it has in hand.
            wait: whether to wait for the coordinator's answer.
            then: called with the offsets and an error or ``None`` by the thread that reads, when it next asks for a
                message or closes; with ``wait=False`` only. Failures that no ``then`` is told of are logged.
            timeout: seconds to wait for the answer; ``None`` waits as long as it takes.

        Raises:
            CommitFailedError: a partition is not assigned to this stream (any more).
            ValueError: an offset is negative.
            KafkaTimeoutError: no coordinator answered in time.
            GroupError: the consumer has no group.
            ClosedError: the stream is closed.
        """
    def seek(self, partition: int | TopicPartition, offset: int) -> None:
        """Go on from this offset (the paper, Section 3.1: a consumer can go back). ``ValueError`` if it is negative."""
    def seek_to_time(self, time: int | datetime | timedelta, *partitions: int | TopicPartition) -> None:
        """Go on from the first message of this time or later; where all are older, at the end.

        Args:
            time: milliseconds since 1970-01-01 UTC, as in :attr:`Message.timestamp`; a ``datetime`` (without a zone it
                is local); or a ``timedelta``, which is so long ago.
            partitions: which ones; none: all that it has.
        """
    def seek_to_beginning(self, *partitions: int | TopicPartition) -> None:
        """Go on from the oldest message of these partitions, or of all that it has."""
    def seek_to_end(self, *partitions: int | TopicPartition) -> None:
        """Go on with what comes from now on in these partitions, or in all that it has."""
    def pause(self, *partitions: int | TopicPartition) -> None:
        """Hand out nothing more of these partitions, or of all that it has. ``ValueError`` for one it has not got."""
    def resume(self, *partitions: int | TopicPartition) -> None:
        """Go on with these partitions, or with all, exactly where they stopped."""
    @property
    def topic(self) -> str:
        """The topic that it reads."""
    @property
    def assignment(self) -> list[TopicPartition]:
        """The partitions that it reads, sorted; in a group those that it has at the moment."""
    @property
    def paused(self) -> list[TopicPartition]:
        """The partitions that :meth:`pause` stopped, sorted."""
    @property
    def positions(self) -> dict[TopicPartition, int]:
        """For each partition the offset of the next message that the stream will hand out, where it is known."""
    @property
    def lag(self) -> dict[TopicPartition, int]:
        """For each partition how many offsets it holds behind its position, as of the last fetch, where it is known."""
    @property
    def closed(self) -> bool:
        """Whether the stream, or its consumer, has been closed."""
    def close(self, timeout: float | None = None) -> None:
        """End the iteration, also where it waits in another thread. A second call does nothing.

        In a group: commit what is consumed and leave. What the thread has in hand that calls this is consumed, too,
        unless it handles an exception.

        Args:
            timeout: seconds that the last commit and the leaving may take; ``None``: ten. After that the group finds
                out by itself.
        """

@final
class Admin:
    """The administering side; rows in the order of the fields that ``kafkalite.admin`` gives names to."""

    def __new__(cls, given: Mapping[str, object]) -> Self: ...
    def describe_cluster(self) -> tuple[str, int | None, list[BrokerRow]]: ...
    def topics(self) -> list[TopicRow]: ...
    def describe_topic(self, name: str) -> TopicRow: ...
    def create_topic(
        self, name: str, partitions: int, replication_factor: int, configs: Mapping[str, str], dry_run: bool
    ) -> None: ...
    def delete_topic(self, name: str) -> None: ...
    def create_partitions(self, topic: str, total: int, dry_run: bool) -> None: ...
    def list_offsets(self, starts: Sequence[tuple[str, int, int]]) -> list[tuple[str, int, int | None, int | None]]:
        """The offset at each time in milliseconds since 1970 (-1 end, -2 beginning), and that message's own time."""
    def delete_records(self, before: Sequence[tuple[str, int, int]]) -> list[tuple[str, int, int]]: ...
    def describe_configs(self, kind: Resource, name: str) -> list[SettingRow]: ...
    def alter_configs(self, kind: Resource, name: str, changes: Sequence[tuple[str, str, str]], dry_run: bool) -> None:
        """Apply triples of a name, how (``set``, ``unset``, ``append``, ``subtract``), and a value."""
    def groups(self, states: Sequence[str], kinds: Sequence[str]) -> list[tuple[str, str, str, str]]: ...
    def describe_group(self, group: str) -> GroupRow: ...
    def committed(self, group: str) -> list[tuple[str, int, int, str]]: ...
    def alter_committed(self, group: str, offsets: Sequence[tuple[str, int, int]]) -> None: ...
    def delete_committed(self, group: str, of: Sequence[tuple[str, int]]) -> None: ...
    def delete_group(self, group: str) -> None: ...
    def close(self) -> None: ...

@final
class LogReader:
    """The record batches of one partition directory or one segment file on disk, read without a broker.

    ``LogDirectoryError`` if it cannot be read, ``CorruptMessageError`` where no batch starts.
    """

    def __new__(cls, path: str) -> Self: ...
    def __iter__(self) -> Iterator[Batch]: ...

@final
class Batch:
    """A record batch as it stands on disk."""

    @property
    def segment(self) -> str:
        """The segment file."""
    @property
    def position(self) -> int:
        """Where it starts in its segment file, in bytes."""
    @property
    def size(self) -> int:
        """Bytes in the file, header included."""
    @property
    def base_offset(self) -> int:
        """The offset of its first record."""
    @property
    def last_offset(self) -> int:
        """The offset of its last record."""
    @property
    def count(self) -> int:
        """How many records it has."""
    @property
    def magic(self) -> int:
        """The format: 2, or 0 and 1 for message sets older than Kafka 0.11."""
    @property
    def compression(self) -> Literal["none", "gzip", "snappy", "lz4", "zstd"]:
        """How its records are compressed."""
    @property
    def timestamp_type(self) -> Literal["create", "log_append"]:
        """Who set the timestamps: the producer, or the broker on append."""
    @property
    def max_timestamp(self) -> int:
        """Milliseconds since 1970-01-01 UTC of the latest record; -1 where there is none."""
    @property
    def leader_epoch(self) -> int:
        """The epoch of the leader that appended it; -1 where there is none (KIP-101)."""
    @property
    def producer_id(self) -> int:
        """The idempotent producer that sent it; -1 where there is none (KIP-98)."""
    @property
    def producer_epoch(self) -> int:
        """That producer's epoch; -1 where there is none."""
    @property
    def base_sequence(self) -> int:
        """The producer's sequence number of the first record; -1 where there is none."""
    @property
    def is_transactional(self) -> bool:
        """Whether it belongs to a transaction (KIP-98)."""
    @property
    def is_control(self) -> bool:
        """Whether it marks the end of a transaction instead of carrying messages."""
    @property
    def crc_valid(self) -> bool:
        """Whether its bytes match its checksum."""
    def messages(self) -> list[Message]:
        """Its records, decompressed. ``CorruptMessageError`` if they cannot be read."""

def parse_properties(text: str) -> dict[str, str]:
    """Parse a properties file; ``ValueError`` names the line that is not ``key=value``."""

def check_topic_name(name: str) -> None:
    """Raise ``InvalidTopicError`` for what cannot be the name of a topic."""

def leave_groups(timeout: float) -> None:
    """Have every member that is still open commit what is consumed and leave its group, in so many seconds."""

def murmur2_partition(key: bytes, partitions: int) -> int:
    """The partition that Kafka's Java client chooses for a key."""

def settings(kind: Literal["broker", "topic", "group", "producer", "consumer", "admin"]) -> list[dict[str, Any]]:
    """The table of settings, with Kafka's names: name, type, default, range, doc, dynamic."""

def nearest_setting(kind: Literal["broker", "topic", "group"], name: str) -> str | None:
    """The setting of this kind that is meant by a name that none has, if one is near."""

def nearest(name: str, names: Sequence[str]) -> str | None:
    """The nearest of these names to one that is none of them, if one is near."""

def _rebuild_message(
    value: bytes | None,
    key: bytes | None,
    headers: Sequence[tuple[str, bytes | None]],
    timestamp: int | None,
    log_append: bool,
    place: tuple[str, int, int] | None,
) -> Message:
    """Make a message again out of its pickle."""

def next_log_records(timeout: float) -> list[tuple[int, str, str]]:
    """Wait for records of the core's log: triples of level (as in ``logging``), logger name and sentence."""

def set_log_level(level: int) -> None:
    """Keep log records of this level of ``logging`` and above; 20 (``INFO``) at first."""
