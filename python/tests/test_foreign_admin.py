"""The admin clients of librdkafka, kafka-python and kafkajs."""

import json
import time
from uuid import UUID

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import (
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
)
from kafka import KafkaAdminClient
from kafka import TopicPartition as KafkaPythonPartition
from kafka.admin import ConfigResource as KafkaPythonResource

from clients.program import run

FIRST = int(time.time() * 1000) - 3_600_000  # recent: retention would take what is old, at any moment


@pytest.fixture
def kafka_python(cluster):
    client = KafkaAdminClient(bootstrap_servers=cluster)
    yield client
    client.close()


def the(futures):
    """Wait for the only future in a dictionary of them."""
    (future,) = futures.values()
    return future.result(30)


def code_of(call):
    with pytest.raises(KafkaException) as failure:
        call()
    return failure.value.args[0].code()


def eventually(question, expected):
    """Wait for what a cluster may take a moment to know."""
    deadline = time.monotonic() + 20
    while (answer := question()) != expected and time.monotonic() < deadline:
        time.sleep(0.1)
    assert answer == expected


def fill(cluster, topic, count):
    producer = Producer({"bootstrap.servers": cluster, "enable.idempotence": True})
    for number in range(count):
        producer.produce(topic, b"x", partition=0, timestamp=FIRST + number * 10)
    assert producer.flush(30) == 0


def test_librdkafka_creates_extends_and_deletes_topics(admin, cluster_topic):
    name = cluster_topic() + "-of-librdkafka"
    topic = NewTopic(name, num_partitions=2, replication_factor=1)
    assert the(admin.create_topics([topic], validate_only=True)) is None
    assert name not in admin.list_topics(timeout=10).topics, "validate_only must create nothing"
    assert the(admin.create_topics([topic])) is None
    assert code_of(lambda: the(admin.create_topics([topic]))) == KafkaError.TOPIC_ALREADY_EXISTS

    def partitions():
        return sorted(admin.list_topics(name, timeout=10).topics[name].partitions)

    eventually(partitions, [0, 1])
    the(admin.create_partitions([NewPartitions(name, 4)]))
    eventually(partitions, [0, 1, 2, 3])
    assert code_of(lambda: the(admin.create_partitions([NewPartitions(name, 3)]))) == KafkaError.INVALID_PARTITIONS

    the(admin.delete_topics([name]))
    eventually(lambda: name in admin.list_topics(timeout=10).topics, expected=False)
    assert code_of(lambda: the(admin.delete_topics([name]))) == KafkaError.UNKNOWN_TOPIC_OR_PART


@pytest.mark.parametrize("name", ["..", "../up", "a/b", "a" * 250, "späte"])
def test_names_that_are_no_topics_are_refused(admin, name):
    topic = NewTopic(name, num_partitions=1, replication_factor=1)
    assert code_of(lambda: the(admin.create_topics([topic]))) == KafkaError.TOPIC_EXCEPTION


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        ({"num_partitions": 0, "replication_factor": 1}, KafkaError.INVALID_PARTITIONS),
        ({"num_partitions": 1, "replication_factor": 9}, KafkaError.INVALID_REPLICATION_FACTOR),
        ({"num_partitions": 1, "replication_factor": 1, "config": {"no.such": "1"}}, KafkaError.INVALID_CONFIG),
        ({"num_partitions": 1, "replication_factor": 1, "config": {"retention.ms": "x"}}, KafkaError.INVALID_CONFIG),
    ],
)
def test_impossible_topics_are_refused(admin, cluster_topic, topic, expected):
    name = cluster_topic() + "-impossible"
    assert code_of(lambda: the(admin.create_topics([NewTopic(name, **topic)]))) == expected
    assert name not in admin.list_topics(timeout=10).topics


def test_librdkafka_describes_the_cluster_and_topics(admin, cluster, cluster_topic):
    topic = cluster_topic(partitions=3)
    described = admin.describe_cluster().result(30)
    assert described.cluster_id
    assert [f"{node.host}:{node.port}" for node in described.nodes] == [cluster]
    assert described.controller.id == described.nodes[0].id
    detail = the(admin.describe_topics(TopicCollection([topic])))
    assert detail.topic_id.get_most_significant_bits() != 0
    assert [p.id for p in detail.partitions] == [0, 1, 2]
    assert {p.leader.id for p in detail.partitions} == {described.nodes[0].id}
    assert all(len(p.replicas) == len(p.isr) == 1 for p in detail.partitions)


def test_librdkafka_describes_and_changes_settings(admin, cluster_topic):
    topic = cluster_topic(retention_ms="1000")

    def settings():
        return the(admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic)]))

    def change(name, value, operation):
        entry = ConfigEntry(name, value, incremental_operation=operation)
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
        the(admin.incremental_alter_configs([resource]))

    before = settings()
    assert before["retention.ms"].value == "1000"
    assert before["retention.ms"].source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value
    assert before["segment.bytes"].value == str(1 << 30)
    assert before["segment.bytes"].is_default
    assert before["cleanup.policy"].value == "delete"

    change("segment.bytes", "2097152", AlterConfigOpType.SET)
    change("retention.ms", None, AlterConfigOpType.DELETE)
    change("cleanup.policy", "compact", AlterConfigOpType.APPEND)
    eventually(lambda: settings()["segment.bytes"].value, "2097152")
    eventually(lambda: settings()["retention.ms"].value, "604800000")
    eventually(lambda: settings()["cleanup.policy"].value, "delete,compact")
    change("cleanup.policy", "compact", AlterConfigOpType.SUBTRACT)
    eventually(lambda: settings()["cleanup.policy"].value, "delete")
    assert code_of(lambda: change("segment.bytes", "-5", AlterConfigOpType.SET)) == KafkaError.INVALID_CONFIG
    assert code_of(lambda: change("no.such.setting", "5", AlterConfigOpType.SET)) == KafkaError.INVALID_CONFIG
    assert settings()["segment.bytes"].value == "2097152"


@pytest.mark.filterwarnings("ignore:alter_configs has been deprecated")
def test_librdkafka_replaces_settings(admin, cluster_topic):
    topic = cluster_topic(retention_ms="1000", segment_bytes="2097152")
    the(admin.alter_configs([ConfigResource(ConfigResource.Type.TOPIC, topic, {"retention.ms": "5000"})]))

    def both():
        found = the(admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic)]))
        return found["retention.ms"].value, found["segment.bytes"].value

    eventually(both, ("5000", "1073741824"))


def test_settings_of_a_topic_that_is_not_there(admin):
    resource = ConfigResource(ConfigResource.Type.TOPIC, "nobody-made-this")
    assert code_of(lambda: the(admin.describe_configs([resource]))) == KafkaError.UNKNOWN_TOPIC_OR_PART


def test_broker_settings_have_values_sources_and_synonyms(admin):
    node = admin.describe_cluster().result(30).nodes[0]
    settings = the(admin.describe_configs([ConfigResource(ConfigResource.Type.BROKER, str(node.id))]))
    assert settings["log.segment.bytes"].value == str(1 << 30)
    assert settings["log.segment.bytes"].source == ConfigSource.DEFAULT_CONFIG.value
    assert "log.retention.hours" in settings
    assert len(settings) > 30


def test_offsets_are_listed_and_records_deleted(admin, cluster, cluster_topic):
    topic = cluster_topic()
    fill(cluster, topic, 10)
    partition = TopicPartition(topic, 0)

    def offset(spec):
        return the(admin.list_offsets({partition: spec})).offset

    assert offset(OffsetSpec.earliest()) == 0
    assert offset(OffsetSpec.latest()) == 10
    assert offset(OffsetSpec.max_timestamp()) == 9
    assert offset(OffsetSpec.for_timestamp(FIRST + 31)) == 4
    assert offset(OffsetSpec.for_timestamp(FIRST + 30)) == 3
    assert offset(OffsetSpec.for_timestamp(FIRST + 10_000)) == -1

    assert the(admin.delete_records([TopicPartition(topic, 0, 6)])).low_watermark == 6
    assert offset(OffsetSpec.earliest()) == 6
    beyond = [TopicPartition(topic, 0, 11)]
    assert code_of(lambda: the(admin.delete_records(beyond))) == KafkaError.OFFSET_OUT_OF_RANGE
    assert offset(OffsetSpec.latest()) == 10


def test_kafka_python_creates_describes_extends_and_deletes(kafka_python, cluster_topic):
    name = cluster_topic() + "-of-kafka-python"
    options = {"num_partitions": 2, "replication_factor": 1, "configs": {"retention.ms": "1000"}}
    kafka_python.create_topics({name: options}, wait_for_metadata=True)
    assert name in kafka_python.list_topics()
    (described,) = kafka_python.describe_topics([name])
    assert sorted(p["partition_index"] for p in described["partitions"]) == [0, 1]
    (by_id,) = kafka_python.describe_topics([UUID(str(described["topic_id"]))])
    assert by_id["name"] == name
    paged = kafka_python.describe_topic_partitions([name], response_partition_limit=1)
    assert len(paged["topics"][0]["partitions"]) == 1
    assert paged["next_cursor"] == {"topic_name": name, "partition_index": 1}

    kafka_python.create_partitions({name: 3})
    eventually(lambda: len(kafka_python.describe_topics([name])[0]["partitions"]), 3)
    kafka_python.delete_topics([name])
    eventually(lambda: name in kafka_python.list_topics(), expected=False)


def test_kafka_python_reads_and_changes_settings(kafka_python, cluster_topic):
    topic = cluster_topic(retention_ms="1000")

    def settings():
        resource = KafkaPythonResource("TOPIC", topic)
        found = kafka_python.describe_configs([resource], config_filter="all", include_synonyms=True)
        return found["topic"][topic]

    assert settings()["retention.ms"]["value"] == "1000"
    kafka_python.alter_configs([KafkaPythonResource("TOPIC", topic, {"retention.ms": "2000"})])
    eventually(lambda: settings()["retention.ms"]["value"], "2000")
    kafka_python.reset_configs([KafkaPythonResource("TOPIC", topic, ["retention.ms"])])
    eventually(lambda: settings()["retention.ms"]["value"], "604800000")


def test_kafka_python_lists_offsets_and_deletes_records(kafka_python, cluster, cluster_topic):
    topic = cluster_topic()
    fill(cluster, topic, 10)
    partition = KafkaPythonPartition(topic, 0)
    kafka_python.delete_records({partition: 3})
    earliest, latest = -2, -1
    assert kafka_python.list_partition_offsets({partition: earliest})[partition].offset == 3
    assert kafka_python.list_partition_offsets({partition: latest})[partition].offset == 10
    assert kafka_python.list_partition_offsets({partition: FIRST + 50})[partition].offset == 5


def test_kafka_python_describes_the_cluster(kafka_python, cluster):
    described = kafka_python.describe_cluster()
    assert described["cluster_id"]
    assert [f"{broker['host']}:{broker['port']}" for broker in described["brokers"]] == [cluster]


def test_kafkajs_creates_a_topic(cluster, cluster_topic, need_peer):
    need_peer("kafkajs")
    name = cluster_topic() + "-of-kafkajs"
    assert json.loads(run("kafkajs", "create", cluster, name, "4")) == {"topic": name, "partitions": 4}
