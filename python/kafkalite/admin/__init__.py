"""Administering a cluster: its topics, settings, records and groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from operator import index
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from kafkalite import _group_words, _logging, _native, _times
from kafkalite._bootstrap import Bootstrap, addresses
from kafkalite._properties import as_property
from kafkalite._settings import check_keywords, millis
from kafkalite.admin import asking, reset
from kafkalite.admin.descriptions import (
    BrokerDescription,
    ClusterDescription,
    Config,
    ConfigEntry,
    GroupDescription,
    GroupListing,
    GroupMember,
    GroupPartition,
    Listing,
    OffsetAtTime,
    OffsetChange,
    PartitionDescription,
    TopicDescription,
)
from kafkalite.admin.reset import Place, Target
from kafkalite.errors import (
    ClosedError,
    GroupError,
    GroupNotEmptyError,
    InvalidSettingError,
    OffsetOutOfRangeError,
    TopicExistsError,
    UnknownGroupError,
    UnknownTopicError,
)
from kafkalite.topic_partition import TopicPartition

if TYPE_CHECKING:
    from types import TracebackType

__all__ = [
    "Admin",
    "BrokerDescription",
    "ClusterDescription",
    "Config",
    "ConfigEntry",
    "GroupDescription",
    "GroupListing",
    "GroupMember",
    "GroupPartition",
    "Listing",
    "OffsetAtTime",
    "OffsetChange",
    "PartitionDescription",
    "Target",
    "TopicDescription",
    "Topics",
]

Topics: TypeAlias = str | Sequence[str] | TopicPartition | Sequence[TopicPartition] | Mapping[str, Sequence[int]]
"""A topic, several, or partitions: one, several, or by topic."""

# Kafka's numbers for the two ends of a log.
_TIMES = {"earliest": -2, "latest": -1}
# What a coordinator answers where members stand in the way: UNKNOWN_MEMBER_ID (only members commit),
# ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS, NON_EMPTY_GROUP, GROUP_SUBSCRIBED_TO_TOPIC, STALE_MEMBER_EPOCH.
_HAS_MEMBERS = frozenset({22, 25, 27, 68, 86, 113})
_NON_EMPTY_GROUP = 68
_GROUP_SUBSCRIBED_TO_TOPIC = 86
# Settings of every other client, and why an Admin does not take them.
_NOT_TAKEN = {
    "default_api_timeout_ms": "an Admin takes this as timeout= (seconds)",
    "allow_auto_create_topics": "an Admin never creates a topic by asking about it; leave it out",
}


class Admin:
    """Administers any Kafka cluster, kafkalite's or another.

    Every call asks the cluster and returns what it says at that moment. Asking about a topic never creates it.

    Args:
        bootstrap_servers: a :class:`Broker`, ``"host:port"``, or several of them.
        timeout: seconds that one call may take, retries included; ``None`` waits as long as it takes.
        settings: further settings under Kafka's names in snake_case; ``kafkalite config list admin`` prints them all.

    Raises:
        InvalidSettingError: a setting is unknown or out of range.
    """

    def __init__(self, bootstrap_servers: Bootstrap, *, timeout: float | None = 30.0, **settings: object) -> None:
        """Take the settings; the first call opens the connections."""
        check_keywords(settings)
        for name, instead in _NOT_TAKEN.items():
            if name in settings:
                message = f"{name}: {instead}"
                raise InvalidSettingError(message)
        _logging.forward()
        given = {"default_api_timeout_ms": millis("timeout", timeout), **settings}
        self._bootstrap = addresses(bootstrap_servers)
        self._is_closed = False
        self._native = _native.Admin({**given, "bootstrap_servers": self._bootstrap})

    # -- the cluster ---------------------------------------------------------------------------------------------

    def describe_cluster(self) -> ClusterDescription:
        """Return the cluster's id, its controller and its brokers."""
        cluster_id, controller, brokers = self._native.describe_cluster()
        return ClusterDescription(cluster_id, controller, tuple(BrokerDescription(*broker) for broker in brokers))

    # -- topics --------------------------------------------------------------------------------------------------

    def list_topics(self, *, internal: bool = False) -> Listing[TopicDescription]:
        """Return every topic by its name; with ``internal`` the cluster's own too (``__consumer_offsets``)."""
        topics = map(asking.topic, self._native.topics())
        return Listing(topic for topic in topics if internal or not topic.internal)

    def describe_topic(self, name: str) -> TopicDescription:
        """Return one topic and its partitions. ``UnknownTopicError`` if there is none of that name."""
        return asking.topic(asking.existing_topic(self._native, name))

    def create_topic(
        self,
        name: str,
        partitions: int | None = None,
        *,
        replication_factor: int | None = None,
        exist_ok: bool = False,
        config: Mapping[str, object] | None = None,
        dry_run: bool = False,
    ) -> None:
        """Create a topic.

        Args:
            name: letters, digits, ``.``, ``_`` and ``-``, 249 at the most.
            partitions: how many logs the topic is spread over; without it as many as the broker's ``num.partitions``.
            replication_factor: how many brokers hold each; without it the broker's ``default.replication.factor``.
            exist_ok: accept a topic of that name that exists already, whatever its partitions.
            config: topic settings under Kafka's names, for example ``{"retention.ms": 60_000}``.
            dry_run: only ask whether the broker would do it.

        Raises:
            TopicExistsError: it exists, and ``exist_ok`` is false.
            InvalidTopicError: the name is not allowed.
            InvalidSettingError: a topic setting, or the number of partitions, is unknown or out of range.
        """
        properties = {key: as_property(value) for key, value in (config or {}).items()}
        copies = -1 if replication_factor is None else replication_factor
        try:
            self._native.create_topic(name, -1 if partitions is None else partitions, copies, properties, dry_run)
        except TopicExistsError as error:
            if exist_ok:
                return
            message = f"there is a topic {asking.shown(name)} already; exist_ok=True (--exist-ok) accepts it"
            raise TopicExistsError(message) from error

    def delete_topic(self, name: str, *, dry_run: bool = False) -> None:
        """Delete a topic and its messages; ``dry_run``: only see whether it is there.

        Raises:
            UnknownTopicError: there is no such topic.
        """
        asking.existing_topic(self._native, name)
        if not dry_run:
            self._native.delete_topic(name)

    def add_partitions(self, name: str, total: int, *, dry_run: bool = False) -> None:
        """Give a topic more partitions: ``total`` afterwards. Keys go to other partitions from then on.

        Args:
            name: the topic.
            total: how many it has afterwards, those that it has now included.
            dry_run: only ask whether the broker would do it.

        Raises:
            UnknownTopicError: there is no such topic.
            InvalidSettingError: it has as many already (``INVALID_PARTITIONS``); partitions never become fewer.
        """
        asking.existing_topic(self._native, name)
        self._native.create_partitions(name, total, dry_run)

    # -- settings ------------------------------------------------------------------------------------------------

    def describe_config(
        self, *, topic: str | None = None, broker: int | None = None, group: str | None = None
    ) -> Config:
        """Return all settings of a topic, a broker or a group, by Kafka's dotted names."""
        kind, name = asking.resource(self._native, topic, broker, group)
        return asking.config(self._native, kind, name)

    def alter_config(
        self,
        changes: Mapping[str, object] | None = None,
        *,
        topic: str | None = None,
        broker: int | None = None,
        group: str | None = None,
        append: Mapping[str, object] | None = None,
        subtract: Mapping[str, object] | None = None,
        dry_run: bool = False,
    ) -> None:
        """Change settings of a topic, a broker or a group; all others stay as they are (KIP-339).

        Args:
            changes: new values by Kafka's dotted names; ``None`` takes a setting back to its default.
            topic: whose settings.
            broker: whose settings.
            group: whose settings.
            append: what to add to settings that are lists, for example ``{"cleanup.policy": "compact"}``.
            subtract: what to take out of them.
            dry_run: only ask whether the broker would do it.

        Raises:
            InvalidSettingError: a setting is unknown, read-only, or does not take that value; nothing was changed.
            UnknownTopicError: there is no such topic.
        """
        kind, name = asking.resource(self._native, topic, broker, group)
        steps = [(key, "unset" if value is None else "set", value) for key, value in (changes or {}).items()]
        steps += [(key, "append", value) for key, value in (append or {}).items()]
        steps += [(key, "subtract", value) for key, value in (subtract or {}).items()]
        asking.check_names(self._native, kind, name, [key for key, _, _ in steps])
        written = [(key, how, "" if value is None else as_property(value)) for key, how, value in steps]
        self._native.alter_configs(kind, name, written, dry_run)

    # -- offsets and records -------------------------------------------------------------------------------------

    def list_offsets(
        self, topics: Topics, at: Literal["earliest", "latest"] | datetime | timedelta = "latest"
    ) -> Listing[OffsetAtTime]:
        """Return the first offset of each partition, the next one, or that of the first message of a time or later.

        A ``datetime`` without a zone is local, a ``timedelta`` is so long ago.
        """
        time = _TIMES.get(at) if isinstance(at, str) else _times.millis(at, datetime.now(UTC))
        if time is None:
            message = f'expected "earliest", "latest", a datetime{_times.OF_TEXT} or a timedelta, not {at!r}'
            raise ValueError(message)
        places = self._places(topics)
        found = self._native.list_offsets([(*place, time) for place in places])
        return Listing(
            OffsetAtTime(topic, partition, offset, stamp if time >= 0 else None)
            for topic, partition, offset, stamp in sorted(found)
        )

    def delete_records(self, topics: Topics, before: Target, *, dry_run: bool = False) -> Listing[OffsetChange]:
        """Delete the oldest messages of partitions for good.

        Args:
            topics: a topic, several, or partitions by topic.
            before: the first offset to keep; or a time, whose first message is kept; ``"latest"`` keeps nothing.
            dry_run: only say what would be done.

        Returns:
            For each partition where its messages began, and where they begin afterwards.

        Raises:
            OffsetOutOfRangeError: a partition has not got so many messages.
            KafkaError: the topic is compacted only (``POLICY_VIOLATION``), whether or not there are so many.
        """
        places = self._places(topics)
        asking.check_deletable(self._native, sorted({topic for topic, _ in places}))
        starts, ends = self._offsets(places, -2), self._offsets(places, -1)
        for topic, partition in places:
            offset, end = reset.offset(before), ends[topic, partition]
            if offset is not None and offset > end:
                message = (
                    f"{topic}-{partition} ends at offset {end}; messages before {offset} are not all there; "
                    '"latest" deletes all that there are'
                )
                raise OffsetOutOfRangeError(message)
        changes = reset.plan(self._wanted(places, before), starts, starts, ends)
        if not dry_run:
            self._native.delete_records([(each.topic, each.partition, each.after) for each in changes])
        return changes

    # -- groups --------------------------------------------------------------------------------------------------

    def list_groups(
        self, *, states: str | Sequence[str] = (), types: str | Sequence[str] = ()
    ) -> Listing[GroupListing]:
        """Return the groups of all brokers; only those of these states and types, where any are named.

        Args:
            states: one or several of Kafka's words, such as ``Stable`` and ``Empty``, in upper or lower case.
            types: ``classic``, ``consumer`` (KIP-848), ``share`` or ``streams``.

        Raises:
            ValueError: Kafka knows no such state or type; the message lists them.
        """
        asked = (
            _group_words.words(states, "state", _group_words.STATES),
            _group_words.words(types, "type", _group_words.TYPES),
        )
        return Listing(GroupListing(*group) for group in self._native.groups(*asked))

    def describe_group(self, group: str) -> GroupDescription:
        """Return a group, its members, and how far it has read. ``UnknownGroupError`` if there is none of that name."""
        name, kind, state, protocol_type, assignor, coordinator, rows = asking.existing_group(self._native, group)
        members = tuple(map(asking.member, rows))
        committed = self._committed(group)
        readers: dict[Place, GroupMember] = {place: member for member in members for place in member.assignment or ()}
        sizes = {topic[0]: len(topic[3]) for topic in self._native.topics()}
        places = sorted({*committed, *readers})
        ends = self._offsets([place for place in places if place[1] < sizes.get(place[0], 0)], -1)
        return GroupDescription(
            name,
            kind,
            state,
            protocol_type,
            assignor,
            BrokerDescription(*coordinator),
            members,
            tuple(
                asking.group_partition(place, committed.get(place), ends.get(place), readers.get(place))
                for place in places
            ),
        )

    def reset_group(
        self,
        group: str,
        topics: Topics | None = None,
        *,
        to: Target | None = None,
        by: int | None = None,
        dry_run: bool = False,
    ) -> Listing[OffsetChange]:
        """Have a group go on somewhere else: commit other offsets for it. It must have no members.

        Args:
            group: the group; one that does not exist comes into being, if topics are named.
            topics: a topic, several, or partitions (:class:`TopicPartition`, several of them, or numbers by topic);
                without it everything that the group has committed.
            to: ``"earliest"``, ``"latest"``, an offset, a ``datetime`` (of the first message to read; without a zone it
                is local), or a ``timedelta`` (so long ago).
            by: instead of ``to``: so many messages forward, or back if negative.
            dry_run: only say what would be done.

        Returns:
            For each partition the offset before and after. One outside the log becomes the nearest end of the log, and
            a note says so.

        Raises:
            GroupNotEmptyError: the group has members; only they may commit.
            UnknownGroupError: there is no such group, and no topic is named.
            UnknownTopicError: there is no such topic.
            ValueError: ``to`` is nothing of the kind, or lies ahead, or is negative.
        """
        if (to is None) == (by is None):
            message = "reset_group needs either to= (earliest, latest, an offset, a time, a duration) or by="
            raise TypeError(message)
        asking.check_group(group)
        committed = self._committed(group)
        if topics is None and not committed:
            asking.existing_group(self._native, group)
        places = sorted(committed) if topics is None else self._places(topics)
        wanted: Mapping[Place, int | None] = (
            self._wanted(places, to) if to is not None else reset.shifted(group, places, committed, index(by or 0))
        )
        changes = reset.plan(wanted, committed, self._offsets(places, -2), self._offsets(places, -1))
        if dry_run:
            self._check_without_members(group)
        else:
            offsets = [(change.topic, change.partition, change.after) for change in changes]
            self._without_members(group, lambda: self._native.alter_committed(group, offsets))
        return changes

    def delete_group(self, group: str, *, dry_run: bool = False) -> None:
        """Delete a group and all that it has committed; ``dry_run``: only see whether that would go.

        Raises:
            GroupNotEmptyError: it has members; the message names them.
            UnknownGroupError: there is no such group.
        """
        asking.existing_group(self._native, group)
        if dry_run:
            self._check_without_members(group)
        else:
            self._without_members(group, lambda: self._native.delete_group(group))

    def delete_group_offsets(self, group: str, topics: Topics, *, dry_run: bool = False) -> None:
        """Have a group forget how far it has read these partitions; ``dry_run``: only see whether that would go.

        Raises:
            GroupNotEmptyError: a member still subscribes to the topic.
            UnknownGroupError: there is no such group.
            GroupError: it has committed nothing of one of these topics or partitions; nothing was changed.
        """
        asking.existing_group(self._native, group)
        chosen = asking.by_topic(topics)
        committed = self._committed(group)  # the topic itself may be gone; what counts is what is committed
        if isinstance(chosen, Mapping):
            places = _named(chosen)
            without = [f"{topic}-{number}" for topic, number in places if (topic, number) not in committed]
        else:
            names = set(asking.names(chosen))
            places = sorted(place for place in committed if place[0] in names)
            without = sorted(names - {topic for topic, _ in places})
        if without:
            message = f"group {asking.shown(group)} has committed nothing of {', '.join(without)}"
            raise GroupError(message)
        if dry_run:
            wanted = {topic for topic, _ in places}
            reading = [each for each in self._members(group) if wanted & {topic for topic, _ in each.assignment or ()}]
            if reading:
                raise _in_the_way(group, reading, _GROUP_SUBSCRIBED_TO_TOPIC)
        else:
            self._without_members(group, lambda: self._native.delete_committed(group, places))

    def _without_members(self, group: str, change: Callable[[], None]) -> None:
        """Do what only goes while a group has no members, or say who they are."""
        try:
            change()
        except GroupError as error:
            if error.code not in _HAS_MEMBERS:
                self._members(group)  # a group of a type that is not known here has a better reason
                raise
            raise _in_the_way(group, self._members(group), error.code) from error

    def _check_without_members(self, group: str) -> None:
        """Say who the members are, if there are any."""
        if members := self._members(group):
            raise _in_the_way(group, members, _NON_EMPTY_GROUP)

    def _members(self, group: str) -> list[GroupMember]:
        try:
            return list(map(asking.member, asking.existing_group(self._native, group)[6]))
        except UnknownGroupError:
            return []  # gone meanwhile

    # -- partitions and offsets ----------------------------------------------------------------------------------

    def _places(self, topics: Topics) -> list[Place]:
        """Return the partitions that are meant; each has to exist."""
        chosen = asking.by_topic(topics)
        names = asking.names(chosen)
        sizes = {name: len(asking.existing_topic(self._native, name)[3]) for name in names}
        if not isinstance(chosen, Mapping):
            return [(name, partition) for name, size in sorted(sizes.items()) for partition in range(size)]
        for name, partition in (places := _named(chosen)):
            if not 0 <= partition < sizes[name]:
                message = f"{name} has no partition {partition}; it has {sizes[name]}, numbered from 0"
                raise UnknownTopicError(message)
        return places

    def _committed(self, group: str) -> dict[Place, int]:
        return {(topic, partition): offset for topic, partition, offset, _ in self._native.committed(group)}

    def _offsets(self, places: Sequence[Place], time: int) -> dict[Place, int]:
        found = self._native.list_offsets([(*place, time) for place in places]) if places else []
        return {(topic, partition): offset for topic, partition, offset, _ in found if offset is not None}

    def _wanted(self, places: list[Place], target: Target) -> dict[Place, int | None]:
        """Return the offset that is meant for each partition; none where every message is older than the time."""
        if (offset := reset.offset(target)) is not None:
            return dict.fromkeys(places, offset)
        time = _TIMES.get(target) if isinstance(target, str) else _times.millis(target, datetime.now(UTC))
        if time is None:
            message = (
                f'expected "earliest", "latest", an offset, a datetime{_times.OF_TEXT} or a timedelta, not {target!r}'
            )
            raise ValueError(message)
        found = self._offsets(places, time)
        return {place: found.get(place) for place in places}

    # -- the end -------------------------------------------------------------------------------------------------

    @property
    def closed(self) -> bool:
        """Whether the client has been closed."""
        return self._is_closed

    def close(self, timeout: float | None = None) -> None:
        """Close the connections. A second call does nothing.

        Args:
            timeout: as in every ``close()``; an Admin has nothing to wait for, and closes at once.
        """
        del timeout
        self._is_closed = True
        self._native.close()

    def __enter__(self) -> Self:
        """Return the client."""
        if self.closed:
            message = "the Admin is closed; make a new one"
            raise ClosedError(message)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def __repr__(self) -> str:
        """Return where the cluster is."""
        return "Admin(closed)" if self.closed else f"Admin({self._bootstrap!r})"

    def __reduce__(self) -> str | tuple[object, ...]:
        """Refuse: connections stay in their process."""
        message = "an Admin cannot be pickled: make one in the other process, with the same bootstrap_servers"
        raise TypeError(message)


def _named(topics: Mapping[str, Sequence[int]]) -> list[Place]:
    return sorted({(name, partition) for name, partitions in topics.items() for partition in partitions})


def _in_the_way(group: str, members: list[GroupMember], code: int | None) -> GroupNotEmptyError:
    who = ", ".join(map(str, members))
    message = f"group {asking.shown(group)} still has members ({who}): stop them first, then try again"
    if any(each.instance_id for each in members):
        message += "; one with a group_instance_id stays a member after it was closed, until its session ends"
    return GroupNotEmptyError(message, code=code)
