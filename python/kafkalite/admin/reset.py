"""Where a group shall go on: decided here, from what is committed and what there is, without asking anybody."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from operator import index
from typing import Literal, TypeAlias

from kafkalite.admin.descriptions import Listing, OffsetChange
from kafkalite.errors import GroupError

__all__ = ["Place", "Target", "offset", "plan", "shifted"]

Place: TypeAlias = tuple[str, int]
"""A topic and a partition."""

Target: TypeAlias = Literal["earliest", "latest"] | int | datetime | timedelta
"""Both ends of the log, an offset, the first message of a time, or the first that is not older than a duration."""


def offset(target: object) -> int | None:
    """Return the offset that is meant, if one is: any whole number, numpy's as well. ``ValueError`` below 0."""
    if isinstance(target, bool):
        return None
    try:
        number = index(target)  # type: ignore[arg-type] # what is none raises
    except TypeError:
        return None
    if number < 0:
        message = f"an offset is at least 0, not {number}; to move a group back there is by={number}"
        raise ValueError(message)
    return number


def shifted(group: str, places: list[Place], committed: Mapping[Place, int], by: int) -> dict[Place, int]:
    """Return each committed offset, moved by so many; ``GroupError`` where nothing is committed that could be."""
    without = [f"{topic}-{partition}" for topic, partition in places if (topic, partition) not in committed]
    if without:
        message = (
            f"group {group!r} has no committed offset on {', '.join(without)}, so there is nothing to move by {by}; "
            "name the partitions that it has read, or an offset to go to"
        )
        raise GroupError(message)
    return {place: committed[place] + by for place in places}


def plan(
    wanted: Mapping[Place, int | None],
    committed: Mapping[Place, int],
    starts: Mapping[Place, int],
    ends: Mapping[Place, int],
) -> Listing[OffsetChange]:
    """Return what changes where, sorted; an offset outside the log becomes its nearest end, as in Kafka's tools.

    Args:
        wanted: the offset to go to; ``None`` for a time that every message is older than: the end.
        committed: where the group stands.
        starts: the first offset of each log.
        ends: the offset that the next message gets.
    """
    changes = Listing[OffsetChange]()
    for place, offset in sorted(wanted.items()):
        start, end = starts[place], ends[place]
        after, note = end, "every message is older: the end" if start < end else "there are no messages: the end"
        if offset is not None:
            after, note = min(max(offset, start), end), ""
        if offset is not None and after != offset:
            note = f"{offset} is outside the log, which has {start} to {end}"
        changes.append(OffsetChange(*place, committed.get(place), after, note))
    return changes
