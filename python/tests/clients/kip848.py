"""Members of groups of KIP-848, each a process of its own: ``python -m clients.kip848 SERVERS GROUP TOPIC``."""

import sys
from pathlib import Path

from clients.member import COMMIT_MS, JavaConsole, MemberKind, partitions, say, until_input_ends
from clients.program import PEERS

__all__ = ["CONFLUENT", "JAVA"]


class Confluent(MemberKind):
    """librdkafka."""

    def command(self, servers: str, group: str, topic: str, assignor: str) -> list[str | Path]:  # noqa: ARG002 # as all kinds
        """Return how a member is started; the broker knows how to assign."""
        return [sys.executable, "-m", "clients.kip848", servers, group, topic]


class Java(JavaConsole):
    """Kafka's console consumer."""

    def command(self, servers: str, group: str, topic: str, assignor: str) -> list[str | Path]:
        """Return the tool with the settings that the others have."""
        settings = {
            "group.protocol": "consumer",
            "group.remote.assignor": assignor,
            "auto.offset.reset": "earliest",
            "auto.commit.interval.ms": COMMIT_MS,
        }
        properties = [f"--command-property={name}={value}" for name, value in settings.items()]
        shown = ["--formatter-property=print.partition=true", "--formatter-property=print.offset=true"]
        where = ["--bootstrap-server", servers, "--group", group, "--topic", topic]
        return [PEERS / "kafka", "run", "org.apache.kafka.tools.consumer.ConsoleConsumer", *where, *properties, *shown]


CONFLUENT = Confluent("confluent-kafka")
JAVA = Java("java-console", peer="kafka")


def run(servers: str, group: str, topic: str) -> None:
    """Consume and say so, until nobody wants it any more."""
    from confluent_kafka import Consumer

    ended = until_input_ends()
    consumer = Consumer(
        {
            "bootstrap.servers": servers,
            "group.id": group,
            "group.protocol": "consumer",
            "auto.offset.reset": "earliest",
            "auto.commit.interval.ms": COMMIT_MS,
        }
    )
    consumer.subscribe(
        [topic],
        on_assign=lambda _, named: say(assigned=partitions(named)),
        on_revoke=lambda _, named: say(revoked=partitions(named)),
        on_lost=lambda _, named: say(revoked=partitions(named)),
    )
    while not ended.is_set():
        message = consumer.poll(0.1)
        if message is not None and message.error() is None:
            say(partition=message.partition(), offset=message.offset(), value=(message.value() or b"").decode())
    consumer.close()


if __name__ == "__main__":
    run(*sys.argv[1:])
