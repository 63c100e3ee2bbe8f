"""kafkalite beside Apache Kafka: the same client, the same machine, one run.

Publishes 1,000,000 messages of 200 bytes to one partition with acks=all, and reads them back, with librdkafka (the
client behind confluent-kafka) in a process of its own; first one broker, then the other, in turns, each time on a new
topic. Every broker runs as a daemon on loopback with its own defaults and an empty directory on the same disk.

What to know when reading the table:

* client, broker and the page cache share the machine's cores. Where the client is the limit both brokers show about the
  same messages/s; *messages per CPU second of the broker*, all of its threads, user and system, is then what tells them
  apart. Work that the kernel does on behalf of nobody, such as writing pages to the disk, is in neither.
* ``produce`` and ``consume`` are the best of the rounds, with the median beside it. One round before them warms up both
  (the JVM compiles meanwhile) and is not counted.
* ``started`` is from the start of the process until it answers a first ApiVersions request, on a formatted directory.
* ``resident`` is VmRSS when the broker has just started and its highest value (VmHWM) after all rounds. Pages of mapped
  log files count in it; the page cache does not. Apache Kafka runs with -Xmx1g.
* the TCP congestion control matters on loopback: BBR, the default of some systems, paces there. As root this script
  sets Reno for the run, for everybody, and puts the old one back; otherwise it says which one was in force.
"""

import argparse
import contextlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

from confluent_kafka import libversion
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined] # its stub forgets to export it

from brokers import PARTIES, Running, congestion_control, show

CLIENT = Path(__file__).with_name("librdkafka_client.py")


@dataclass
class Measurement:
    """One direction of one round."""

    seconds: float
    cpu_seconds: float  # of the broker, user and system

    def rate(self, messages: int) -> float:
        """Messages a second."""
        return messages / self.seconds

    def per_cpu_second(self, messages: int) -> float:
        """Messages per CPU second of the broker."""
        return messages / self.cpu_seconds


@dataclass
class Result:
    """All that was measured of one broker."""

    name: str
    started_ms: float = 0.0
    resident_mb: float = 0.0
    peak_resident_mb: float = 0.0
    produce: list[Measurement] = field(default_factory=list)
    consume: list[Measurement] = field(default_factory=list)


def measure(broker: Running, direction: str, *arguments: str) -> Measurement:
    """Run the client in its own process."""
    before = broker.cpu_seconds()
    command = [sys.executable, str(CLIENT), direction, broker.servers, *arguments]
    printed = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return Measurement(json.loads(printed)["seconds"], broker.cpu_seconds() - before)


def play(broker: Running, topic: str, options: argparse.Namespace) -> tuple[Measurement, Measurement]:
    """Publish to a new topic, read it back, delete it."""
    admin = AdminClient({"bootstrap.servers": broker.servers, "log_level": 4})
    admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])[topic].result(30)
    produced = measure(broker, "produce", topic, str(options.messages), str(options.size), options.codec)
    consumed = measure(broker, "consume", topic, str(options.messages), str(options.size))
    admin.delete_topics([topic])[topic].result(30)
    return produced, consumed


def compare(options: argparse.Namespace) -> tuple[Result, Result]:
    """Run every round of every broker, in turns."""
    results = {name: Result(name) for name in PARTIES}
    with contextlib.ExitStack() as stack:
        directory = Path(tempfile.mkdtemp(prefix="kafkalite-compare-", dir=options.directory))
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        brokers = {}
        for name, start in PARTIES.items():
            broker = brokers[name] = stack.enter_context(start(directory / name.replace(" ", "-")))
            results[name].started_ms = broker.started_ms
            results[name].resident_mb = broker.memory_mb("VmRSS")
        for number in range(options.warm_up + options.rounds):
            for name, broker in brokers.items():
                produced, consumed = play(broker, f"round-{number}", options)
                if number >= options.warm_up:
                    results[name].produce.append(produced)
                    results[name].consume.append(consumed)
                rates = f"{produced.rate(options.messages):,.0f} in, {consumed.rate(options.messages):,.0f} out"
                kind = "warm-up" if number < options.warm_up else f"round {number - options.warm_up + 1}"
                print(f"{kind}: {name}: {rates} messages/s", file=sys.stderr)
        for name, broker in brokers.items():
            results[name].peak_resident_mb = broker.memory_mb("VmHWM")
    return results["kafkalite"], results["Apache Kafka"]


def best(values: list[float]) -> str:
    """Show the best of some rates, and their median."""
    return f"{max(values):,.0f} ({statistics.median(values):,.0f})"


def table(results: tuple[Result, Result], messages: int) -> list[tuple[str, ...]]:
    """Return the rows: what, ours, theirs, how many times better ours is."""
    ours, theirs = results
    rows: list[tuple[str, ...]] = [("", ours.name, theirs.name, "ratio")]

    def less(what: str, mine: float, other: float) -> None:
        rows.append((what, f"{mine:,.0f}", f"{other:,.0f}", f"1/{other / mine:,.1f}"))

    def more(what: str, mine: list[float], other: list[float]) -> None:
        rows.append((what, best(mine), best(other), f"{max(mine) / max(other):,.1f}x"))

    for direction in ("produce", "consume"):
        mine, other = getattr(ours, direction), getattr(theirs, direction)
        more(f"{direction}, messages/s", [m.rate(messages) for m in mine], [m.rate(messages) for m in other])
        more(
            f"{direction}, messages per CPU second of the broker",
            [m.per_cpu_second(messages) for m in mine],
            [m.per_cpu_second(messages) for m in other],
        )
    less("resident when started, MB", ours.resident_mb, theirs.resident_mb)
    less("resident at the most, MB", ours.peak_resident_mb, theirs.peak_resident_mb)
    less("started after, ms", ours.started_ms, theirs.started_ms)
    return rows


def main() -> None:
    """Parse the command line, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=1_000_000, help="messages a round (default: %(default)s)")
    parser.add_argument("--size", type=int, default=200, help="bytes of each message (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds that count (default: %(default)s)")
    parser.add_argument("--warm-up", type=int, default=1, help="rounds that don't (default: %(default)s)")
    parser.add_argument("--codec", default="none", choices=["none", "gzip", "snappy", "lz4", "zstd"])
    parser.add_argument("--congestion-control", default="reno", help="of TCP, for all parties (default: %(default)s)")
    parser.add_argument(
        "--directory", type=Path, help="where both keep their data (default: the system's temporary one)"
    )
    parser.add_argument("--json", action="store_true", help="print every measurement as JSON")
    options = parser.parse_args()
    with congestion_control(options.congestion_control) as in_force:
        results = compare(options)
    setting = {
        "messages": options.messages,
        "size": options.size,
        "codec": options.codec,
        "rounds": options.rounds,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "tcp_congestion_control": in_force,
        "client": f"confluent-kafka {version('confluent-kafka')}, librdkafka {libversion()[0]}",
    }
    if options.json:
        print(json.dumps({"setting": setting, "results": [asdict(result) for result in results]}, indent=2))
        return
    rows = table(results, options.messages)
    show(rows)
    print("\nbest of the rounds (median); " + ", ".join(f"{name} {value}" for name, value in setting.items()))


if __name__ == "__main__":
    main()
