"""Apache Kafka's own command-line tools, which are its Java clients, against our broker."""

import json
import re
import subprocess
import time

import pytest
from confluent_kafka import Producer

from clients.program import PEERS

FIRST = int(time.time() * 1000) - 3_600_000  # recent: retention would take what is old, at any moment
TOOLS = "org.apache.kafka.tools"


@pytest.fixture
def tool(need_peer, cluster):
    """Run one of Kafka's tools against the cluster and return what it printed."""
    need_peer("kafka")

    def run(name, *arguments, stdin=""):
        command = [PEERS / "kafka", "run", name, "--bootstrap-server", cluster, *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, f"{name} {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


def fill(cluster, topic, partition, values):
    producer = Producer({"bootstrap.servers": cluster})
    for number, value in enumerate(values):
        producer.produce(topic, value, partition=partition, timestamp=FIRST + number)
    assert producer.flush(30) == 0


def test_topics_are_created_described_extended_and_deleted(tool, cluster_topic):
    topic = cluster_topic() + "-by-tool"
    tool(f"{TOOLS}.TopicCommand", "--create", "--topic", topic, "--partitions", "2", "--config", "retention.ms=60000")
    assert topic in tool(f"{TOOLS}.TopicCommand", "--list").split()
    described = tool(f"{TOOLS}.TopicCommand", "--describe", "--topic", topic)
    assert "PartitionCount: 2" in described
    assert "retention.ms=60000" in described
    leaders = set(re.findall(r"Leader: (\S+)\s+Replicas: (\S+)\s+Isr: (\S+)", described))
    assert len(leaders) == 1
    ((leader, replicas, isr),) = leaders
    assert leader.isdigit()
    assert leader == replicas == isr

    tool(f"{TOOLS}.TopicCommand", "--alter", "--topic", topic, "--partitions", "5")
    assert "PartitionCount: 5" in tool(f"{TOOLS}.TopicCommand", "--describe", "--topic", topic)

    tool(f"{TOOLS}.TopicCommand", "--delete", "--topic", topic)
    assert topic not in tool(f"{TOOLS}.TopicCommand", "--list").split()


def test_topic_settings_are_shown_changed_and_reset(tool, cluster_topic):
    topic = cluster_topic()
    configs = "org.apache.kafka.tools.ConfigCommand"
    tool(configs, "--alter", "--topic", topic, "--add-config", "segment.bytes=2097152,max.message.bytes=2000")
    shown = tool(configs, "--describe", "--topic", topic)
    assert "segment.bytes=2097152" in shown
    assert "max.message.bytes=2000" in shown
    tool(configs, "--alter", "--topic", topic, "--delete-config", "segment.bytes")
    shown = tool(configs, "--describe", "--topic", topic)
    assert "segment.bytes=2097152" not in shown
    assert "max.message.bytes=2000" in shown
    everything = tool(configs, "--describe", "--all", "--topic", topic)
    for name, default in {
        "retention.ms": "604800000",
        "cleanup.policy": "delete",
        "segment.bytes": "1073741824",
    }.items():
        assert f"{name}={default} " in everything
    assert re.search(r"max.message.bytes=2000 .*DYNAMIC_TOPIC_CONFIG:max.message.bytes=2000", everything)


def test_broker_settings_are_shown(tool):
    versions = tool(f"{TOOLS}.BrokerApiVersionsCommand")
    broker_id = re.search(r"\(id: (\d+) ", versions).group(1)
    shown = tool("org.apache.kafka.tools.ConfigCommand", "--describe", "--all", "--broker", broker_id)
    assert "log.segment.bytes=1073741824" in shown
    assert "message.max.bytes=" in shown


def test_versions_are_those_that_clients_need(tool):
    versions = tool(f"{TOOLS}.BrokerApiVersionsCommand")
    needed = {"Produce": (0, 13), "Fetch": (4, 18), "ListOffsets": (1, 11), "Metadata": (0, 13), "ApiVersions": (0, 4)}
    for api, (lowest, highest) in needed.items():
        found = re.search(rf"\b{api}\(\d+\): (\d+) to (\d+)", versions)
        assert found, versions
        assert int(found.group(1)) <= lowest
        assert int(found.group(2)) >= highest


def test_offsets_are_listed(tool, cluster, cluster_topic):
    topic = cluster_topic(partitions=2)
    fill(cluster, topic, 1, [b"x"] * 10)
    shell = f"{TOOLS}.GetOffsetShell"
    assert tool(shell, "--topic", topic).split() == [f"{topic}:0:0", f"{topic}:1:10"]
    assert tool(shell, "--topic", topic, "--time", "earliest").split() == [f"{topic}:0:0", f"{topic}:1:0"]
    assert f"{topic}:1:9" in tool(shell, "--topic", topic, "--time", "max-timestamp").split()


def test_records_are_deleted_up_to_an_offset(tool, cluster, cluster_topic, tmp_path):
    topic = cluster_topic()
    fill(cluster, topic, 0, [b"x"] * 10)
    wanted = {"version": 1, "partitions": [{"topic": topic, "partition": 0, "offset": 4}]}
    (tmp_path / "offsets.json").write_text(json.dumps(wanted))
    printed = tool(f"{TOOLS}.DeleteRecordsCommand", "--offset-json-file", str(tmp_path / "offsets.json"))
    assert "low_watermark: 4" in printed
    assert tool(f"{TOOLS}.GetOffsetShell", "--topic", topic, "--time", "earliest").split() == [f"{topic}:0:4"]


def test_console_producer_and_consumer(tool, cluster_topic):
    topic = cluster_topic(partitions=2)
    lines = ["region:eu,lang:de|k1|eins", "region:us|k1|zwei"]
    reader = ["parse.key=true", "key.separator=|", "parse.headers=true", "headers.delimiter=|"]
    options = [part for option in reader for part in ("--reader-property", option)]
    tool(
        f"{TOOLS}.ConsoleProducer",
        "--topic",
        topic,
        "--compression-codec",
        "lz4",
        *options,
        stdin="\n".join(lines) + "\n",
    )
    offsets = tool(f"{TOOLS}.GetOffsetShell", "--topic", topic).split()
    (partition,) = [entry.split(":")[1] for entry in offsets if entry.endswith(":2")]
    formatting = ["print.key=true", "print.headers=true", "print.offset=true", "key.separator=|", "headers.separator=,"]
    options = [part for option in formatting for part in ("--formatter-property", option)]
    where = ["--topic", topic, "--partition", partition, "--offset", "earliest", "--max-messages", "2"]
    printed = tool(f"{TOOLS}.consumer.ConsoleConsumer", *where, "--timeout-ms", "30000", *options)
    assert printed.splitlines() == ["Offset:0|region:eu,lang:de|k1|eins", "Offset:1|region:us|k1|zwei"]


@pytest.mark.parametrize("codec", ["none", "zstd"])
def test_performance_tool_publishes_everything(tool, cluster_topic, codec):
    topic = cluster_topic(partitions=3)
    size = ["--num-records", "100000", "--record-size", "200", "--throughput", "-1"]
    printed = tool(
        f"{TOOLS}.ProducerPerformance",
        "--topic",
        topic,
        *size,
        "--command-property",
        f"compression.type={codec}",
        "acks=all",
    )
    assert "100000 records sent" in printed
    offsets = tool(f"{TOOLS}.GetOffsetShell", "--topic", topic).split()
    assert sum(int(entry.rsplit(":", 1)[1]) for entry in offsets) == 100_000
