"""Reading messages as streams, alone or in a group (the paper, Sections 3 and 3.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from operator import index
from typing import TYPE_CHECKING, Literal, Self

from kafkalite import _consumer_table, _group, _logging, _native, _times
from kafkalite._bootstrap import Bootstrap, addresses
from kafkalite._group import CommitCallback, RebalanceCallback
from kafkalite._settings import check_keywords
from kafkalite.errors import ClosedError, CommitFailedError, InvalidSettingError
from kafkalite.topic_partition import TopicPartition

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from types import TracebackType

    from kafkalite._native import Message, MessageStream, Reader

__all__ = ["CommitCallback", "Consumer", "RebalanceCallback"]


class Consumer:
    """Reads topics of any Kafka cluster, kafkalite's or another, as message streams.

    **Without** ``group_id`` a consumer reads every partition of the topics that it asks for, from where
    ``auto_offset_reset`` says, and keeps its positions itself.

    **In a group** the partitions are divided among all its consumers, wherever they run, and divided anew when one
    comes, goes or dies: the group as a whole gets one copy of each topic (point to point), and every group gets its
    own (publish/subscribe). How far the group has read is committed to the cluster, so that whoever owns a
    partition next goes on from there. Either take streams (:meth:`create_message_streams`), each of which counts as
    one consumer; or :meth:`subscribe`, and iterate the consumer itself.

    **What counts as consumed.** A message does when the *next* one is asked for: an exception in the loop's body,
    or the death of the process, loses nothing, and what was in hand comes again. :meth:`commit` and :meth:`close`,
    called by the thread that reads, say that what it has in hand is done, too; ``close()`` does not say so while an
    exception is being handled, and neither does a ``with`` that is left by one.

    Args:
        bootstrap_servers: a :class:`Broker`, ``"host:port"``, or several of them.
        group_id: the group to read in; ``None`` reads alone.
        auto_offset_reset: where to start what the group has committed nothing of, and where to go on when an offset
            has been deleted: ``"earliest"``, ``"latest"``, or ``"none"`` to raise an error instead.
        enable_auto_commit: whether what is consumed is committed now and then; if not, only by :meth:`commit`.
        auto_commit_interval_ms: milliseconds between those commits, by default 5,000.
        session_timeout_ms: after how long a silence the group gives a member up, by default 45,000. Heartbeats
            are sent by the core's own threads: a busy interpreter does not silence them.
        group_instance_id: makes the consumer a static member (KIP-345): if it comes back under the same name
            before its session ends it gets its partitions back, and nothing is divided anew. Of several streams
            the second is called ``NAME-2``, and so on.
        partition_assignment_strategy: how the group may divide partitions, best first: ``"range"``,
            ``"roundrobin"``, ``"cooperative-sticky"``. All members need one in common; the default is Java's:
            ``range``, then ``cooperative-sticky``.
        settings: further settings under Kafka's names in snake_case, for example ``max_poll_interval_ms=600_000``;
            ``kafkalite config list consumer`` prints them all.

    Raises:
        InvalidSettingError: a setting is unknown or out of range.
    """

    def __init__(
        self,
        bootstrap_servers: Bootstrap,
        *,
        group_id: str | None = None,
        auto_offset_reset: Literal["earliest", "latest", "none"] = "earliest",
        enable_auto_commit: bool = True,
        auto_commit_interval_ms: int | None = None,
        session_timeout_ms: int | None = None,
        group_instance_id: str | None = None,
        partition_assignment_strategy: str | Sequence[str] | None = None,
        **settings: object,
    ) -> None:
        """Take the settings; the first stream or subscription opens the connections."""
        check_keywords("consumer", settings)
        for name, value in (("group_id", group_id), ("group_instance_id", group_instance_id)):
            if value is not None and not isinstance(value, str):
                message = f"{name} must be str, not {type(value).__name__}"
                raise TypeError(message)
        if group_id == "":
            message = "group_id cannot be ''; expected a name, or None to read without a group"
            raise InvalidSettingError(message)
        if group_id is None and group_instance_id is not None:
            message = "group_instance_id names a member of a group: give group_id= as well"
            raise InvalidSettingError(message)
        _logging.forward()
        self._native = _native.Consumer(
            {
                **settings,
                "group_id": group_id,
                "auto_commit_interval_ms": auto_commit_interval_ms,
                "session_timeout_ms": session_timeout_ms,
                "group_instance_id": group_instance_id,
                "partition_assignment_strategy": partition_assignment_strategy,
                "enable_auto_commit": enable_auto_commit,
                "bootstrap_servers": addresses(bootstrap_servers),
                "auto_offset_reset": auto_offset_reset,
            }
        )
        self._group_id = group_id
        self._reader: Reader | None = None  # what `subscribe` made
        self._is_subscribed = False
        self._is_closed = False
        if group_id is not None:
            _group.leave_at_exit()

    def create_message_streams(self, topic: str, n: int = 1, *, timeout: float | None = 30.0) -> list[MessageStream]:
        """Return n streams among which the topic's partitions are divided evenly.

        Each stream is an iterator that never ends: with nothing new to read it blocks until more is published, or
        until :meth:`close`. Read each stream by one thread; different streams by different threads, if you like.

        In a group the partitions are divided over all streams of all consumers of the group: one consumer with n
        streams counts as n. A stream's ``assignment`` is then what it has at the moment, none at first.
        A stream that is forgotten leaves the group.

        Args:
            topic: the topic to read.
            n: how many streams; those beyond the number of partitions stay empty.
            timeout: seconds to wait for the cluster to answer what partitions there are.

        Raises:
            UnknownTopicError: there is no such topic, and the cluster does not create it.
            InvalidTopicError: no topic can have this name.
            KafkaConnectionError: no broker could be reached.
            GroupError: the consumer is subscribed.
        """
        try:
            n = index(n)
        except TypeError:
            message = f"n, how many streams, must be int, not {type(n).__name__}"
            raise TypeError(message) from None
        if n < 1:
            message = f"create_message_streams needs at least one stream, not {n}"
            raise ValueError(message)
        self._check_open()
        if self._reader is not None:
            message = "this consumer is subscribed, and its messages come from iterating it: use another for streams"
            raise _group.misused(message)
        partitions = self._native.partitions(topic, timeout)
        if self._group_id is None:
            return [self._native.stream(topic, share) for share in divide(partitions, n)]
        return [self._native.member_stream(topic) for _ in range(n)]

    def subscribe(
        self,
        *topics: str | Iterable[str],
        pattern: str | re.Pattern[str] | None = None,
        on_assigned: RebalanceCallback | None = None,
        on_revoked: RebalanceCallback | None = None,
        on_lost: RebalanceCallback | None = None,
    ) -> None:
        r"""Join the group to read these topics, or those whose whole name a pattern matches, in place of others.

        Then iterate the consumer, or :meth:`poll` it. Topics that do not exist yet are read as soon as they do; where
        the cluster creates topics by itself, subscribing to one does (not with ``allow_auto_create_topics=False``).

        The callbacks get a list of partitions and are called in the thread that reads, while it asks for a message, or
        by :meth:`close`. The group waits for them. What they raise is raised where the message was asked for.

        >>> consumer.subscribe("orders", "payments")                    # doctest: +SKIP
        >>> consumer.subscribe(pattern=r"clicks-\d+", on_revoked=save)  # doctest: +SKIP

        Args:
            topics: names, or lists of them.
            pattern: a regular expression for the whole name of a topic, instead of names; in Rust's syntax, which has
                no look-around and no back-references. A topic that comes later is read after ``metadata_max_age_ms`` at
                the latest: 300,000 (5 minutes), unless the consumer is made with less.
            on_assigned: partitions came; their positions can be sought here.
            on_revoked: partitions are about to go; what has been read of them can still be committed here.
            on_lost: partitions are gone already, because the group gave this member up: nothing can be committed.
                Without it, ``on_revoked`` is called then as well.

        Raises:
            InvalidTopicError: no topic can have this name.
            GroupError: the consumer has no ``group_id``, or it hands out streams.
        """
        self._check_open()
        if self._group_id is None:
            message = "subscribe() needs a group: Consumer(..., group_id='...'); alone, use create_message_streams()"
            raise _group.misused(message)
        if self._reader is None and self._native.readers():
            message = "this consumer hands out message streams: use another to subscribe"
            raise _group.misused(message)
        names = _group.names(topics)
        if bool(names) == (pattern is not None):
            message = "subscribe() takes the names of topics, or pattern=, and not both"
            raise ValueError(message)
        listener = _group.listener(on_assigned, on_revoked, on_lost)
        if self._reader is None:
            self._reader = self._native.member()
        self._reader.subscribe(names, _group.expression(pattern), listener)
        self._is_subscribed = True

    def unsubscribe(self) -> None:
        """Commit what is consumed and leave the group, without waiting for it; :meth:`subscribe` joins it again."""
        if self._reader is not None:
            self._is_subscribed = False
            self._reader.unsubscribe()

    def __iter__(self) -> Iterator[Message]:
        """Iterate over the messages of the subscribed topics; never ends until :meth:`close`."""
        return self._subscribed()

    def __next__(self) -> Message:
        """Return the next message, however long it takes to come."""
        return next(self._subscribed())

    def poll(self, timeout: float | None = None) -> Message | None:
        """Return the next message, or ``None`` when the time is up.

        Args:
            timeout: seconds; 0 does not wait, ``None`` waits as long as it takes.
        """
        batch = self._subscribed().poll_batch(1, timeout)
        return batch[0] if batch else None

    def poll_batch(self, max_messages: int = 1000, *, timeout: float | None = None) -> list[Message]:
        """Wait for messages, then return what is there without waiting for more; empty when the time is up.

        All of them count as consumed when the next ones are asked for.

        Args:
            max_messages: how many at the most, at least 1.
            timeout: seconds to wait for the first; ``None`` waits as long as it takes.

        Raises:
            ClosedError: the consumer is closed.
            OffsetOutOfRangeError: the position is outside the log, and ``auto_offset_reset`` is ``"none"``.
            CorruptMessageError: what was fetched cannot be read.
            GroupError: the consumer is not subscribed, or the group refused it for good.
        """
        return self._subscribed().poll_batch(max_messages, timeout)

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
            CommitFailedError: a partition is not assigned to this consumer (any more).
            ValueError: an offset is negative.
            KafkaTimeoutError: no coordinator answered in time.
            GroupError: the consumer has no group.
            ClosedError: the consumer is closed.
        """
        told = _group.commit_callback(then, wait)
        for reader, offsets in self._shares(what):
            if wait:
                reader.commit(offsets, timeout)
            else:
                reader.commit_soon(offsets, told)

    def committed(
        self, partitions: Iterable[TopicPartition] | None = None, *, timeout: float | None = 30.0
    ) -> dict[TopicPartition, int | None]:
        """Ask the coordinator what the group has committed: the offset to go on from, or ``None`` for nothing yet.

        Args:
            partitions: which ones, also such as others own; ``None``: those assigned to this consumer.
            timeout: seconds; ``None`` waits as long as it takes.
        """
        self._check_group("committed()")
        asked = [*(self.assignment if partitions is None else partitions)]
        found = self._native.committed(asked, timeout)
        return {TopicPartition(*one): found.get(one) for one in asked}

    @property
    def assignment(self) -> list[TopicPartition]:
        """The partitions that this consumer, with all its streams, reads at the moment, sorted."""
        return sorted(TopicPartition(*one) for reader in self._native.readers() for one in reader.assignment())

    @property
    def subscription(self) -> list[str]:
        """The names of the subscribed topics, or the pattern, sorted; empty when not subscribed."""
        return [] if self._reader is None else sorted(self._reader.subscription())

    @property
    def paused(self) -> list[TopicPartition]:
        """The partitions that :meth:`pause` stopped, sorted."""
        return sorted(TopicPartition(*one) for reader in self._native.readers() for one in reader.paused())

    def position(self, partition: TopicPartition) -> int | None:
        """Return the offset of the next message of a partition; ``None`` while it is being asked for.

        Raises:
            ValueError: the partition is not assigned to this consumer.
        """
        return self._owner(partition).positions().get(partition)

    @property
    def positions(self) -> dict[TopicPartition, int]:
        """The :meth:`position` of every assigned partition where it is known."""
        readers = self._native.readers()
        return {TopicPartition(*one): at for reader in readers for one, at in reader.positions().items()}

    @property
    def lag(self) -> dict[TopicPartition, int]:
        """For each partition how many offsets it holds behind :meth:`position`, as of the last fetch.

        One is left out while that is not known: before its first fetch, and when it, or its topic, is no more.
        """
        readers = self._native.readers()
        return {TopicPartition(*one): behind for reader in readers for one, behind in reader.lag().items()}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Go on from this offset (the paper, Section 3.1: a consumer can go back).

        Raises:
            ValueError: the partition is not assigned to this consumer, or the offset is negative.
        """
        self._owner(partition).seek(*partition, offset)

    def seek_to_time(self, time: int | datetime | timedelta, *partitions: TopicPartition) -> None:
        """Go on from the first message of this time or later; where all are older, at the end.

        Args:
            time: milliseconds since 1970-01-01 UTC, as in :attr:`Message.timestamp`; a ``datetime`` (without a zone it
                is local); or a ``timedelta``, which is so long ago.
            partitions: which ones; none: all that are assigned.
        """
        at = _times.of_seek(time)
        for one in self._named(partitions):
            self._owner(one).seek_to_time(*one, at)

    def seek_to_beginning(self, *partitions: TopicPartition) -> None:
        """Go on from the oldest message of these partitions, or of all that are assigned."""
        for one in self._named(partitions):
            self._owner(one).seek_to_beginning(*one)

    def seek_to_end(self, *partitions: TopicPartition) -> None:
        """Go on with what comes from now on in these partitions, or in all that are assigned."""
        for one in self._named(partitions):
            self._owner(one).seek_to_end(*one)

    def pause(self, *partitions: TopicPartition) -> None:
        """Hand out nothing more of these partitions, or of all that are assigned, but stay in the group.

        Go on to ask for messages meanwhile: who asks for nothing for longer than ``max_poll_interval_ms`` loses
        its partitions. A partition that is assigned anew is not paused.
        """
        for one in self._named(partitions):
            self._owner(one).set_paused(*one, paused=True)

    def resume(self, *partitions: TopicPartition) -> None:
        """Go on with these partitions, or with all that were paused, exactly where they stopped."""
        self._check_open()
        for one in partitions or self.paused:
            self._owner(one).set_paused(*one, paused=False)

    @property
    def closed(self) -> bool:
        """Whether the consumer has been closed."""
        return self._is_closed

    def close(self, timeout: float | None = None) -> None:
        """End every stream, commit what is consumed, leave the group, and close the connections.

        The others of the group take over at once. A static member (``group_instance_id``) keeps its place until its
        session ends. What this thread has in hand is consumed, unless an exception is being handled. With
        ``enable_auto_commit=False`` nothing is committed. What ``on_revoked`` raises is raised when all is closed. A
        second call does nothing.

        Args:
            timeout: seconds that the last commit and the leaving may take; ``None``: ten. After that the group finds
                out by itself.
        """
        try:
            if self._reader is not None:
                self._reader.part()
        finally:
            self._is_closed = True
            self._native.close(timeout)

    def __enter__(self) -> Self:
        """Return the consumer."""
        self._check_open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it; what was in hand when an exception was raised is not consumed."""
        self.close()

    def __reduce__(self) -> str | tuple[object, ...]:
        """Refuse: connections stay in their process."""
        message = "a Consumer cannot be pickled: make one in the other process, with the same bootstrap_servers"
        raise TypeError(message)

    def __repr__(self) -> str:
        """Return the group and what is assigned."""
        return "Consumer(closed)" if self.closed else _consumer_table.line(self._group_id, self._native.readers())

    def _repr_html_(self) -> str:
        """Show members, partitions, positions and lag as a table in a notebook."""
        return _consumer_table.table(self._group_id, self._native.readers())

    def _check_open(self) -> None:
        if self._is_closed:
            message = "the consumer is closed; make a new one"
            raise ClosedError(message)

    def _check_group(self, what: str) -> None:
        self._check_open()
        if self._group_id is None:
            message = f"{what} needs a group: Consumer(..., group_id='...'); alone, nothing is committed"
            raise _group.misused(message)

    def _subscribed(self) -> Reader:
        if self._reader is None or not self._is_subscribed:
            self._check_open()
            message = "this consumer is not subscribed: subscribe() first, or read the streams that it handed out"
            raise _group.misused(message)
        return self._reader

    def _named(self, partitions: tuple[TopicPartition, ...]) -> Iterable[TopicPartition]:
        """Return these partitions, or all that are assigned."""
        self._check_open()
        return partitions or self.assignment

    def _owner(self, partition: TopicPartition) -> Reader:
        self._check_open()
        wanted = _group.place(partition, "a Consumer")
        for reader in self._native.readers():
            if reader.is_assigned(*wanted):
                return reader
        message = (
            f"{'-'.join(map(str, partition))} is not assigned to this consumer; assigned: {_listed(self.assignment)}"
        )
        raise ValueError(message)

    def _shares(
        self, what: Message | Mapping[TopicPartition, int] | None
    ) -> list[tuple[Reader, dict[tuple[str, int], int] | None]]:
        """Return what each reader has to commit; ``None`` is all that it consumed."""
        self._check_group("commit()")
        readers = self._native.readers()
        if what is None:
            return [(reader, None) for reader in readers]
        owners = {one: reader for reader in readers for one in reader.assignment()}
        shares: dict[int, dict[tuple[str, int], int]] = {}
        for one, offset in _group.offsets(what).items():
            # In the middle of a rebalance nobody owns anything: a single member waits for what comes of it.
            owner = owners.get(one, readers[0] if len(readers) == 1 else None)
            if owner is None:
                message = (
                    f"{one[0]}-{one[1]} is not assigned to this consumer, so offset {offset} was not committed: "
                    "another member of the group may own it by now, and reads again what was not committed"
                )
                raise CommitFailedError(message)
            shares.setdefault(readers.index(owner), {})[one] = offset
        return [(readers[at], share) for at, share in shares.items()]


def divide(partitions: list[int], n: int) -> list[list[int]]:
    """Divide sorted partitions into n runs; the first runs take the remainder (the paper, Algorithm 1)."""
    share, rest = divmod(len(partitions), n)
    starts = [j * share + min(j, rest) for j in range(n + 1)]
    return [partitions[a:b] for a, b in pairwise(starts)]


def _listed(partitions: list[TopicPartition]) -> str:
    return ", ".join(map(str, partitions)) or "nothing"
