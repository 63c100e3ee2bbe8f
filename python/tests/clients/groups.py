"""Groups whose members are processes: starting them, hearing what they say, and what their broker says of them."""

import itertools
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self, TypeVar

import pytest
from confluent_kafka import ConsumerGroupState, Producer
from confluent_kafka.admin import AdminClient

from clients.member import Line, MemberKind

__all__ = [
    "PATIENCE",
    "Member",
    "Publishing",
    "assert_one_owner_at_a_time",
    "described",
    "eventually",
    "owners",
    "until_all_is_read",
    "until_it_waits",
    "until_shared_by",
]

PATIENCE = 60.0
_T = TypeVar("_T")


def eventually(what: str, check: Callable[[], _T], seconds: float = PATIENCE) -> _T:
    """Wait until ``check`` returns something true, and return it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.05)
    pytest.fail(f"{what}: not within {seconds} s")


def until_it_waits(pid: int) -> None:
    """Wait until a process does nothing but wait: its first thread sleeps in the kernel, several times in a row."""

    def sleeps() -> bool:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
        return stat.rpartition(")")[2].split()[0] == "S"

    eventually("it waits", lambda: all(sleeps() for _ in range(100)))


class Member:
    """A client in a process of its own, and what it said."""

    def __init__(self, kind: MemberKind, servers: str, group: str, topic: str, assignor: str) -> None:
        self.kind = kind
        self.lines: list[Line] = []
        self.messages: set[tuple[int, int]] = set()
        """Partition and offset of each message that it got."""
        self.others: list[str] = []
        """Lines that are none of a member's."""
        self.process = subprocess.Popen(
            kind.command(servers, group, topic, assignor),
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            line = self.kind.read(text)
            if line is None:
                self.others.append(text)
            elif line.message is None:
                self.lines.append(line)
            else:
                partition, offset, value = line.message
                assert value == f"{partition}/{offset}"
                self.messages.add((partition, offset))

    def leave(self) -> None:
        """Have it leave the group in good order."""
        self.kind.end(self.process)
        self.process.wait(PATIENCE)

    def end(self) -> None:
        """Kill it by its id, if it still runs."""
        self.process.kill()
        self.process.wait(PATIENCE)
        self._listener.join(PATIENCE)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


class Publishing:
    """Publishes to all partitions in turn until told to stop; each message names its partition and offset."""

    def __init__(self, servers: str, topic: str, partitions: int) -> None:
        self.published = 0
        self._partitions = partitions
        self._producer = Producer({"bootstrap.servers": servers, "linger.ms": 5, "enable.idempotence": True})
        self._topic = topic
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._ended.wait(0.005):
            partition, offset = self.published % self._partitions, self.published // self._partitions
            self._producer.produce(self._topic, f"{partition}/{offset}", partition=partition)
            self.published += 1
            self._producer.poll(0)
        assert self._producer.flush(PATIENCE) == 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(PATIENCE)

    def wanted(self) -> set[tuple[int, int]]:
        """Partition and offset of every message."""
        return {(number % self._partitions, number // self._partitions) for number in range(self.published)}


def described(admin: AdminClient, group: str):  # type: ignore[no-untyped-def] # its stub has no name for it
    """Return what the broker says of a group."""
    return admin.describe_consumer_groups([group], request_timeout=30)[group].result(30)


def owners(admin: AdminClient, group: str, partitions: int) -> dict[str, list[int]] | None:
    """Return what each member owns, by member id; ``None`` until all partitions of a stable group have an owner."""
    found = described(admin, group)
    if found.state != ConsumerGroupState.STABLE:
        return None
    owned = {
        member.member_id: [one.partition for one in member.assignment.topic_partitions] for member in found.members
    }
    everything = sorted(itertools.chain.from_iterable(owned.values()))
    assert len(everything) == len(set(everything)), f"two owners of one partition: {owned}"
    # kafka-python's leader may assign before it knows the topic, and a cooperative group takes partitions from one
    # member a generation before it gives them to another: both rebalance again at once.
    return owned if len(everything) == partitions else None


def until_shared_by(admin: AdminClient, group: str, count: int, partitions: int) -> dict[str, list[int]]:
    """Wait until the group is stable, with this many members, each of which owns something."""

    def shared() -> dict[str, list[int]] | None:
        owned = owners(admin, group, partitions)
        return owned if owned and len(owned) == count and all(owned.values()) else None

    found = eventually(f"{group} with {count} members", shared)
    assert found
    return found


def until_all_is_read(members: Iterable[Member], publishing: Publishing) -> None:
    """Wait until every message has been read by somebody."""
    members = list(members)
    eventually("every message was read", lambda: publishing.wanted() <= set().union(*(one.messages for one in members)))


def assert_one_owner_at_a_time(members: Iterable[Member]) -> None:
    """Check what members said when: nobody was given a partition that another had not given back."""
    told = [(line.at, number, line) for number, member in enumerate(members) for line in member.lines]
    owner: dict[int, int] = {}
    for _, number, line in sorted(told, key=lambda entry: (entry[0], bool(entry[2].assigned))):
        for partition in line.revoked:
            if owner.get(partition) == number:
                del owner[partition]
        for partition in line.assigned:
            assert owner.get(partition, number) == number, f"partition {partition} has two owners: {told}"
            owner[partition] = number
