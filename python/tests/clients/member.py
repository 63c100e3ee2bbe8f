"""A member of a group in a process of its own, that can be killed and paused.

``python -m clients.member CLIENT SERVERS GROUP TOPIC``

Prints a line of JSON for each assignment and each message, and leaves the group when its standard input ends.
"""

import asyncio
import json
import sys
import threading
from collections.abc import Iterable

SESSION_MS = 6000  # the shortest that a broker allows by default
HEARTBEAT_MS = 500
COMMIT_MS = 200


def say(**line: object) -> None:
    """Print a line at once, as a whole."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def assigned(partitions: Iterable[int]) -> None:
    """Tell what this member owns from now on."""
    say(assigned=sorted(partitions))


def until_input_ends() -> threading.Event:
    """Return an event that is set when nobody wants this member any more."""
    ended = threading.Event()

    def watch() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=watch, daemon=True).start()
    return ended


def confluent(servers: str, group: str, topic: str) -> None:
    """librdkafka."""
    from confluent_kafka import Consumer

    ended = until_input_ends()
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": group,
            "partition.assignment.strategy": "range",
            "auto.offset.reset": "earliest",
            "session.timeout.ms": SESSION_MS,
            "heartbeat.interval.ms": HEARTBEAT_MS,
            "auto.commit.interval.ms": COMMIT_MS,
        }
    )
    consumer.subscribe([topic], on_assign=lambda _, parts: assigned(part.partition for part in parts))
    while not ended.is_set():
        message = consumer.poll(0.1)
        if message is not None and message.error() is None:
            say(partition=message.partition(), value=(message.value() or b"").decode())
    consumer.close()


def kafka_python(servers: str, group: str, topic: str) -> None:
    """kafka-python."""
    from kafka import ConsumerRebalanceListener, KafkaConsumer
    from kafka.coordinator.assignors.range import RangePartitionAssignor

    class Listener(ConsumerRebalanceListener):
        def on_partitions_revoked(self, revoked: object) -> None:
            """Nothing to do."""

        def on_partitions_assigned(self, parts: Iterable[object]) -> None:
            assigned(part.partition for part in parts)  # type: ignore[attr-defined]

    ended = until_input_ends()
    consumer = KafkaConsumer(
        bootstrap_servers=servers,
        group_id=group,
        partition_assignment_strategy=[RangePartitionAssignor],
        auto_offset_reset="earliest",
        session_timeout_ms=SESSION_MS,
        heartbeat_interval_ms=HEARTBEAT_MS,
        auto_commit_interval_ms=COMMIT_MS,
    )
    consumer.subscribe([topic], listener=Listener())
    while not ended.is_set():
        for messages in consumer.poll(100).values():
            for message in messages:
                say(partition=message.partition, value=message.value.decode())
    consumer.close()


def aiokafka(servers: str, group: str, topic: str) -> None:
    """aiokafka."""
    from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
    from aiokafka.coordinator.assignors.range import RangePartitionAssignor

    class Listener(ConsumerRebalanceListener):
        async def on_partitions_revoked(self, revoked: object) -> None:
            """Nothing to do."""

        async def on_partitions_assigned(self, parts: Iterable[object]) -> None:
            assigned(part.partition for part in parts)  # type: ignore[attr-defined]

    async def run() -> None:
        ended = until_input_ends()
        consumer = AIOKafkaConsumer(
            bootstrap_servers=servers,
            group_id=group,
            partition_assignment_strategy=(RangePartitionAssignor,),
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
                    say(partition=message.partition, value=message.value.decode())
        await consumer.stop()

    asyncio.run(run())


CLIENTS = {"confluent-kafka": confluent, "kafka-python": kafka_python, "aiokafka": aiokafka}

if __name__ == "__main__":
    CLIENTS[sys.argv[1]](*sys.argv[2:])
