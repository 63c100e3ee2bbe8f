"""Apache Kafka's consumer-group tool and console consumer, and kcat, against our groups."""

import itertools
import json
import os
import subprocess

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from clients.program import PEERS, run

GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"
CONSOLE = "org.apache.kafka.tools.consumer.ConsoleConsumer"
DUMP = "org.apache.kafka.tools.DumpLogSegments"
_NUMBERS = itertools.count(1)


@pytest.fixture
def tool(need_peer, cluster):
    """Run one of Kafka's tools against the cluster and return what it printed."""
    need_peer("kafka")

    def call(name, *arguments):
        command = [PEERS / "kafka", "run", name, "--bootstrap-server", cluster, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, f"{name} {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return call


@pytest.fixture
def group():
    """A new group's id."""
    return f"tool-group-{os.getpid()}-{next(_NUMBERS)}"


@pytest.fixture
def topic(cluster, cluster_topic):
    """A topic of two partitions with 100 numbers in each."""
    topic = cluster_topic(2)
    producer = Producer({"bootstrap.servers": cluster})
    for number in range(200):
        producer.produce(topic, str(number), partition=number % 2)
    assert producer.flush(30) == 0
    return topic


def rows(table):
    """Return the lines of a table of Kafka's tools as dictionaries."""
    lines = [line.split() for line in table.splitlines() if line.strip()]
    start = next(number for number, line in enumerate(lines) if line[0] == "GROUP")
    return [dict(zip(lines[start], line, strict=False)) for line in lines[start + 1 :]]


def test_the_console_consumer_reads_in_a_group_and_goes_on_there(tool, topic, group):
    arguments = ("--topic", topic, "--group", group, "--from-beginning", "--timeout-ms", "20000")
    first = tool(CONSOLE, *arguments, "--max-messages", "150").split()
    rest = tool(CONSOLE, *arguments, "--max-messages", "50").split()
    assert sorted(map(int, first + rest)) == list(range(200))
    described = rows(tool(GROUPS, "--describe", "--group", group))
    assert {row["PARTITION"]: (row["CURRENT-OFFSET"], row["LAG"]) for row in described} == {
        "0": ("100", "0"),
        "1": ("100", "0"),
    }


def test_groups_are_listed_reset_and_deleted(tool, cluster, topic, group):
    consumer = Consumer({"bootstrap.servers": cluster, "group.id": group})
    consumer.commit(offsets=[TopicPartition(topic, 0, 30), TopicPartition(topic, 1, 100)], asynchronous=False)
    consumer.close()
    assert group in tool(GROUPS, "--list").split()
    state = rows(tool(GROUPS, "--describe", "--group", group, "--state"))
    assert "Empty" in json.dumps(state)

    def lags():
        return {row["PARTITION"]: row["LAG"] for row in rows(tool(GROUPS, "--describe", "--group", group))}

    assert lags() == {"0": "70", "1": "0"}
    tool(GROUPS, "--reset-offsets", "--group", group, "--topic", topic, "--to-earliest", "--dry-run")
    assert lags() == {"0": "70", "1": "0"}
    tool(GROUPS, "--reset-offsets", "--group", group, "--topic", topic, "--shift-by", "-10", "--execute")
    assert lags() == {"0": "80", "1": "10"}
    assert "Successful" in tool(GROUPS, "--delete-offsets", "--group", group, "--topic", f"{topic}:1")
    assert lags() == {"0": "80", "1": "-"} or lags() == {"0": "80"}
    assert "successful" in tool(GROUPS, "--delete", "--group", group)
    assert group not in tool(GROUPS, "--list").split()


def test_members_are_described_with_what_they_consume(tool, cluster, topic, group):
    consumer = Consumer({"bootstrap.servers": cluster, "group.id": group, "client.id": "me"})
    consumer.subscribe([topic])
    for _ in range(300):
        consumer.poll(0.1)
        if consumer.assignment():
            break
    (member,) = rows(tool(GROUPS, "--describe", "--group", group, "--members", "--verbose"))
    offsets = rows(tool(GROUPS, "--describe", "--group", group, "--offsets", "--verbose"))
    refused = tool(GROUPS, "--reset-offsets", "--group", group, "--topic", topic, "--to-earliest", "--execute")
    consumer.close()
    assert member["CLIENT-ID"] == "me"
    assert member["#PARTITIONS"] == "2"
    assert "/127.0.0.1" in json.dumps(member)
    assert [(row["PARTITION"], row["LOG-END-OFFSET"], row["CLIENT-ID"]) for row in offsets] == [
        ("0", "100", "me"),
        ("1", "100", "me"),
    ]
    assert "current state is Stable" in refused


def test_kafkas_dump_tool_decodes_what_we_store(need_peer, start_daemon):
    need_peer("kafka")
    daemon = start_daemon()
    producer = Producer({"bootstrap.servers": daemon.bootstrap_servers})
    producer.produce("t", b"1")
    assert producer.flush(30) == 0
    settings = {"group.id": "dumped", "group.instance.id": "one", "auto.offset.reset": "earliest"}
    consumer = Consumer({"bootstrap.servers": daemon.bootstrap_servers, **settings})
    consumer.subscribe(["t"])
    assert consumer.consume(1, 30)
    consumer.commit(asynchronous=False)
    consumer.close()
    daemon.stop()
    (log,) = (daemon.data_dir / "__consumer_offsets-0").glob("*.log")
    command = [PEERS / "kafka", "run", DUMP, "--offsets-decoder", "--files", log]
    dumped = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert '{"group":"dumped","topic":"t","partition":0}' in dumped
    assert '"groupInstanceId":"one"' in dumped
    assert "isvalid: false" not in dumped


def test_kcat_consumes_in_a_group(need_peer, cluster, topic, group):
    need_peer("kcat")
    settings = ["-X", "auto.offset.reset=earliest", "-X", "session.timeout.ms=6000"]
    output = run("kcat", "run", "-b", cluster, "-G", group, *settings, "-q", "-c", "200", topic)
    assert sorted(map(int, output.split())) == list(range(200))
