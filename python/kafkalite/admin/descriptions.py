"""What an :class:`~kafkalite.Admin` tells about a cluster: frozen dataclasses, tables in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any, TypeVar

from kafkalite import _html
from kafkalite.topic_partition import TopicPartition

__all__ = [
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
    "TopicDescription",
]

T = TypeVar("T")


class Listing(list[T]):
    """A list of descriptions; in a notebook it is a table."""

    def _repr_html_(self) -> str:
        if not self:
            return "<i>nothing</i>"
        first: Any = self[0]
        headings = [field.name for field in fields(first)]
        return _html.table("", headings, (_cells(headings, row) for row in self))


def _cells(names: Sequence[str], row: object) -> list[object]:
    values = (getattr(row, name) for name in names)
    return [len(value) if isinstance(value, tuple) else value for value in values]  # a list in a cell: how long it is


@dataclass(frozen=True, slots=True)
class BrokerDescription:
    """A broker as its cluster advertises it."""

    id: int
    """Its number."""
    host: str
    port: int
    rack: str | None
    """Where it stands, if it says so."""

    def __str__(self) -> str:
        return f"{self.host}:{self.port} (id {self.id})"


@dataclass(frozen=True, slots=True)
class ClusterDescription:
    """A cluster and its brokers."""

    cluster_id: str
    controller: int | None
    """The broker that administers the others, if it is known."""
    brokers: tuple[BrokerDescription, ...]

    def _repr_html_(self) -> str:
        rows = (astuple(broker) for broker in self.brokers)
        return _html.table(f"Cluster {self.cluster_id}", ("id", "host", "port", "rack"), rows)


@dataclass(frozen=True, slots=True)
class PartitionDescription:
    """One partition of a topic."""

    partition: int
    leader: int | None
    """The broker that leads it; ``None`` while none does."""
    replicas: tuple[int, ...]
    """The brokers that hold it."""
    in_sync: tuple[int, ...]
    """Those of them that are up to date."""


@dataclass(frozen=True, slots=True)
class TopicDescription:
    """A topic and its partitions."""

    name: str
    id: str
    """Its id as Kafka's tools print it."""
    internal: bool
    """Whether it is the cluster's own."""
    partitions: tuple[PartitionDescription, ...]

    def _repr_html_(self) -> str:
        rows = ((p.partition, p.leader, _joined(p.replicas), _joined(p.in_sync)) for p in self.partitions)
        return _html.table(f"Topic {self.name}", ("partition", "leader", "replicas", "in sync"), rows)


def _joined(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


@dataclass(frozen=True, slots=True)
class ConfigEntry:
    """A setting as a broker describes it."""

    name: str
    value: str | None
    """The value in force; ``None`` if it has none or is secret."""
    source: str
    """Where it was set: ``topic``, ``group``, ``broker``, ``cluster``, ``start`` (when the broker was), ``default``."""
    read_only: bool
    """Whether it cannot be changed while the broker runs."""
    sensitive: bool
    """Whether its value is secret."""
    documentation: str | None
    """What it does, if the broker says so."""

    @property
    def is_default(self) -> bool:
        """Whether nobody set it."""
        return self.source == "default"


class Config(dict[str, ConfigEntry]):
    """Settings by their name; in a notebook they are a table."""

    def _repr_html_(self) -> str:
        rows = ((e.name, e.value, e.source, e.documentation) for e in self.values())
        return _html.table("", ("name", "value", "source", "what it does"), rows)


@dataclass(frozen=True, slots=True)
class OffsetAtTime:
    """An offset of a partition."""

    topic: str
    partition: int
    offset: int | None
    """``None`` if every message is older than the time that was asked for."""
    timestamp: int | None
    """When the message there is of, in milliseconds since 1970-01-01 UTC, where a time was asked for."""


@dataclass(frozen=True, slots=True)
class OffsetChange:
    """What a plan does to one partition: to where a group goes on, or to where its records begin."""

    topic: str
    partition: int
    before: int | None
    """The offset until now; ``None`` if there is none."""
    after: int
    """The offset afterwards."""
    note: str = ""
    """Why it is another one than was asked for, if it is."""


@dataclass(frozen=True, slots=True)
class GroupListing:
    """A group, as the list of groups has it."""

    group: str
    type: str
    """``classic``, ``consumer`` (KIP-848) or another word of Kafka's; empty where the broker is too old to say."""
    state: str
    """``Stable``, ``Empty``, ``PreparingRebalance`` ..."""
    protocol_type: str
    """``consumer`` for consumers; empty where only offsets are kept."""


@dataclass(frozen=True, slots=True)
class GroupMember:
    """A member of a group."""

    member_id: str
    instance_id: str | None
    """The name of a static member (KIP-345)."""
    client_id: str
    host: str
    """Where it connects from."""
    assignment: tuple[TopicPartition, ...] | None
    """The partitions that it reads, sorted; ``None`` if that cannot be read."""

    def __str__(self) -> str:
        name = "" if self.instance_id is None else f", group_instance_id {self.instance_id!r}"
        return f"{self.client_id} at {self.host.removeprefix('/')}{name}"


@dataclass(frozen=True, slots=True)
class GroupPartition:
    """A partition that a group reads, or has read."""

    topic: str
    partition: int
    committed: int | None
    """The offset of the next message to read; ``None`` if nothing is committed."""
    end: int | None
    """The offset that the next message will get; ``None`` if the partition is no more."""
    member_id: str | None
    """Who reads it now."""
    client_id: str | None
    host: str | None

    @property
    def lag(self) -> int | None:
        """How many offsets are still to be read; ``None`` if nothing is committed or the partition is no more."""
        if self.committed is None or self.end is None:
            return None
        return max(self.end - self.committed, 0)


@dataclass(frozen=True, slots=True)
class GroupDescription:
    """A group, its members, and how far it has read."""

    group: str
    type: str
    """``classic`` or ``consumer`` (KIP-848)."""
    state: str
    """``Stable``, ``Empty``, ``PreparingRebalance`` ..."""
    protocol_type: str
    """``consumer`` for consumers; empty where only offsets are kept."""
    assignor: str
    """How partitions are divided: ``range``, ``cooperative-sticky``, ``uniform`` ...; empty without members."""
    coordinator: BrokerDescription
    """The broker that keeps the group."""
    members: tuple[GroupMember, ...]
    partitions: tuple[GroupPartition, ...]
    """What is committed or assigned, by topic and partition."""

    @property
    def lag(self) -> int | None:
        """How many offsets are still to be read, over all partitions; ``None`` if that is not known.

        It is not before the group has a partition, nor while nothing is committed of one that has had messages: where
        the group begins there is up to its members (``auto_offset_reset``), and perhaps it is stuck. Nor is it when a
        topic or partition that the group reads, or has committed something of, is no more.
        """
        # Of a partition that never had a message nothing is left, whatever is committed.
        behind = [0 if each.end == 0 else each.lag for each in self.partitions]
        known = [lag for lag in behind if lag is not None]
        return sum(known) if self.partitions and len(known) == len(behind) else None

    def _repr_html_(self) -> str:
        headings = ("topic", "partition", "committed", "end", "lag", "client", "host")
        rows = ((p.topic, p.partition, p.committed, p.end, p.lag, p.client_id, p.host) for p in self.partitions)
        members = f"{len(self.members)} member{'' if len(self.members) == 1 else 's'}"
        lag = "unknown" if self.lag is None else f"{self.lag:,}"
        state = f"{self.state}, {members}, lag {lag}, coordinator {self.coordinator}"
        return _html.table(f"Group {self.group}: {state}", headings, rows)
