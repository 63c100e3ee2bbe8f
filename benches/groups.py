"""One group of 10, 100 and 1,000 members, on kafkalite and on Apache Kafka: the same client, the same machine, one run.

The members are in one process (tests/peers/go/franz-go/swarm.go), each with a connection of its own, and do what a
consumer does: find the coordinator, join, sync, send heartbeats, join again when they are told to. The topic has 1,000
partitions, which the leader deals out; a run fails unless all members end in one generation and each partition has one
owner.

What to know when reading the table:

* ``join``: all members come at once to a new group; the clock stops when all are in one generation. That may take more
  than one: who came too late for the first is told by a heartbeat of those in it, a quarter of a second later here.
* ``rebalance``: one member subscribes to something else; the clock stops when all are in the next generation. About a
  quarter of a second of it is the heartbeats that the others learn it from.
* ``heartbeats``: every member sends the next as soon as the last is answered.
* CPU is the broker's, all of its threads; memory is what is resident after the rebalance, with the members connected.
* Both brokers run with group.initial.rebalance.delay.ms=0, which is our default and not Kafka's. A group of 10 has
  joined and left before the first that counts, so that both have their topic for groups and the JVM has compiled some.
"""

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, cast

from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined] # its stub forgets to export it

from brokers import PARTIES, PEERS, Running, congestion_control, show

PARTITIONS = 1000


@dataclass
class Result:
    """What a group of one size costs one broker."""

    members: int
    join_ms: float
    join_cpu_ms: float
    generation: int
    rebalance_ms: float
    rebalance_cpu_ms: float
    answered_kb: float
    heartbeats_a_second: float
    heartbeats_a_cpu_second: float
    resident_mb: float


class Swarm:
    """The members."""

    def __init__(self, broker: Running, topic: str) -> None:
        self._broker = broker
        command: list[str | Path] = [PEERS / "franz-go", "swarm", broker.servers, topic, str(PARTITIONS)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._into, self._from = cast("TextIO", self._process.stdin), cast("TextIO", self._process.stdout)

    def tell(self, command: str) -> tuple[dict[str, float], float]:
        """Return what they answer, and the seconds of CPU that the broker took for it."""
        before = self._broker.cpu_seconds()
        self._into.write(command + "\n")
        self._into.flush()
        answer = self._from.readline()
        if not answer:
            message = f"'{command}' failed, see above"
            raise RuntimeError(message)
        return json.loads(answer), self._broker.cpu_seconds() - before

    def end(self) -> None:
        """End the process."""
        self._into.close()
        self._process.wait(30)


def measure(broker: Running, swarm: Swarm, members: int, seconds: int) -> Result:
    """Let a group live its life."""
    joined, join_cpu = swarm.tell(f"join {members}")
    rebalanced, rebalance_cpu = swarm.tell("rebalance")
    resident = broker.memory_mb("VmRSS")
    beats, beats_cpu = swarm.tell(f"heartbeats {seconds}")
    swarm.tell("leave")
    return Result(
        members=members,
        join_ms=joined["seconds"] * 1000,
        join_cpu_ms=join_cpu * 1000,
        generation=int(joined["generation"]),
        rebalance_ms=rebalanced["seconds"] * 1000,
        rebalance_cpu_ms=rebalance_cpu * 1000,
        answered_kb=rebalanced["bytes"] / 1000,
        heartbeats_a_second=beats["heartbeats"] / beats["seconds"],
        heartbeats_a_cpu_second=beats["heartbeats"] / beats_cpu,
        resident_mb=resident,
    )


@contextlib.contextmanager
def ready(
    start: Callable[[Path], contextlib.AbstractContextManager[Running]], directory: Path
) -> Iterator[tuple[Running, Swarm]]:
    """Start a broker, create the topic, warm up."""
    with start(directory) as broker:
        admin = AdminClient({"bootstrap.servers": broker.servers, "log_level": 4})
        admin.create_topics([NewTopic("t", num_partitions=PARTITIONS, replication_factor=1)])["t"].result(60)
        swarm = Swarm(broker, "t")
        try:
            swarm.tell("join 10")
            swarm.tell("leave")
            yield broker, swarm
        finally:
            swarm.end()


def main() -> None:
    """Run one broker after the other, print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, nargs="+", default=[10, 100, 1000], help="sizes of the group")
    parser.add_argument("--seconds", type=int, default=3, help="of heartbeats (default: %(default)s)")
    parser.add_argument("--only", choices=list(PARTIES), help="one broker instead of both")
    parser.add_argument(
        "--directory", type=Path, help="where both keep their data (default: the system's temporary one)"
    )
    parser.add_argument("--congestion-control", default="reno", help="of TCP, for both (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print every measurement as JSON")
    options = parser.parse_args()
    results: dict[str, list[Result]] = {}
    directory = Path(tempfile.mkdtemp(prefix="kafkalite-groups-", dir=options.directory))
    try:
        with congestion_control(options.congestion_control):
            for name in [options.only] if options.only else PARTIES:
                print(f"{name} ...", file=sys.stderr)
                with ready(PARTIES[name], directory / name.replace(" ", "-")) as (broker, swarm):
                    results[name] = [measure(broker, swarm, members, options.seconds) for members in options.members]
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if options.json:
        print(json.dumps({name: [vars(result) for result in of] for name, of in results.items()}, indent=2))
        return
    names = list(Result.__dataclass_fields__)
    rows: list[tuple[str, ...]] = [("", *(name.replace("_", " ") for name in names))]
    for name, of in results.items():
        rows += [(name, *(f"{getattr(result, field):,.0f}" for field in names)) for result in of]
    show(rows)


if __name__ == "__main__":
    main()
