"""Settings key by key as Apache Kafka describes them, copied from one to the other, and refused where it refuses."""

import itertools
import os
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from clients.groups import eventually
from clients.program import PEERS
from kafkalite import Admin, Broker

_DESCRIBE_CONFIGS, _INCREMENTAL_ALTER_CONFIGS = 32, 44
_TOPIC, _BROKER, _GROUP = 2, 4, 32
_SET = 0
_SET_AT_THE_START = 4
_INVALID_CONFIG = 40
_NUMBERS = itertools.count(1)

# Where we differ, and why: one broker in a process of somebody else's.
_OTHER_DEFAULTS = {
    "advertised.listeners",  # told as it is in force, also when it is not set
    "consumer.heartbeat.interval.ms",  # 1 s instead of 5: with few members changes may be heard of sooner
    "group.consumer.heartbeat.interval.ms",
    "group.consumer.min.heartbeat.interval.ms",
    "group.consumer.min.session.timeout.ms",  # as in the classic protocol
    "group.initial.rebalance.delay.ms",
    "listeners",  # KRaft's controllers listen too
    "log.dir",
    "log.dirs",
    "num.partitions",  # set for the peer
    "offsets.topic.num.partitions",  # 1 instead of 50: nobody to share them with
    "queued.max.request.bytes",  # bounded: we are a guest
    "socket.receive.buffer.bytes",  # the system's choice
    "socket.send.buffer.bytes",
}
_OTHER_CHANGE = {
    "connections.max.idle.ms",  # dynamic here
    "listeners",  # not dynamic here
}
_OTHER_SYNONYMS = {
    "broker.id",  # two names of one setting here
    "min.insync.replicas",  # a new cluster of Kafka's sets it for all its brokers
    "node.id",
}


class Setting(NamedTuple):
    """One setting, without what is only words."""

    value: str | None
    read_only: bool
    source: int
    type: int
    synonyms: list[tuple[str | None, str | None, int]]
    documented: bool


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def number(self, form: str) -> Any:
        (value,) = struct.unpack_from(f">{form}", self._data, self._at)
        self._at += struct.calcsize(f">{form}")
        return value

    def text(self) -> str | None:
        length = self.number("h")
        if length < 0:
            return None
        self._at += length
        return self._data[self._at - length : self._at].decode()


def _text(value: str) -> bytes:
    return struct.pack(">h", len(value.encode())) + value.encode()


def _ask(servers: str, api: int, version: int, body: bytes) -> _Reader:
    host, _, port = servers.rpartition(":")
    message = struct.pack(">hhi", api, version, 1) + _text("test") + body
    with socket.create_connection((host, int(port)), 30) as connection, connection.makefile("rb") as answers:
        connection.sendall(struct.pack(">i", len(message)) + message)
        (length,) = struct.unpack(">i", answers.read(4))
        answer = _Reader(answers.read(length))
    assert answer.number("i") == 1
    answer.number("i")  # throttled for
    return answer


def described(servers: str, kind: int, name: str) -> dict[str, Setting]:
    """Return all settings of a resource, as version 3 of DescribeConfigs tells them."""
    body = struct.pack(">ib", 1, kind) + _text(name) + struct.pack(">ibb", -1, 1, 1)
    answer = _ask(servers, _DESCRIBE_CONFIGS, 3, body)
    assert answer.number("i") == 1
    error, message = answer.number("h"), answer.text()
    assert error == 0, message
    assert (answer.number("b"), answer.text()) == (kind, name)
    settings: dict[str, Setting] = {}
    for _ in range(answer.number("i")):
        key, value, read_only, source, _sensitive = answer.text(), answer.text(), *map(answer.number, "?b?")
        synonyms = [(answer.text(), answer.text(), answer.number("b")) for _ in range(answer.number("i"))]
        type_, documented = answer.number("b"), bool(answer.text())
        assert key is not None
        settings[key] = Setting(value, read_only, source, type_, synonyms, documented)
    return settings


def altered(servers: str, kind: int, name: str, settings: dict[str, str], *, only_check: bool = False) -> int:
    """Set all of these, or check that one could, and return the code of the answer."""
    body = struct.pack(">ib", 1, kind) + _text(name) + struct.pack(">i", len(settings))
    for key, value in settings.items():
        body += _text(key) + struct.pack(">b", _SET) + _text(value)
    answer = _ask(servers, _INCREMENTAL_ALTER_CONFIGS, 0, body + struct.pack(">?", only_check))
    assert answer.number("i") == 1
    code: int = answer.number("h")
    return code


@pytest.fixture
def beside(broker: Broker, apache_kafka: str) -> tuple[str, str, str]:
    """Return both bootstrap servers, and a topic that both have."""
    name = f"beside-{os.getpid()}-{next(_NUMBERS)}"
    with Admin(broker) as ours, Admin(apache_kafka) as theirs:
        ours.create_topic(name)
        theirs.create_topic(name)
    return broker.bootstrap_servers, apache_kafka, name


@pytest.mark.parametrize("kind", [_TOPIC, _BROKER, _GROUP])
def test_every_setting_is_described_as_apache_kafka_describes_it(beside: tuple[str, str, str], kind: int) -> None:
    ours, theirs, topic = beside
    name = "0" if kind == _BROKER else topic
    here, there = described(ours, kind, name), described(theirs, kind, name)
    assert all(setting.documented for setting in here.values())
    if kind != _BROKER:
        assert here.keys() == there.keys()
    shared = sorted(here.keys() & there.keys())
    assert len(shared) >= {_TOPIC: 37, _BROKER: 100, _GROUP: 21}[kind]
    assert {key: here[key].type for key in shared} == {key: there[key].type for key in shared}
    for key in shared:
        own, kafkas = here[key], there[key]
        if key in _OTHER_CHANGE:
            own = own._replace(read_only=kafkas.read_only)
        if key in _OTHER_DEFAULTS | _OTHER_SYNONYMS or _SET_AT_THE_START in {own.source, kafkas.source}:
            own, kafkas = (each._replace(value=None, source=0, synonyms=[]) for each in (own, kafkas))
        assert own == kafkas, key


@pytest.fixture
def both_started_with(need_peer: Callable[[str], None], tmp_path: Path) -> Iterator[Callable[..., tuple[str, str]]]:
    """Return what starts both brokers with the same settings, and then their bootstrap servers."""
    need_peer("kafka")
    with ExitStack() as running:

        def start(**settings: str) -> tuple[str, str]:
            pairs = {name.replace("_", "."): value for name, value in settings.items()}
            broker = running.enter_context(Broker(config=pairs))
            arguments = [PEERS / "kafka", "start", tmp_path, "0", *(f"{name}={value}" for name, value in pairs.items())]
            environment = {**os.environ, "PEERS_OWNER": str(os.getpid())}
            started = subprocess.run(arguments, env=environment, stdout=subprocess.PIPE, text=True, check=True)
            running.callback(subprocess.run, [PEERS / "kafka", "stop", tmp_path, "KILL"], check=True)
            return broker.bootstrap_servers, started.stdout.split()[1]

        yield start


def test_a_setting_says_which_of_the_broker_s_stands_in_for_it(
    both_started_with: Callable[..., tuple[str, str]],
) -> None:
    both = both_started_with(
        log_retention_minutes="77", log_retention_hours="9", log_roll_hours="5", log_segment_bytes="2097152"
    )
    own = {"retention.ms": "100000", "segment.ms": "5000000"}
    for servers in both:
        with Admin(servers) as admin:
            admin.create_topic("plain")
            admin.create_topic("own", config=own)

    def told(servers: str) -> dict[str, dict[str, Setting]]:
        names = (
            *("retention.ms", "segment.ms", "segment.jitter.ms", "flush.ms", "segment.bytes"),
            *("log.retention.ms", "log.roll.ms", "log.flush.interval.ms", "log.segment.bytes"),
        )
        resources = [(_TOPIC, "plain"), (_TOPIC, "own"), (_BROKER, "0"), (_BROKER, "")]
        return {
            name: {key: each for key, each in described(servers, kind, name).items() if key in names}
            for kind, name in resources
        }

    ours, theirs = both
    assert told(ours) == told(theirs)
    for servers in both:
        assert altered(servers, _BROKER, "", {"log.retention.ms": "8000000", "log.roll.ms": "6000000"}) == 0
        assert altered(servers, _BROKER, "0", {"log.retention.ms": "9000000", "log.flush.interval.ms": "444"}) == 0
    # Apache Kafka's broker hears of it a moment later.
    eventually("the same sources", lambda: told(ours) == told(theirs))


def test_all_settings_of_a_topic_are_copied_there_and_back(beside: tuple[str, str, str]) -> None:
    ours, theirs, topic = beside
    own = {"retention.ms": "100000", "cleanup.policy": "", "segment.bytes": "2097152", "compression.zstd.level": "7"}
    assert altered(theirs, _TOPIC, topic, own) == 0

    def values(servers: str) -> dict[str, str]:
        return {key: each.value or "" for key, each in described(servers, _TOPIC, topic).items()}

    eventually("the change", lambda: values(theirs).items() >= own.items())
    everything = values(theirs)
    assert altered(ours, _TOPIC, topic, everything) == 0
    assert values(ours) == everything
    assert altered(theirs, _TOPIC, topic, values(ours)) == 0


def test_what_apache_kafka_refuses_of_a_topic_is_refused_and_nothing_else(beside: tuple[str, str, str]) -> None:
    ours, theirs, topic = beside
    tried = (
        "",
        "-3",
        "-1",
        "0",
        "1",
        "10",
        "22",
        "1048575",
        "1048576",
        "2147483647",
        "2147483648",
        "true",
        "delete",
        "x",
    )
    verdicts = {
        servers: {
            (key, value): altered(servers, _TOPIC, topic, {key: value}, only_check=True)
            for key in described(theirs, _TOPIC, topic)
            for value in tried
        }
        for servers in (ours, theirs)
    }
    differing = {
        pair: (code, verdicts[theirs][pair]) for pair, code in verdicts[ours].items() if code != verdicts[theirs][pair]
    }
    assert differing == {}
    assert set(verdicts[ours].values()) == {0, _INVALID_CONFIG}


def test_a_list_that_is_not_set_is_appended_to_from_kafkas_default():
    # As Apache Kafka 4.4 does: from what Kafka's own table says, whatever the broker has been started with.
    with Broker(config={"log.cleanup.policy": "compact"}) as broker, Admin(broker) as admin:
        number = admin.describe_cluster().brokers[0].id
        for name, where in (("cleanup.policy", {"topic": "lists"}), ("log.cleanup.policy", {"broker": number})):
            if "topic" in where:
                admin.create_topic("lists")
            for change, expected in (
                ({"append": {name: "compact"}}, "delete,compact"),
                ({"subtract": {name: "compact"}}, "delete"),
            ):
                admin.alter_config({name: None}, **where)
                assert admin.describe_config(**where)[name].value == "compact"
                admin.alter_config(**change, **where)
                assert admin.describe_config(**where)[name].value == expected
