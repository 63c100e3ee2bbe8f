"""Members of groups, each a process of its own that can be killed and paused, whoever wrote the client.

A member prints a line for each change of what it owns and for each message; :meth:`MemberKind.read` tells what it says.

``python -m clients.member CLIENT SERVERS GROUP TOPIC ASSIGNOR`` is the member for the clients that are Python packages.
"""

import asyncio
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from clients.program import PEERS

__all__ = ["KINDS", "Line", "MemberKind"]

SESSION_MS = 6000  # the shortest that a broker allows by default
HEARTBEAT_MS = 500
COMMIT_MS = 200


@dataclass(frozen=True)
class Line:
    """What a member said, and when: partitions that it owns from now on, or no more, or a message that it got."""

    at: float = 0.0  # seconds since 1970
    assigned: tuple[int, ...] = ()
    revoked: tuple[int, ...] = ()
    message: tuple[int, int, str] | None = None  # partition, offset, value


class MemberKind:
    """A client that tells what it does in lines of JSON and leaves when its standard input ends."""

    def __init__(self, name: str, *assignors: str, peer: str | None = None) -> None:
        self.name = name
        self.assignors = assignors
        self.peer = peer
        """The script in tests/peers that installs it; ``None`` for a Python package."""

    def command(self, servers: str, group: str, topic: str, assignor: str) -> list[str | Path]:
        """Return how a member is started."""
        if self.peer is None:
            return [sys.executable, "-m", "clients.member", self.name, servers, group, topic, assignor]
        return [PEERS / self.peer, "member", servers, group, topic, assignor]

    def read(self, text: str) -> Line | None:
        """Return what a line says; ``None`` for one that is none of ours."""
        said = json.loads(text)
        if "value" in said:
            return Line(message=(said["partition"], said["offset"], said["value"]))
        return Line(said["at"], assigned=tuple(said.get("assigned", ())), revoked=tuple(said.get("revoked", ())))

    def end(self, process: subprocess.Popen[str]) -> None:
        """Have a member leave in good order."""
        assert process.stdin is not None
        process.stdin.close()


_JAVA_ASSIGNORS = {
    "range": "RangeAssignor",
    "roundrobin": "RoundRobinAssignor",
    "cooperative-sticky": "CooperativeStickyAssignor",
}


class JavaConsole(MemberKind):
    """Kafka's console consumer. It does not tell what it owns, and leaves in good order when it is terminated."""

    _MESSAGE = re.compile(r"Partition:(\d+)\tOffset:(\d+)\t(.*)\n")

    def command(self, servers: str, group: str, topic: str, assignor: str) -> list[str | Path]:
        """Return the tool with the settings that the others have."""
        settings = {
            "partition.assignment.strategy": f"org.apache.kafka.clients.consumer.{_JAVA_ASSIGNORS[assignor]}",
            "auto.offset.reset": "earliest",
            "session.timeout.ms": SESSION_MS,
            "heartbeat.interval.ms": HEARTBEAT_MS,
            "auto.commit.interval.ms": COMMIT_MS,
        }
        properties = [f"--command-property={name}={value}" for name, value in settings.items()]
        shown = ["--formatter-property=print.partition=true", "--formatter-property=print.offset=true"]
        where = ["--bootstrap-server", servers, "--group", group, "--topic", topic]
        return [PEERS / "kafka", "run", "org.apache.kafka.tools.consumer.ConsoleConsumer", *where, *properties, *shown]

    def read(self, text: str) -> Line | None:
        """Return the message of a line."""
        found = self._MESSAGE.fullmatch(text)
        return Line(message=(int(found[1]), int(found[2]), found[3])) if found else None

    def end(self, process: subprocess.Popen[str]) -> None:
        """Have it leave as somebody at a terminal would."""
        process.terminate()


KINDS: dict[str, MemberKind] = {
    kind.name: kind
    for kind in (
        MemberKind("kafkalite", "range", "roundrobin", "cooperative-sticky"),
        MemberKind("confluent-kafka", "range", "roundrobin", "cooperative-sticky"),
        MemberKind("kafka-python", "range", "roundrobin", "cooperative-sticky"),
        MemberKind("aiokafka", "range", "roundrobin"),
        JavaConsole("java-console", *_JAVA_ASSIGNORS, peer="kafka"),
        MemberKind("franz-go", "range", "roundrobin", "cooperative-sticky", peer="franz-go"),
        MemberKind("kafkajs", "RoundRobinAssigner", peer="kafkajs"),
    )
}


def say(**line: object) -> None:
    """Print a line at once, as a whole, with the time."""
    line["at"] = time.time()
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def partitions(named: Iterable[object]) -> list[int]:
    """Return the numbers of a topic's partitions."""
    return sorted(one.partition for one in named)  # type: ignore[attr-defined]


def until_input_ends() -> threading.Event:
    """Return an event that is set when nobody wants this member any more."""
    ended = threading.Event()

    def watch() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=watch, daemon=True).start()
    return ended


def kafkalite(servers: str, group: str, topic: str, assignor: str) -> None:
    """Our own client."""
    from kafkalite import Consumer

    ended = until_input_ends()
    consumer = Consumer(
        servers,
        group_id=group,
        partition_assignment_strategy=assignor,
        session_timeout_ms=SESSION_MS,
        heartbeat_interval_ms=HEARTBEAT_MS,
        auto_commit_interval_ms=COMMIT_MS,
    )
    consumer.subscribe(
        topic,
        on_assigned=lambda named: say(assigned=partitions(named)),
        on_revoked=lambda named: say(revoked=partitions(named)),
    )
    while not ended.is_set():
        message = consumer.poll(0.1)
        if message is not None:
            say(partition=message.partition, offset=message.offset, value=message.text())
    consumer.close()


def confluent(servers: str, group: str, topic: str, assignor: str) -> None:
    """librdkafka."""
    from confluent_kafka import Consumer

    ended = until_input_ends()
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": group,
            "partition.assignment.strategy": assignor,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": SESSION_MS,
            "heartbeat.interval.ms": HEARTBEAT_MS,
            "auto.commit.interval.ms": COMMIT_MS,
        }
    )
    consumer.subscribe(
        [topic],
        on_assign=lambda _, named: say(assigned=partitions(named)),
        on_revoke=lambda _, named: say(revoked=partitions(named)),
    )
    while not ended.is_set():
        message = consumer.poll(0.1)
        if message is not None and message.error() is None:
            say(partition=message.partition(), offset=message.offset(), value=(message.value() or b"").decode())
    consumer.close()


def kafka_python(servers: str, group: str, topic: str, assignor: str) -> None:
    """kafka-python."""
    from kafka import ConsumerRebalanceListener, KafkaConsumer
    from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
    from kafka.coordinator.assignors.range import RangePartitionAssignor
    from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

    class Listener(ConsumerRebalanceListener):
        def on_partitions_revoked(self, revoked: Iterable[object]) -> None:
            say(revoked=partitions(revoked))

        def on_partitions_assigned(self, assigned: Iterable[object]) -> None:
            say(assigned=partitions(assigned))

    ended = until_input_ends()
    known = (RangePartitionAssignor, RoundRobinPartitionAssignor, CooperativeStickyAssignor)
    consumer = KafkaConsumer(
        bootstrap_servers=servers,
        group_id=group,
        partition_assignment_strategy=[one for one in known if one.name == assignor],
        auto_offset_reset="earliest",
        session_timeout_ms=SESSION_MS,
        heartbeat_interval_ms=HEARTBEAT_MS,
        auto_commit_interval_ms=COMMIT_MS,
    )
    consumer.subscribe([topic], listener=Listener())
    while not ended.is_set():
        for messages in consumer.poll(100).values():
            for message in messages:
                say(partition=message.partition, offset=message.offset, value=message.value.decode())
    consumer.close()


def aiokafka(servers: str, group: str, topic: str, assignor: str) -> None:
    """aiokafka."""
    from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
    from aiokafka.coordinator.assignors.range import RangePartitionAssignor
    from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

    class Listener(ConsumerRebalanceListener):
        async def on_partitions_revoked(self, revoked: Iterable[object]) -> None:
            say(revoked=partitions(revoked))

        async def on_partitions_assigned(self, assigned: Iterable[object]) -> None:
            say(assigned=partitions(assigned))

    async def run() -> None:
        ended = until_input_ends()
        known = (RangePartitionAssignor, RoundRobinPartitionAssignor)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=servers,
            group_id=group,
            partition_assignment_strategy=tuple(one for one in known if one.name == assignor),
            auto_offset_reset="earliest",
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            auto_commit_interval_ms=COMMIT_MS,
        )
        consumer.subscribe([topic], listener=Listener())
        await consumer.start()
        while not ended.is_set():
            for messages in (await consumer.getmany(timeout_ms=100)).values():
                for message in messages:
                    say(partition=message.partition, offset=message.offset, value=message.value.decode())
        await consumer.stop()

    asyncio.run(run())


PYTHON: dict[str, Callable[[str, str, str, str], None]] = {
    "kafkalite": kafkalite,
    "confluent-kafka": confluent,
    "kafka-python": kafka_python,
    "aiokafka": aiokafka,
}

if __name__ == "__main__":
    PYTHON[sys.argv[1]](*sys.argv[2:])
