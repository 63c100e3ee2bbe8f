"""Brokers, topics and peers for the tests."""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined] # its stub forgets to export it

from clients.program import PEERS

if TYPE_CHECKING:
    from kafkalite import Broker

_NUMBERS = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option that turns the tests of foreign clients to another cluster."""
    parser.addoption(
        "--kafka-bootstrap-servers",
        metavar="HOST:PORT",
        help="run the tests of foreign clients against this Kafka instead of a kafkalite of their own",
    )


def pytest_configure() -> None:
    """Have Ctrl-C mean something: a shell's background job ignores it, and so would all that a test starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def broker() -> "Iterator[Broker]":
    """One broker inside this process for all tests that need no other."""
    from kafkalite import Broker

    with Broker() as broker:
        yield broker


@pytest.fixture
def make_topic(broker: "Broker") -> Callable[..., str]:
    """Create topics on ``broker``, each of a new name."""

    def make(partitions: int = 1, config: Mapping[str, object] | None = None) -> str:
        name = f"topic-{next(_NUMBERS)}"
        broker.create_topic(name, partitions, config=config)
        return name

    return make


@pytest.fixture
def topic(make_topic: Callable[..., str]) -> str:
    """A new topic of one partition on ``broker``."""
    return make_topic()


@dataclass(frozen=True)
class Daemon:
    """A broker in a process of its own."""

    process: subprocess.Popen[str]
    bootstrap_servers: str
    data_dir: Path

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(30)


@pytest.fixture
def start_daemon(tmp_path: Path) -> Iterator[Callable[..., Daemon]]:
    """Start ``python -m kafkalite.broker`` with these arguments; what still runs at the end is killed by its id."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, data_dir: Path = tmp_path / "data") -> Daemon:
        command = [sys.executable, "-m", "kafkalite.broker", "-d", str(data_dir), "-p", "0", "--json", *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"the daemon ended with {process.wait(30)} before it was ready"
        ready = json.loads(line)
        return Daemon(process, ready["bootstrap_servers"], data_dir)

    yield start
    for process in started:
        process.kill()
        process.wait(30)
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture
def daemon(start_daemon: Callable[..., Daemon]) -> Daemon:
    """A daemon with an empty directory."""
    return start_daemon()


@pytest.fixture(scope="session")
def need_peer() -> Callable[[str], None]:
    """Make sure that a peer is installed: skip with the reason if this machine cannot have it."""
    answers: dict[str, str] = {}

    def need(name: str) -> None:
        if name not in answers:
            done = subprocess.run([PEERS / name, "install"], capture_output=True, text=True, check=False)
            answers[name] = "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["?"])[-1]
        if answers[name] and os.environ.get("KAFKALITE_REQUIRE_PEERS") == "1":
            pytest.fail(f"{name} is required here: {answers[name]}")
        if answers[name]:
            pytest.skip(f"{name}: {answers[name]}")

    return need


@contextlib.contextmanager
def running(peer: str, directory: Path) -> Iterator[str]:
    """Run a server of somebody else's while this is entered: where it listens."""
    environment = {**os.environ, "PEERS_OWNER": str(os.getpid())}
    started = subprocess.run(
        [PEERS / peer, "start", directory, "0"], env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    yield started.stdout.split()[1]
    subprocess.run([PEERS / peer, "stop", directory, "KILL"], check=True)


@pytest.fixture(scope="session")
def apache_kafka(need_peer: Callable[[str], None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Apache Kafka's own broker: its bootstrap servers."""
    need_peer("kafka")
    with running("kafka", tmp_path_factory.mktemp("apache-kafka")) as servers:
        yield servers


@pytest.fixture(scope="session")
def zookeeper(need_peer: Callable[[str], None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of Apache ZooKeeper: where it listens."""
    need_peer("zookeeper")
    with running("zookeeper", tmp_path_factory.mktemp("zookeeper")) as address:
        yield address


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> str:
    """Whom foreign clients talk to: the bootstrap servers of kafkalite, or of the cluster that the option names."""
    servers = request.config.getoption("--kafka-bootstrap-servers")
    return str(servers or request.getfixturevalue("broker").bootstrap_servers)


@pytest.fixture(scope="session")
def admin(cluster: str) -> AdminClient:
    """The admin client of librdkafka."""
    return AdminClient({"bootstrap.servers": cluster})


@pytest.fixture
def cluster_topic(admin: AdminClient) -> Callable[..., str]:
    """Create topics on ``cluster``, each of a new name, as a foreign client does."""

    def create(partitions: int = 1, **config: str) -> str:
        name = f"foreign-{os.getpid()}-{next(_NUMBERS)}"
        settings = {key.replace("_", "."): value for key, value in config.items()}
        topic = NewTopic(name, num_partitions=partitions, replication_factor=1, config=settings)
        admin.create_topics([topic], operation_timeout=30)[name].result(30)
        deadline = time.monotonic() + 20  # Apache Kafka's brokers hear of it from its controller a little later
        while len(admin.list_topics(name, timeout=10).topics[name].partitions) != partitions:
            assert time.monotonic() < deadline, f"{name} does not appear"
            time.sleep(0.05)
        return name

    return create
