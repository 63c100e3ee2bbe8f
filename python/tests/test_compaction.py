"""Compacted topics as users of every client meet them: read to the end across the gaps, the same by everybody."""

import asyncio
import json
import subprocess
import sys
import time

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as AioPartition
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined] # its stub forgets to export it
from kafka import KafkaConsumer
from kafka import TopicPartition as KafkaPythonPartition

import kafkalite as kl
from clients.program import PEERS, Program

TOPIC = "latest"
KEYS = 50


@pytest.fixture
def compacting(start_daemon):
    """A daemon that compacts whenever it can, and a topic for it."""
    eager = {"log.cleaner.backoff.ms": 20, "log.cleaner.min.cleanable.ratio": 0.01, "log.segment.delete.delay.ms": 10}
    daemon = start_daemon(*(part for name, value in eager.items() for part in ("-X", f"{name}={value}")))
    settings = {"cleanup.policy": "compact", "internal.segment.bytes": "20000", "compression.type": "producer"}
    topic = NewTopic(TOPIC, num_partitions=1, replication_factor=1, config=settings)
    admin = AdminClient({"bootstrap.servers": daemon.bootstrap_servers})
    admin.create_topics([topic])[TOPIC].result(30)
    return daemon


def publish(servers, rounds):
    """Publish under a few keys, in batches of several records and every codec; the tail of a batch is superseded."""
    for number in range(rounds):
        codec = ["none", "gzip", "snappy", "lz4", "zstd"][number % 5]
        producer = Producer({"bootstrap.servers": servers, "compression.type": codec, "linger.ms": 50})
        for key in [
            f"own {number}",
            *(f"shared {number * 7 % KEYS + k}" for k in range(20)),
            "every batch ends with it",
        ]:
            producer.produce(TOPIC, f"value {number} " + "x" * 50, key, partition=0)
        assert producer.flush(30) == 0


def by_confluent(servers):
    """All that librdkafka reads, up to where it says that the partition ends."""
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "none", "enable.partition.eof": True})
    consumer.assign([TopicPartition(TOPIC, 0, OFFSET_BEGINNING)])
    found = []
    while True:
        message = consumer.poll(30)
        assert message is not None, "no end"
        if message.error():
            assert message.error().code() == KafkaError._PARTITION_EOF  # noqa: SLF001 # its public name
            consumer.close()
            return found
        found.append((message.offset(), message.key(), message.value()))


def by_kafka_python(servers, last):
    consumer = KafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest", enable_auto_commit=False)
    partition = KafkaPythonPartition(TOPIC, 0)
    consumer.assign([partition])
    consumer.seek_to_beginning(partition)
    found: list[tuple[int, bytes, bytes]] = []
    while not found or found[-1][0] < last:
        found += [(m.offset, m.key, m.value) for batch in consumer.poll(30_000).values() for m in batch]
    assert consumer.end_offsets([partition])[partition] == last + 1
    consumer.close()
    return found


async def by_aiokafka(servers, last):
    consumer = AIOKafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    consumer.assign([AioPartition(TOPIC, 0)])
    found = []
    while not found or found[-1][0] < last:
        message = await consumer.getone()
        found.append((message.offset, message.key, message.value))
    await consumer.stop()
    return found


def by_console(servers, count):
    """What Kafka's console consumer prints."""
    command = [PEERS / "kafka", "run", "org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", servers]
    where = ["--topic", TOPIC, "--partition", "0", "--offset", "earliest", "--max-messages", str(count)]
    shown = ["print.offset=true", "print.key=true", "key.separator=|"]
    options = [part for option in shown for part in ("--formatter-property", option)]
    done = subprocess.run(
        [*command, *where, "--timeout-ms", "60000", *options], capture_output=True, text=True, check=True
    )
    rows = [line.removeprefix("Offset:").split("|") for line in done.stdout.splitlines()]
    return [(int(offset), key.encode(), value.encode()) for offset, key, value in rows]


def by_us(servers, last):
    found: list[tuple[int, bytes, bytes]] = []
    with kl.Consumer(servers) as consumer:
        (stream,) = consumer.create_message_streams(TOPIC)
        while not found or found[-1][0] < last:
            found += [(m.offset, m.key, m.value) for m in stream.poll_batch(max_messages=1000, timeout=30)]
    return found


def latest(found):
    return {key: value for _, key, value in found}


def test_everybody_reads_a_compacted_topic_to_its_end_and_the_same(compacting, need_peer):
    servers = compacting.bootstrap_servers
    publish(servers, 100)
    whole = 100 * 22
    deadline = time.monotonic() + 60
    found = by_confluent(servers)
    # Until it has come to rest: the same twice, and much of it gone.
    while len(found) > whole // 2 or found != (again := by_confluent(servers)):
        assert time.monotonic() < deadline, f"{len(found)} of {whole} are there"
        found = by_confluent(servers)
        time.sleep(0.2)
    assert again == found
    last = found[-1][0]
    assert last == whole - 1
    assert latest(found)[b"every batch ends with it"].startswith(b"value 99 ")
    assert sum(key.startswith(b"own ") for _, key, _ in found) == 100
    assert by_us(servers, last) == found
    assert by_kafka_python(servers, last) == found
    assert asyncio.run(by_aiokafka(servers, last)) == found
    need_peer("kafka")
    assert by_console(servers, len(found)) == found

    compacting.stop()
    verify = [sys.executable, "-m", "kafkalite", "log", "verify", "--json", compacting.data_dir / f"{TOPIC}-0"]
    verified = subprocess.run(verify, capture_output=True, text=True, check=True)
    assert json.loads(verified.stdout.splitlines()[-1])


def test_kafka_go_reads_on_where_whole_segments_were_superseded(compacting, need_peer):
    """It ends its read at an answer whose batches hold no record, and asks again from the same offset, for ever."""
    need_peer("kafka-go")
    servers = compacting.bootstrap_servers
    producer = Producer({"bootstrap.servers": servers, "linger.ms": 50})
    for number in range(600):
        producer.produce(TOPIC, b"x" * 1000, f"key {number % 10}", partition=0)
        if number % 10 == 9:
            assert producer.flush(30) == 0
    deadline = time.monotonic() + 60
    while len(found := by_confluent(servers)) > 60 or found != by_confluent(servers):
        assert time.monotonic() < deadline, f"{len(found)} of 600 are there"
        time.sleep(0.2)
    read = Program("kafka-go", reads=True).consume(servers, TOPIC, 0, len(found))
    assert [(record.offset, record.key, record.value) for record in read] == found


def test_a_record_without_a_key_is_refused_and_the_others_can_go_on(compacting):
    producer = Producer({"bootstrap.servers": compacting.bootstrap_servers, "compression.type": "lz4"})
    outcomes = []
    producer.produce(TOPIC, b"no key", on_delivery=lambda error, _message: outcomes.append(error))
    assert producer.flush(30) == 0
    assert outcomes[0].code() == KafkaError.INVALID_RECORD
    producer.produce(TOPIC, b"with a key", b"key", on_delivery=lambda error, _message: outcomes.append(error))
    assert producer.flush(30) == 0
    assert outcomes[1] is None
