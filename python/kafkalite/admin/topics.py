"""Topics: listed, described, created, deleted, given more partitions."""

from __future__ import annotations

from collections.abc import Mapping

from kafkalite._properties import as_properties
from kafkalite.admin import asking
from kafkalite.admin.descriptions import Listing, TopicDescription
from kafkalite.admin.part import AdminPart
from kafkalite.errors import TopicExistsError


class TopicAdmin(AdminPart):
    """What an Admin does with topics."""

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
        properties = as_properties(config)
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
