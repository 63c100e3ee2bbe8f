"""Transactions: what Apache Kafka has left of them is read as it meant it, and none is begun here."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition

import kafkalite as kl
from clients.program import PEERS, run

GOLDEN = Path(__file__).parents[2] / "rust" / "broker" / "tests" / "golden" / "transactions"
ALL = [0, 1, 2, 4, 5, 7, 8]
COMMITTED = [0, 1, 2, 7]


@pytest.fixture
def left_by_apache_kafka(tmp_path):
    """A broker on a directory of Apache Kafka's: three messages committed, two aborted, one plain, one open."""
    shutil.copytree(GOLDEN, tmp_path / "data")
    with kl.Broker(tmp_path / "data", config={"log.retention.ms": -1}) as broker:
        yield broker.bootstrap_servers


@pytest.mark.parametrize(
    ("isolation", "expected", "end"), [("read_uncommitted", ALL, 9), ("read_committed", COMMITTED, 8)]
)
def test_confluent_kafka_reads_what_counts(left_by_apache_kafka, isolation, expected, end):
    settings = {"bootstrap.servers": left_by_apache_kafka, "group.id": "none", "enable.partition.eof": True}
    consumer = Consumer(settings | {"isolation.level": isolation})
    consumer.assign([TopicPartition("t", 0, OFFSET_BEGINNING)])
    read = []
    while True:
        message = consumer.poll(30)
        assert message is not None, "no end"
        if message.error():
            assert message.error().code() == KafkaError._PARTITION_EOF  # noqa: SLF001 # its public name
            break
        read.append(message.offset())
    assert read == expected
    assert consumer.get_watermark_offsets(TopicPartition("t", 0), 30) == (0, end)
    consumer.close()


@pytest.mark.parametrize(("isolation", "expected"), [("read_uncommitted", ALL), ("read_committed", COMMITTED)])
def test_kafkas_console_consumer_reads_what_counts(left_by_apache_kafka, need_peer, isolation, expected):
    need_peer("kafka")
    command = [PEERS / "kafka", "run", "org.apache.kafka.tools.consumer.ConsoleConsumer", "--topic", "t"]
    command += ["--bootstrap-server", left_by_apache_kafka, "--isolation-level", isolation, "--from-beginning"]
    command += ["--formatter-property", "print.offset=true", "--formatter-property", "print.value=false"]
    done = subprocess.run([*command, "--timeout-ms", "20000"], capture_output=True, text=True, check=False)
    read = [int(line.removeprefix("Offset:")) for line in done.stdout.splitlines() if line.startswith("Offset:")]
    assert read == expected, done.stderr


def test_confluent_kafka_is_told_that_there_are_no_transactions(broker):
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "transactional.id": "t"})
    with pytest.raises(KafkaException) as refused:
        producer.init_transactions(60)
    error = refused.value.args[0]
    assert error.code() == KafkaError._UNSUPPORTED_FEATURE  # noqa: SLF001 # its public name
    assert error.fatal(), "it would ask until its time is up"


def test_kafkas_producer_is_told_that_there_are_no_transactions(broker, topic, need_peer):
    need_peer("kafka")
    command = [PEERS / "kafka", "run", "org.apache.kafka.tools.ProducerPerformance", "--topic", topic]
    command += ["--bootstrap-server", broker.bootstrap_servers, "--num-records", "1", "--record-size", "1"]
    command += ["--throughput", "-1", "--transactional-id", "t", "--transaction-duration-ms", "1"]
    environment = {**os.environ, "PEERS_OWNER": str(os.getpid())}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "transactions are not supported; produce without a transactional.id" in done.stdout + done.stderr


def test_kafkajs_is_told_that_there_are_no_transactions(broker, topic, need_peer):
    need_peer("kafkajs")
    with pytest.raises(RuntimeError, match="UNSUPPORTED_VERSION"):
        run("kafkajs", "transact", broker.bootstrap_servers, topic)
