"""Administering a cluster: its topics, settings, records and groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from kafkalite import _logging, _native
from kafkalite._bootstrap import Bootstrap, addresses
from kafkalite._settings import check_keywords, millis
from kafkalite.admin.chosen import Topics
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
from kafkalite.admin.groups import GroupAdmin
from kafkalite.admin.records import RecordAdmin
from kafkalite.admin.reset import Target
from kafkalite.admin.settings import SettingAdmin
from kafkalite.admin.topics import TopicAdmin
from kafkalite.errors import ClosedError

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


class Admin(TopicAdmin, SettingAdmin, RecordAdmin, GroupAdmin):
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
        check_keywords("admin", settings)
        _logging.forward()
        given = {"default_api_timeout_ms": millis("timeout", timeout), **settings}
        self._bootstrap = addresses(bootstrap_servers)
        self._is_closed = False
        self._native = _native.Admin({**given, "bootstrap_servers": self._bootstrap})

    def describe_cluster(self) -> ClusterDescription:
        """Return the cluster's id, its controller and its brokers."""
        cluster_id, controller, brokers = self._native.describe_cluster()
        return ClusterDescription(cluster_id, controller, tuple(BrokerDescription(*broker) for broker in brokers))

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
