"""Reading messages as streams (the paper, Sections 3 and 3.2)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal, Self

from kafkalite import _logging, _native
from kafkalite._bootstrap import Bootstrap, addresses
from kafkalite.errors import InvalidSettingError

if TYPE_CHECKING:
    from types import TracebackType

    from kafkalite._native import MessageStream

__all__ = ["Consumer"]


class Consumer:
    """Reads topics of any Kafka cluster, kafkalite's or another, as message streams.

    A consumer reads every partition of the topics that it asks for, from where ``auto_offset_reset`` says, and
    keeps its positions itself: it neither joins a group nor commits offsets.

    Args:
        bootstrap_servers: a :class:`Broker`, ``"host:port"``, or several of them.
        auto_offset_reset: where a stream starts, and where it goes on when its offset has been deleted:
            ``"earliest"``, ``"latest"``, or ``"none"`` to raise an error instead.
        settings: further settings under Kafka's names in snake_case, for example ``fetch_max_wait_ms=100``;
            ``kafkalite config list consumer`` prints them all.

    Raises:
        InvalidSettingError: a setting is unknown or out of range.
    """

    def __init__(
        self,
        bootstrap_servers: Bootstrap,
        *,
        auto_offset_reset: Literal["earliest", "latest", "none"] = "earliest",
        **settings: object,
    ) -> None:
        """Take the settings; the first stream opens the connections."""
        if "group_id" in settings:
            message = (
                "group_id: consumer groups are not there yet (README, 'Not yet'); "
                "without group_id a consumer reads every partition of a topic"
            )
            raise InvalidSettingError(message)
        _logging.forward()
        self._native = _native.Consumer(
            {
                **settings,
                "bootstrap_servers": addresses(bootstrap_servers),
                "auto_offset_reset": auto_offset_reset,
            }
        )

    def create_message_streams(self, topic: str, n: int = 1, *, timeout: float | None = 30.0) -> list[MessageStream]:
        """Return n streams among which the topic's partitions are divided evenly.

        Each stream is an iterator that never ends: with nothing new to read it blocks until more is published, or
        until :meth:`close`. Read each stream by one thread; different streams by different threads, if you like.

        Args:
            topic: the topic to read.
            n: how many streams; those beyond the number of partitions stay empty.
            timeout: seconds to wait for the cluster to answer what partitions there are.

        Raises:
            UnknownTopicError: there is no such topic, and the cluster does not create it.
            KafkaConnectionError: no broker could be reached.
        """
        if n < 1:
            message = f"create_message_streams needs at least one stream, not {n}"
            raise ValueError(message)
        partitions = self._native.partitions(topic, timeout)
        return [self._native.stream(topic, share) for share in divide(partitions, n)]

    def close(self) -> None:
        """End every stream, and close the connections. A second call does nothing."""
        self._native.close()

    def __enter__(self) -> Self:
        """Return the consumer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def __reduce__(self) -> str | tuple[object, ...]:
        """Refuse: connections stay in their process."""
        message = "a Consumer cannot be pickled: make one in the other process, with the same bootstrap_servers"
        raise TypeError(message)


def divide(partitions: list[int], n: int) -> list[list[int]]:
    """Divide sorted partitions into n runs; the first runs take the remainder (the paper, Algorithm 1)."""
    share, rest = divmod(len(partitions), n)
    starts = [j * share + min(j, rest) for j in range(n + 1)]
    return [partitions[a:b] for a, b in pairwise(starts)]
