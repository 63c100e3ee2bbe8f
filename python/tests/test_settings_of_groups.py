"""Kafka's settings for groups and compaction: its names, its defaults, and changed when it allows that."""

import json
import re
import subprocess
import sys

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from kafkalite import Admin, Broker, _native, errors


def test_every_setting_of_kafka_is_taken_or_refused_for_a_reason(apache_kafka):
    with Admin(apache_kafka) as theirs:
        (their_broker,) = theirs.describe_cluster().brokers
        entries = theirs.describe_config(broker=their_broker.id).values()
    own = {row["name"] for row in _native.settings("broker")}
    secret = ("ssl.", "sasl.", "listener.name.")  # refused: a test of its own says so
    config = {
        entry.name: entry.value or ""
        for entry in entries
        if entry.name not in own and not entry.name.startswith(secret) and entry.name != "zookeeper.connect"
    }
    assert len(config) > 100
    with Broker(config=config):  # an unknown name would be an error
        pass


def member(servers, group="g", **settings):
    return Consumer({"bootstrap.servers": servers, "group.id": group, "auto.offset.reset": "earliest", **settings})


def joined(consumer, topic):
    """Poll until partitions are assigned, or until the coordinator has refused; return the refusal."""
    consumer.subscribe([topic])
    while not consumer.assignment():
        try:
            message = consumer.poll(0.1)
        except KafkaException as refused:
            return refused.args[0].name()
        if message is not None and message.error():
            return message.error().name()
    return None


def test_a_group_is_no_larger_than_group_max_size():
    with Broker(config={"group.max.size": 1}) as broker:
        broker.create_topic("t", 2)
        first, second = (member(broker.bootstrap_servers) for _ in range(2))
        assert joined(first, "t") is None
        assert joined(second, "t") == "GROUP_MAX_SIZE_REACHED"
        first.close()
        second.close()


@pytest.mark.parametrize(
    ("setting", "value", "asked"),
    [("group.min.session.timeout.ms", 20_000, 10_000), ("group.max.session.timeout.ms", 20_000, 30_000)],
)
def test_session_timeouts_have_bounds(setting, value, asked):
    with Broker(config={setting: value}) as broker:
        broker.create_topic("t")
        consumer = member(broker.bootstrap_servers, **{"session.timeout.ms": asked})
        assert joined(consumer, "t") == "INVALID_SESSION_TIMEOUT"
        consumer.close()


def test_notes_on_offsets_have_a_length():
    with Broker(config={"offset.metadata.max.bytes": 4}) as broker:
        broker.create_topic("t")
        consumer = member(broker.bootstrap_servers)
        consumer.commit(offsets=[TopicPartition("t", 0, 0, "123")], asynchronous=False)
        with pytest.raises(KafkaException, match="metadata"):
            consumer.commit(offsets=[TopicPartition("t", 0, 0, "12345")], asynchronous=False)
        consumer.close()


@pytest.mark.parametrize(
    "name",
    [
        "group.initial.rebalance.delay.ms",
        "group.max.session.timeout.ms",
        "group.max.size",
        "group.min.session.timeout.ms",
        "offset.metadata.max.bytes",
        "offsets.retention.check.interval.ms",
        "offsets.retention.minutes",
    ],
)
def test_what_kafka_fixes_at_the_start_is_fixed(broker, name):
    """As in Apache Kafka, where they are read-only as well: `test_settings_beside_kafkas.py` compares them."""
    with Admin(broker) as admin, pytest.raises(errors.InvalidSettingError, match="properties file"):
        admin.alter_config({name: 7}, broker=0)


def test_settings_of_groups_are_those_the_daemon_was_started_with(start_daemon):
    daemon = start_daemon("-X", "offsets.retention.minutes=77", "-X", "group.initial.rebalance.delay.ms=5")
    command = [sys.executable, "-m", "kafkalite", "config", "show", "broker", "0", "-b", daemon.bootstrap_servers]
    shown = json.loads(subprocess.run([*command, "--json"], capture_output=True, check=True, timeout=60).stdout)
    values = {entry["name"]: (entry["value"], entry["source"]) for entry in shown}
    assert values["offsets.retention.minutes"] == ("77", "start")
    assert values["group.initial.rebalance.delay.ms"] == ("5", "start")


def test_a_broker_s_setting_stands_in_for_a_topic_s_at_once_and_after_a_restart(tmp_path):
    def ratio(admin):
        entry = admin.describe_config(topic="t")["min.cleanable.dirty.ratio"]
        return entry.value, entry.source

    with Broker(tmp_path) as broker, Admin(broker) as admin:
        broker.create_topic("t")
        assert ratio(admin) == ("0.5", "default")
        admin.alter_config({"log.cleaner.min.cleanable.ratio": 0.25}, broker=0)
        assert ratio(admin) == ("0.25", "broker")
        admin.alter_config({"min.cleanable.dirty.ratio": 0.75}, topic="t")
        assert ratio(admin) == ("0.75", "topic")
    with Broker(tmp_path) as broker, Admin(broker) as admin:
        assert ratio(admin) == ("0.75", "topic")
        admin.alter_config({"min.cleanable.dirty.ratio": None}, topic="t")
        assert ratio(admin) == ("0.25", "broker")


def test_a_compacted_topic_demands_keys_from_the_moment_it_is_one(broker, topic):
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
    outcomes = []

    def publish(key):
        producer.produce(topic, b"v", key=key, on_delivery=lambda error, _: outcomes.append(error))
        assert producer.flush(30) == 0
        return outcomes.pop()

    assert publish(None) is None
    with Admin(broker) as admin:
        admin.alter_config({"cleanup.policy": "compact"}, topic=topic)
        assert re.search("INVALID_RECORD|_INVALID|invalid", str(publish(None)), re.IGNORECASE)
        assert publish(b"k") is None
        admin.alter_config({"cleanup.policy": None}, topic=topic)
        assert publish(None) is None
