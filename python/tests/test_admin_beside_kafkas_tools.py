"""Our command line beside Apache Kafka's own tools: the same facts of the same state, of our broker and theirs."""

import itertools
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from clients.program import PEERS
from kafkalite import Admin, GroupError

GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
TOPICS = "org.apache.kafka.tools.TopicCommand"
CONFIGS = "org.apache.kafka.tools.ConfigCommand"
_NUMBERS = itertools.count(1)


@pytest.fixture(params=["kafkalite", "apache"])
def servers(request, need_peer):
    """Each of the two brokers in turn."""
    need_peer("kafka")
    if request.param == "apache":
        return request.getfixturevalue("apache_kafka")
    return request.getfixturevalue("broker").bootstrap_servers


@pytest.fixture
def kafkas(servers):
    """Run one of Kafka's tools and return what it printed."""

    def run(name, *arguments):
        command = [PEERS / "kafka", "run", name, "--bootstrap-server", servers, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def ours(servers):
    """Run one of our commands and return its JSON document."""

    def run(*arguments):
        command = [sys.executable, "-m", "kafkalite", *arguments, "-b", servers, "--json"]
        return json.loads(subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout)

    return run


@pytest.fixture
def names():
    number = next(_NUMBERS)
    return f"beside-topic-{os.getpid()}-{number}", f"beside-group-{os.getpid()}-{number}"


@pytest.fixture
def topic(servers, names):
    """A topic of three partitions, two of which have ten messages."""
    name, _ = names
    with Admin(servers) as admin:
        admin.create_topic(name, 3, config={"retention.ms": 600_000, "segment.bytes": 2_000_000})
    producer = Producer({"bootstrap.servers": servers})
    for number in range(20):
        producer.produce(name, str(number), partition=number % 2)
    assert producer.flush(30) == 0
    return name


def table(text):
    """Return the lines of a table of Kafka's tools as dictionaries, without where nothing stands."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    start = next(number for number, line in enumerate(lines) if line[0] == "GROUP")
    return [
        {name: None if value == "-" else value for name, value in zip(lines[start], line, strict=False)}
        for line in lines[start + 1 :]
    ]


def of_kafka(rows):
    """Return what Kafka's tool says of each partition, in our words."""
    numbers = lambda row, name: None if row[name] is None else int(row[name])  # noqa: E731 - twice in one place
    return sorted(
        (
            row["GROUP"],
            row["TOPIC"],
            int(row["PARTITION"]),
            numbers(row, "CURRENT-OFFSET"),
            numbers(row, "LOG-END-OFFSET"),
            numbers(row, "LAG"),
            row["CONSUMER-ID"],
            row["HOST"],
            row["CLIENT-ID"],
        )
        for row in rows
    )


def of_ours(group):
    """Return what we say of each partition."""
    keys = ("topic", "partition", "committed", "end", "lag", "member_id", "host", "client_id")
    return sorted((group["group"], *(part[key] for key in keys)) for part in group["partitions"])


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_group_with_members_is_the_same_group(servers, kafkas, ours, topic, names, protocol):
    _, group = names
    settings = {"bootstrap.servers": servers, "group.id": group, "auto.offset.reset": "earliest"}
    settings |= {"group.protocol": protocol, "enable.auto.commit": False}
    consumers = [Consumer({**settings, "client.id": f"client-{number}"}) for number in range(2)]
    for consumer in consumers:
        consumer.subscribe([topic])
    while sum(len(consumer.assignment()) for consumer in consumers) != 3 or not all(
        consumer.assignment() for consumer in consumers
    ):
        for consumer in consumers:
            consumer.poll(0.1)
    for consumer in consumers:
        mine = [TopicPartition(topic, place.partition, 4) for place in consumer.assignment() if place.partition < 2]
        if mine:
            consumer.commit(offsets=mine, asynchronous=False)
    with ThreadPoolExecutor() as at_once:  # the members must not be idle for as long as a JVM takes to start, twice
        of_partitions = at_once.submit(kafkas, GROUPS, "--describe", "--group", group)
        of_members = at_once.submit(kafkas, GROUPS, "--describe", "--group", group, "--members", "--verbose")
        of_state = at_once.submit(kafkas, GROUPS, "--describe", "--group", group, "--state")
        (described,) = ours("group", "describe", group)
    assert of_ours(described) == of_kafka(table(of_partitions.result()))
    assert {part["lag"] for part in described["partitions"]} == {6, None}
    members = {
        (row["CONSUMER-ID"], row["HOST"], row["CLIENT-ID"], int(row["#PARTITIONS"]))
        for row in table(of_members.result())
    }
    assert members == {
        (member["member_id"], member["host"], member["client_id"], len(member["assignment"]))
        for member in described["members"]
    }
    state = " ".join(of_state.result().split())
    broker = described["coordinator"]
    assert f"{broker['host']}:{broker['port']} ({broker['id']})" in state
    assert f"{described['assignor']} {described['state']}" in state
    for consumer in consumers:
        consumer.close()


def test_a_group_is_reset_to_the_same_offsets(servers, kafkas, ours, topic, names):
    _, group = names
    with Admin(servers) as admin:
        admin.reset_group(group, topic, to=5)
    for theirs, our in (
        (["--to-earliest"], ["--to", "earliest"]),
        (["--to-offset", "500"], ["--to", "500"]),
        (["--shift-by", "-3"], ["--by", "-3"]),
    ):
        planned = table(kafkas(GROUPS, "--reset-offsets", "--group", group, "--all-topics", *theirs, "--dry-run"))
        changes = ours("group", "reset", group, *our, "--dry-run")["changes"]
        expected = {(row["TOPIC"], int(row["PARTITION"]), int(row["NEW-OFFSET"])) for row in planned}
        assert {(change["topic"], change["partition"], change["after"]) for change in changes} == expected, our
    (described,) = ours("group", "describe", group)
    assert of_ours(described) == of_kafka(table(kafkas(GROUPS, "--describe", "--group", group)))
    listed = {row["group"]: row for row in ours("group", "list")}
    states = table(kafkas(GROUPS, "--list", "--state"))
    assert {row["GROUP"]: row["STATE"] for row in states}[group] == listed[group]["state"]


def test_topics_have_the_same_partitions_and_settings(kafkas, ours, topic):
    said = kafkas(TOPICS, "--describe", "--topic", topic)
    (described,) = ours("topic", "describe", topic)
    partition = re.compile(r"Partition: (\d+)\s+Leader: (\d+)\s+Replicas: (\S+)\s+Isr: (\S+)")
    theirs = {
        (int(number), int(leader), tuple(map(int, replicas.split(","))), tuple(map(int, in_sync.split(","))))
        for number, leader, replicas, in_sync in partition.findall(said)
    }
    assert theirs == {
        (part["partition"], part["leader"], tuple(part["replicas"]), tuple(part["in_sync"]))
        for part in described["partitions"]
    }
    assert re.search(r"TopicId: (\S+)", said)[1] == described["id"]
    named = dict(pair.split("=", 1) for pair in re.search(r"Configs: (\S*)", said)[1].split(","))
    assert described["config"].items() <= named.items()
    assert set(kafkas(TOPICS, "--list").split()) == {row["name"] for row in ours("topic", "list", "--internal")}


@pytest.mark.parametrize("kind", ["topic", "broker"])
def test_settings_are_the_same_with_defaults_and_without(kafkas, ours, servers, topic, kind):
    with Admin(servers) as admin:
        broker = str(admin.describe_cluster().brokers[0].id)
    name = topic if kind == "topic" else broker
    said = kafkas(CONFIGS, "--describe", f"--{kind}", name, "--all")
    theirs = dict(re.findall(r"^  (\S+?)=(.*?) sensitive=", said, re.MULTILINE))
    entries = {entry["name"]: entry["value"] for entry in ours("config", "show", kind, name, "--all")}
    assert {key: "null" if value is None else value for key, value in entries.items()} == theirs


def test_what_one_changes_the_other_shows(kafkas, ours, topic):
    ours("config", "set", "topic", topic, "retention.ms=700000")
    kafkas(CONFIGS, "--alter", "--topic", topic, "--add-config", "max.message.bytes=3000")
    assert "retention.ms=700000" in kafkas(CONFIGS, "--describe", "--topic", topic)
    shown = {entry["name"]: entry["value"] for entry in ours("config", "show", "topic", topic)}
    assert (shown["retention.ms"], shown["max.message.bytes"]) == ("700000", "3000")


@pytest.mark.parametrize("servers", ["apache"], indirect=True)
def test_a_group_of_another_type_is_listed_and_not_called_missing(servers, kafkas, topic, names):
    group = names[1]
    kafkas(
        "org.apache.kafka.tools.consumer.ConsoleShareConsumer",
        "--topic",
        topic,
        "--group",
        group,
        "--timeout-ms",
        "5000",
    )
    with Admin(servers) as admin:
        assert group in [each.group for each in admin.list_groups(types="share")]
        for call in (
            lambda: admin.describe_group(group),
            lambda: admin.delete_group(group),
            lambda: admin.reset_group(group, topic, to=0),
            lambda: admin.reset_group(group, topic, to=0, dry_run=True),
        ):
            with pytest.raises(GroupError, match="is of type share, which only Kafka's own tools"):
                call()
