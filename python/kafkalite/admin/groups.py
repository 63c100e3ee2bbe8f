"""Groups: listed, described, reset, deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import index
from typing import TYPE_CHECKING

from kafkalite import _group_words
from kafkalite.admin import asking, chosen, reset
from kafkalite.admin.descriptions import (
    BrokerDescription,
    GroupDescription,
    GroupListing,
    GroupMember,
    Listing,
    OffsetChange,
)
from kafkalite.admin.part import AdminPart
from kafkalite.errors import GroupError, GroupNotEmptyError, UnknownGroupError

if TYPE_CHECKING:
    from kafkalite.admin.chosen import Topics
    from kafkalite.admin.reset import Place, Target

# What a coordinator answers where members stand in the way: UNKNOWN_MEMBER_ID (only members commit),
# ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS, NON_EMPTY_GROUP, GROUP_SUBSCRIBED_TO_TOPIC, STALE_MEMBER_EPOCH.
_HAS_MEMBERS = frozenset({22, 25, 27, 68, 86, 113})
_NON_EMPTY_GROUP = 68
_GROUP_SUBSCRIBED_TO_TOPIC = 86


class GroupAdmin(AdminPart):
    """What an Admin does with groups."""

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
        ends = chosen.offsets(
            self._native, [place for place in places if place[1] < sizes.get(place[0], 0)], chosen.LATEST
        )
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
        places = sorted(committed) if topics is None else chosen.places(self._native, topics)
        wanted: Mapping[Place, int | None] = (
            chosen.wanted(self._native, places, to)
            if to is not None
            else reset.shifted(group, places, committed, index(by or 0))
        )
        changes = reset.plan(
            wanted,
            committed,
            chosen.offsets(self._native, places, chosen.EARLIEST),
            chosen.offsets(self._native, places, chosen.LATEST),
        )
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
        meant = chosen.by_topic(topics)
        committed = self._committed(group)  # the topic itself may be gone; what counts is what is committed
        if isinstance(meant, Mapping):
            places = chosen.named(meant)
            without = [f"{topic}-{number}" for topic, number in places if (topic, number) not in committed]
        else:
            names = set(chosen.names(meant))
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

    def _committed(self, group: str) -> dict[Place, int]:
        return {(topic, partition): offset for topic, partition, offset, _ in self._native.committed(group)}


def _in_the_way(group: str, members: list[GroupMember], code: int | None) -> GroupNotEmptyError:
    who = ", ".join(map(str, members))
    message = f"group {asking.shown(group)} still has members ({who}): stop them first, then try again"
    if any(each.instance_id for each in members):
        message += "; one with a group_instance_id stays a member after it was closed, until its session ends"
    return GroupNotEmptyError(message, code=code)
