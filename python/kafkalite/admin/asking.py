"""What the core answers, as descriptions; and where it finds nothing, what may have been meant."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from typing import TYPE_CHECKING

from kafkalite import _native
from kafkalite.admin.descriptions import (
    Config,
    ConfigEntry,
    GroupMember,
    GroupPartition,
    PartitionDescription,
    TopicDescription,
)
from kafkalite.errors import (
    GroupError,
    InvalidGroupError,
    InvalidSettingError,
    InvalidTopicError,
    KafkaError,
    UnknownGroupError,
    UnknownTopicError,
)
from kafkalite.topic_partition import TopicPartition

if TYPE_CHECKING:
    from kafkalite.admin.reset import Place
    from kafkalite.admin.rows import GroupRow, MemberRow, Resource, TopicRow

# By Kafka's numbers (`ConfigSource`).
_SOURCES = {1: "topic", 2: "broker", 3: "cluster", 4: "start", 5: "default", 8: "group"}
# Groups that a broker lists, and describes by other APIs (KIP-932, KIP-1071).
_FOREIGN_TYPES = frozenset({"share", "streams"})
_LONG = 100
_POLICY = "cleanup.policy"
_POLICY_VIOLATION = 44


def existing_topic(native: _native.Admin, name: str) -> TopicRow:
    """Return a topic, or raise the error that names the nearest one."""
    try:
        return native.describe_topic(name)
    except UnknownTopicError as error:
        topics = {row[0]: row for row in native.topics()}
        if name in topics:
            return topics[name]  # it came just now
        message = f"there is no topic {shown(name)}{_or_nearest(name, topics)}"
        raise UnknownTopicError(message) from error
    except InvalidTopicError as error:
        message = f"no topic can be called {shown(name)}: its name has 1 to 249 of a-z, A-Z, 0-9, '.', '_' and '-'"
        raise InvalidTopicError(message) from error


def existing_group(native: _native.Admin, group: str) -> GroupRow:
    """Return a group, or raise the error that names the nearest one, or says that it is of another type."""
    check_group(group)
    try:
        return native.describe_group(group)
    except UnknownGroupError as error:
        types = {row[0]: row[1] for row in native.groups([], [])}
        if types.get(group) in _FOREIGN_TYPES:
            message = f"group {shown(group)} is of type {types[group]}, which only Kafka's own tools administer yet"
            raise GroupError(message) from error
        if group in types:
            return native.describe_group(group)  # it came just now
        message = f"there is no group {shown(group)}{_or_nearest(group, types)}"
        raise UnknownGroupError(message) from error


def check_group(group: str) -> None:
    """Refuse what no group is called: brokers say so in other words, or not at all."""
    if not group:
        message = "a group needs a name that is not empty"
        raise InvalidGroupError(message)


def resource(native: _native.Admin, topic: str | None, broker: int | None, group: str | None) -> tuple[Resource, str]:
    """Return whose settings are meant; exactly one may be named, and a topic has to exist."""
    if (topic is not None) + (broker is not None) + (group is not None) != 1:
        message = "name one of topic=, broker= and group=: whose settings are meant?"
        raise TypeError(message)
    if topic is not None:
        existing_topic(native, topic)
        return "topic", topic
    if group is not None:
        check_group(group)
        return "group", group
    brokers = native.describe_cluster()[2]
    if broker not in {each[0] for each in brokers}:
        known = ", ".join(f"{each[0]} ({each[1]}:{each[2]})" for each in brokers)
        message = f"there is no broker {broker!r}; the cluster has {known}"
        raise KafkaError(message)
    return "broker", str(broker)


def config(native: _native.Admin, kind: Resource, name: str) -> Config:
    """Return all settings of a resource."""
    entries = (
        ConfigEntry(key, value, _SOURCES.get(source, "unknown"), read_only, sensitive, documentation)
        for key, value, source, read_only, sensitive, documentation in native.describe_configs(kind, name)
    )
    return Config((entry.name, entry) for entry in entries)


def check_deletable(native: _native.Admin, topics: Iterable[str]) -> None:
    """Refuse topics whose messages go by compaction alone; brokers do too, in a word, and not for a dry run."""
    for name in topics:
        policy = next((row[1] or "" for row in native.describe_configs("topic", name) if row[0] == _POLICY), "delete")
        if policy == "compact":
            message = (
                f"no messages of {shown(name)} can be deleted while its {_POLICY} is {policy!r}; add delete to it first"
            )
            raise KafkaError(message, code=_POLICY_VIOLATION)


def check_names(native: _native.Admin, kind: Resource, name: str, keys: Sequence[str]) -> None:
    """Refuse names that the resource does not have, or that cannot change; Apache Kafka takes any name for a broker."""
    known = {row[0]: row[3] for row in native.describe_configs(kind, name)}
    if kind == "topic":
        known.setdefault("internal.segment.bytes", False)  # brokers describe it only where it is set
    for key in keys:
        if key not in known:
            message = f"{kind} {shown(name)} has no setting {shown(key)}{_or_meant(kind, key, known)}"
            raise InvalidSettingError(message)
        if known[key]:
            message = f"{key} cannot change while the {kind} runs: set it in its properties file, and start it again"
            raise InvalidSettingError(message)


def _or_meant(kind: Resource, name: str, known: Container[str]) -> str:
    meant = _native.nearest_setting(kind, name)
    return f"; did you mean {meant}?" if meant in known else ""


def _or_nearest(name: str, names: Iterable[str]) -> str:
    from difflib import get_close_matches

    nearest = get_close_matches(name[:_LONG], list(names), n=1)
    return f"; did you mean {nearest[0]}?" if nearest else ""


def shown(name: str) -> str:
    """Return a name as a message quotes it: of one without measure only the beginning."""
    return repr(name) if len(name) <= _LONG else f"{name[:_LONG]!r}... ({len(name):,} characters)"


def topic(row: TopicRow) -> TopicDescription:
    """Return the description of a topic."""
    name, topic_id, internal, partitions = row
    described = (
        PartitionDescription(number, leader, tuple(replicas), tuple(in_sync))
        for number, leader, replicas, in_sync in partitions
    )
    return TopicDescription(name, topic_id, internal, tuple(described))


def member(row: MemberRow) -> GroupMember:
    """Return the description of a group's member."""
    member_id, instance_id, client_id, host, assignment = row
    read = None if assignment is None else tuple(sorted(TopicPartition(*place) for place in assignment))
    return GroupMember(member_id, instance_id, client_id, host, read)


def group_partition(place: Place, committed: int | None, end: int | None, reader: GroupMember | None) -> GroupPartition:
    """Return what is known of a partition that a group reads or has read."""
    if reader is None:
        return GroupPartition(*place, committed, end, None, None, None)
    return GroupPartition(*place, committed, end, reader.member_id, reader.client_id, reader.host)
