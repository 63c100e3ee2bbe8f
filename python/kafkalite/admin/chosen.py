"""Which topics and partitions a call is about, and where they begin and end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

from kafkalite import _times
from kafkalite.admin import asking, reset
from kafkalite.errors import UnknownTopicError
from kafkalite.topic_partition import TopicPartition

if TYPE_CHECKING:
    from kafkalite import _native
    from kafkalite.admin.reset import Place, Target

Topics: TypeAlias = str | Sequence[str] | TopicPartition | Sequence[TopicPartition] | Mapping[str, Sequence[int]]
"""A topic, several, or partitions: one, several, or by topic."""

# Kafka's numbers for the two ends of a log.
EARLIEST, LATEST = -2, -1
TIMES = {"earliest": EARLIEST, "latest": LATEST}


def by_topic(topics: Topics) -> str | Sequence[object] | Mapping[str, Sequence[int]]:
    """Return what is meant, and of partitions their numbers by topic."""
    if isinstance(topics, (str, Mapping)):
        return topics
    given = [topics] if isinstance(topics, TopicPartition) else list(topics)
    numbers: dict[str, list[int]] = {}
    for each in given:
        if not isinstance(each, TopicPartition):
            return given
        numbers.setdefault(each.topic, []).append(each.partition)
    return numbers


def names(topics: Iterable[object]) -> list[str]:
    """Return the topics that are meant: one, several, or the keys of a mapping."""
    given = [topics] if isinstance(topics, str) else list(topics)
    found = [name for name in given if isinstance(name, str)]
    if len(found) < len(given):
        message = (
            "expected a topic, several, partitions by topic as in {'clicks': [0, 1]}, or TopicPartitions, "
            f"not {topics!r}"
        )
        raise TypeError(message)
    return found


def named(topics: Mapping[str, Sequence[int]]) -> list[Place]:
    """Return partitions that are given by topic."""
    return sorted({(name, partition) for name, partitions in topics.items() for partition in partitions})


def places(native: _native.Admin, topics: Topics) -> list[Place]:
    """Return the partitions that are meant; each has to exist."""
    chosen = by_topic(topics)
    sizes = {name: len(asking.existing_topic(native, name)[3]) for name in names(chosen)}
    if not isinstance(chosen, Mapping):
        return [(name, partition) for name, size in sorted(sizes.items()) for partition in range(size)]
    for name, partition in (found := named(chosen)):
        if not 0 <= partition < sizes[name]:
            message = f"{name} has no partition {partition}; it has {sizes[name]}, numbered from 0"
            raise UnknownTopicError(message)
    return found


def offsets(native: _native.Admin, places: Sequence[Place], time: int) -> dict[Place, int]:
    """Return the offsets of these partitions at a time, or at an end of the log; nothing of those that have none."""
    found = native.list_offsets([(*place, time) for place in places]) if places else []
    return {(topic, partition): offset for topic, partition, offset, _ in found if offset is not None}


def wanted(native: _native.Admin, places: list[Place], target: Target) -> dict[Place, int | None]:
    """Return the offset that is meant for each partition; none where every message is older than the time."""
    if (offset := reset.offset(target)) is not None:
        return dict.fromkeys(places, offset)
    time = TIMES.get(target) if isinstance(target, str) else _times.millis(target, datetime.now(UTC))
    if time is None:
        message = f'expected "earliest", "latest", an offset, a datetime{_times.OF_TEXT} or a timedelta, not {target!r}'
        raise ValueError(message)
    found = offsets(native, places, time)
    return {place: found.get(place) for place in places}
