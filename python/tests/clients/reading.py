"""Publishing and reading in a few words, for the tests of our own consumers."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from clients.groups import PATIENCE, eventually

if TYPE_CHECKING:
    from kafkalite import Broker, Consumer, MessageStream

__all__ = ["all_assigned", "asking", "member", "publish", "read", "read_all", "sizes"]


_T = TypeVar("_T")


def publish(broker: "Broker", topic: str, count: int, partitions: int = 1, first: int = 0) -> None:
    """Publish numbers, to the partitions in turn."""
    from kafkalite import Producer

    with Producer(broker) as producer:
        for number in range(first, first + count):
            producer.send(topic, b"%d" % number, partition=number % partitions)


def member(broker: "Broker", group: str, topic: str, **settings: Any) -> "Consumer":
    """Return a consumer that has subscribed, and hears soon of what happens in its group."""
    from kafkalite import Consumer

    consumer = Consumer(broker, group_id=group, **{"heartbeat_interval_ms": 100, **settings})
    consumer.subscribe(topic)
    return consumer


def sizes(*sources: "Consumer | MessageStream") -> list[int]:
    """Return how many partitions each has at the moment."""
    return [len(one.assignment) for one in sources]


def read(source: "Consumer | MessageStream", count: int) -> list[int]:
    """Return the next ``count`` numbers, all in hand of the caller."""
    numbers: list[int] = []
    deadline = time.monotonic() + PATIENCE
    while len(numbers) < count:
        assert time.monotonic() < deadline, f"only {len(numbers)} of {count} messages came"
        numbers += [int(message.text()) for message in source.poll_batch(count - len(numbers), timeout=1.0)]
    return numbers


def read_all(sources: "Iterable[Consumer | MessageStream]", wanted: set[int]) -> list[list[int]]:
    """Read all in turn until together they got what is wanted; return what each got."""
    sources = list(sources)
    got: list[list[int]] = [[] for _ in sources]

    def numbers() -> Iterator[int]:
        return (number for one in got for number in one)

    def complete() -> bool:
        for source, mine in zip(sources, got, strict=True):
            mine += [int(message.text()) for message in source.poll_batch(timeout=0.0)]
        return wanted <= set(numbers())

    eventually("every message was read", complete)
    return got


def asking(consumer: "Consumer", check: Callable[[], _T]) -> Callable[[], _T]:
    """Return a check that has the consumer ask for a message each time."""

    def asked() -> _T:
        consumer.poll(0.05)
        return check()

    return asked


def all_assigned(shares: Callable[[], list[int]], partitions: int) -> list[int]:
    """Wait until the shares add up to all partitions, and none is left empty; return their sizes, sorted."""

    def settled() -> list[int]:
        found = shares()
        return sorted(found) if sum(found) == partitions and all(found) else []

    return eventually("every partition has an owner", settled)
