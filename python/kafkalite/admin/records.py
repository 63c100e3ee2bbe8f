"""Offsets and records: where partitions begin and end, and where they shall."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from kafkalite import _times
from kafkalite.admin import asking, chosen, reset
from kafkalite.admin.descriptions import Listing, OffsetAtTime, OffsetChange
from kafkalite.admin.part import AdminPart
from kafkalite.errors import OffsetOutOfRangeError

if TYPE_CHECKING:
    from kafkalite.admin.chosen import Topics
    from kafkalite.admin.reset import Target


class RecordAdmin(AdminPart):
    """What an Admin does with offsets and records."""

    def list_offsets(
        self, topics: Topics, at: Literal["earliest", "latest"] | datetime | timedelta = "latest"
    ) -> Listing[OffsetAtTime]:
        """Return the first offset of each partition, the next one, or that of the first message of a time or later.

        A ``datetime`` without a zone is local, a ``timedelta`` is so long ago.
        """
        time = chosen.TIMES.get(at) if isinstance(at, str) else _times.millis(at, datetime.now(UTC))
        if time is None:
            message = f'expected "earliest", "latest", a datetime{_times.OF_TEXT} or a timedelta, not {at!r}'
            raise ValueError(message)
        places = chosen.places(self._native, topics)
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
        places = chosen.places(self._native, topics)
        asking.check_deletable(self._native, sorted({topic for topic, _ in places}))
        starts, ends = (
            chosen.offsets(self._native, places, chosen.EARLIEST),
            chosen.offsets(self._native, places, chosen.LATEST),
        )
        for topic, partition in places:
            offset, end = reset.offset(before), ends[topic, partition]
            if offset is not None and offset > end:
                message = (
                    f"{topic}-{partition} ends at offset {end}; messages before {offset} are not all there; "
                    '"latest" deletes all that there are'
                )
                raise OffsetOutOfRangeError(message)
        changes = reset.plan(chosen.wanted(self._native, places, before), starts, starts, ends)
        if not dry_run:
            self._native.delete_records([(each.topic, each.partition, each.after) for each in changes])
        return changes
