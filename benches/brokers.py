"""Brokers in processes of their own, for the benchmarks beside this file: ours, and Apache Kafka's."""

import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PARTIES", "PEERS", "Running", "congestion_control", "show"]

PEERS = Path(__file__).parents[1] / "tests" / "peers"
PEER = PEERS / "kafka"
CONGESTION_CONTROL = Path("/proc/sys/net/ipv4/tcp_congestion_control")
API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, -1)  # version 0, correlation id 1, no client id


@dataclass(frozen=True)
class Running:
    """A broker that answers."""

    servers: str
    pid: int
    started_ms: float

    def cpu_seconds(self) -> float:
        """What the process has used since it began."""
        # The clock that clock_getcpuclockid(3) names; /proc/PID/stat shows the same time, but in ticks of 10 ms.
        return time.clock_gettime((~self.pid << 3) | 2)

    def kill(self) -> None:
        """Kill it, as a crash would."""
        os.kill(self.pid, signal.SIGKILL)

    def memory_mb(self, line: str) -> float:
        """A line of the process's status: VmRSS or VmHWM."""
        status = dict(line.split(":", 1) for line in Path(f"/proc/{self.pid}/status").read_text().splitlines())
        return int(status[line].split()[0]) * 1024 / 1e6


def free_port() -> int:
    """Return a port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def wait_until_it_answers(port: int, process: subprocess.Popen[bytes]) -> None:
    """Ask for the versions until an answer comes."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.sendall(API_VERSIONS)
            if len(connection.recv(8)) == len(struct.pack(">ii", 0, 0)):
                return
        if process.poll() not in {None, 0}:
            break
        time.sleep(0.001)
    message = f"no broker came up on port {port}"
    raise RuntimeError(message)


@contextlib.contextmanager
def kafkalite(directory: Path) -> Iterator[Running]:
    """Run our daemon."""
    port = free_port()
    began = time.perf_counter()
    command = [sys.executable, "-m", "kafkalite.broker", "-q", "-d", str(directory), "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        wait_until_it_answers(port, process)
        yield Running(f"127.0.0.1:{port}", process.pid, (time.perf_counter() - began) * 1000)
    finally:
        process.terminate()
        process.wait(120)


@contextlib.contextmanager
def apache_kafka(directory: Path) -> Iterator[Running]:
    """Run Apache Kafka through the tests' script: once to format the directory, then for good."""
    environment = {**os.environ, "PEERS_OWNER": str(os.getpid())}
    start = [str(PEER), "start", str(directory), "0"]  # a free port, which the directory keeps
    stop = [str(PEER), "stop", str(directory)]
    if not (directory / "server.properties").exists():
        subprocess.run(start, env=environment, stdout=subprocess.DEVNULL, check=True)
        subprocess.run(stop, check=True)
    settings = (directory / "server.properties").read_text().splitlines()
    (listeners,) = (line for line in settings if line.startswith("listeners="))
    port = int(listeners.split(",")[0].rsplit(":", 1)[1])
    began = time.perf_counter()
    process = subprocess.Popen(start, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_until_it_answers(port, process)
        started = (time.perf_counter() - began) * 1000
        process.wait(60)
        yield Running(f"127.0.0.1:{port}", int((directory / "pid").read_text()), started)
    finally:
        subprocess.run(stop, check=True)


@contextlib.contextmanager
def congestion_control(wanted: str) -> Iterator[str]:
    """Set the machine's for the time of the run if that is allowed, and yield the one in force."""
    before = CONGESTION_CONTROL.read_text().strip()
    try:
        CONGESTION_CONTROL.write_text(wanted)
    except OSError:
        yield before
        return
    try:
        yield wanted
    finally:
        CONGESTION_CONTROL.write_text(before)


PARTIES = {"kafkalite": kafkalite, "Apache Kafka": apache_kafka}


def show(rows: list[tuple[str, ...]]) -> None:
    """Print a table: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for what, *cells in rows:
        print("  ".join([what.ljust(widths[0]), *map(str.rjust, cells, widths[1:])]))
