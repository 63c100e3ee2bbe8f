"""The name of a partition."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["TopicPartition"]


class TopicPartition(NamedTuple):
    """A partition of a topic: what is assigned to consumers of a group, and what offsets are committed of.

    It is a tuple: ``topic, partition = one``, and ``("clicks", 0)`` is equal to ``TopicPartition("clicks", 0)``.
    """

    topic: str
    partition: int

    def __str__(self) -> str:
        """Return ``topic-partition``, as Kafka writes it."""
        return f"{self.topic}-{self.partition}"
