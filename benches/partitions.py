"""10,000 partitions in one broker, on kafkalite and on Apache Kafka: the same client, the same machine, one run.

100 topics of 100 partitions are created, asked for, written to, left alone; the broker is stopped, started, killed and
started once more. The client is librdkafka (confluent-kafka).

What to know when reading the table:

* ``create`` asks for ten topics a request, and runs until every partition has a leader and an
  answer to ListOffsets.
* ``produce to each`` is one message of 100 bytes to every partition, acks=all.
* ``started`` is from the start of the process until every partition has a leader and an answer to ListOffsets; what
  is ``clean`` was stopped in good order before, what is ``after kill -9`` was not.
* ``idle CPU`` is what the broker uses without any client, as seconds a minute.
* Descriptors are counted in /proc. Both brokers raise the soft limit to the hard one themselves.
* Of the minutes that it takes most are spent waiting for Apache Kafka to create the partitions.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec  # type: ignore[attr-defined]

from brokers import PARTIES, Running, congestion_control, show

PATIENCE = 400.0


def timed(act: Callable[[], object]) -> float:
    """Seconds that something takes."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


class Crowd:
    """The topics, as a client sees them."""

    def __init__(self, servers: str, topics: int, partitions: int) -> None:
        self._servers = servers
        self._topics = [f"t{number}" for number in range(topics)]
        self._each = partitions
        self._admin = AdminClient({"bootstrap.servers": servers, "log_level": 0})

    def create(self) -> None:
        """Create them, ten topics a request since Apache Kafka takes no larger ones, and wait until they are usable."""
        wanted = [NewTopic(name, num_partitions=self._each, replication_factor=1) for name in self._topics]
        for at in range(0, len(wanted), 10):
            some = wanted[at : at + 10]
            for outcome in self._admin.create_topics(
                some, operation_timeout=PATIENCE, request_timeout=PATIENCE
            ).values():
                outcome.result(PATIENCE)
        self.wait()

    def wait(self) -> None:
        """Wait until every partition has a leader that answers; Apache Kafka names some that do not know it yet."""
        deadline = time.monotonic() + PATIENCE
        while not (self._all_have_leaders() and self._all_have_ends()):
            if time.monotonic() > deadline:
                message = f"not every partition is usable after {PATIENCE} s"
                raise RuntimeError(message)
            time.sleep(0.01)

    def _all_have_ends(self) -> bool:
        try:
            self.list_offsets()
        except KafkaException:
            return False
        return True

    def _all_have_leaders(self) -> bool:
        found = self._admin.list_topics(timeout=PATIENCE).topics
        partitions = [one for name in self._topics if name in found for one in found[name].partitions.values()]
        return len(partitions) == len(self._topics) * self._each and all(one.leader >= 0 for one in partitions)

    def metadata(self) -> None:
        """Ask for all of them."""
        self._admin.list_topics(timeout=PATIENCE)

    def list_offsets(self) -> None:
        """Ask where every partition ends."""
        everything = [TopicPartition(name, number) for name in self._topics for number in range(self._each)]
        wanted = {one: OffsetSpec.latest() for one in everything}  # type: ignore[no-untyped-call]
        for outcome in self._admin.list_offsets(wanted, request_timeout=PATIENCE).values():
            outcome.result(PATIENCE)

    def produce(self) -> None:
        """Publish one message to each partition."""
        failures: list[object] = []
        producer = Producer({"bootstrap.servers": self._servers, "linger.ms": 50, "log_level": 0})
        for number in range(self._each):
            for name in self._topics:
                producer.produce(
                    name,
                    b"x" * 100,
                    partition=number,
                    on_delivery=lambda error, _: failures.append(error) if error else None,
                )
            producer.poll(0)
        if producer.flush(PATIENCE) or failures:
            message = f"{len(failures)} messages failed, {len(producer)} are open; the first: {failures[:1]}"
            raise RuntimeError(message)


def idle_cpu(broker: Running, seconds: int) -> float:
    """CPU seconds a minute that nobody asks for."""
    before = broker.cpu_seconds()
    time.sleep(seconds)
    return (broker.cpu_seconds() - before) * 60 / seconds


def measure(name: str, directory: Path, options: argparse.Namespace) -> dict[str, float]:
    """Play it through with one broker."""
    found: dict[str, float] = {}
    start = PARTIES[name]
    with start(directory) as broker:
        crowd = Crowd(broker.servers, options.topics, options.partitions)
        empty = broker.memory_mb("VmRSS")
        before = broker.cpu_seconds()
        found["create, s"] = timed(crowd.create)
        found["create, CPU s"] = broker.cpu_seconds() - before
        found["Metadata of all, ms"] = 1000 * min(timed(crowd.metadata) for _ in range(3))
        found["ListOffsets of all, ms"] = 1000 * min(timed(crowd.list_offsets) for _ in range(3))
        found["produce to each, s"] = timed(crowd.produce)
        found["resident before / MB"] = empty
        found["resident after / MB"] = broker.memory_mb("VmRSS")
        found["descriptors"] = len(list(Path(f"/proc/{broker.pid}/fd").iterdir()))
        found["idle CPU, s a minute"] = idle_cpu(broker, options.idle)
        stopping = time.perf_counter()
    found["stop, s"] = time.perf_counter() - stopping
    began = time.perf_counter()
    with start(directory) as broker:
        Crowd(broker.servers, options.topics, options.partitions).wait()
        found["started, clean, s"] = time.perf_counter() - began
        found["resident after a clean start / MB"] = broker.memory_mb("VmRSS")
        broker.kill()
    began = time.perf_counter()
    with start(directory) as broker:
        Crowd(broker.servers, options.topics, options.partitions).wait()
        found["started, after kill -9, s"] = time.perf_counter() - began
        broker.kill()
    return found


def main() -> None:
    """Run one broker after the other, print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--topics", type=int, default=100, help="(default: %(default)s)")
    parser.add_argument("--partitions", type=int, default=100, help="of each topic (default: %(default)s)")
    parser.add_argument("--idle", type=int, default=10, help="seconds to do nothing (default: %(default)s)")
    parser.add_argument("--only", choices=list(PARTIES), help="one broker instead of both")
    parser.add_argument("--directory", type=Path, help="where both keep data (default: the system's temporary one)")
    parser.add_argument("--congestion-control", default="reno", help="of TCP, for both (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print every measurement as JSON")
    options = parser.parse_args()
    results: dict[str, dict[str, float]] = {}
    directory = Path(tempfile.mkdtemp(prefix="kafkalite-partitions-", dir=options.directory))
    try:
        with congestion_control(options.congestion_control):
            for name in [options.only] if options.only else PARTIES:
                print(f"{name} ...", file=sys.stderr)
                results[name] = measure(name, directory / name.replace(" ", "-"), options)
                print(json.dumps(results[name]), file=sys.stderr)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if options.json:
        print(json.dumps(results, indent=2))
        return
    rows: list[tuple[str, ...]] = [("", *results)]
    for what in next(iter(results.values())):
        rows += [(what, *(f"{found[what]:,.2f}" for found in results.values()))]
    show(rows)


if __name__ == "__main__":
    main()
