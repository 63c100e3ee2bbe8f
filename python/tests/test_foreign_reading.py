"""What real clients expect of a broker beyond a round trip: waiting, seeking, limits, acknowledgements."""

import asyncio
import os
import threading
import time
import uuid

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import TopicPartition as AioPartition
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, Producer, TopicPartition
from kafka import KafkaConsumer, KafkaProducer
from kafka import TopicPartition as KafkaPythonPartition

FIRST = int(time.time() * 1000) - 3_600_000  # recent: retention would take what is old, at any moment
# A broker may refuse the first request for a new topic, as Apache Kafka does for a moment, and the second overtakes it.
ONE_BY_ONE = {"max.in.flight.requests.per.connection": 1}


@pytest.fixture
def consumer(cluster):
    """Make consumers of librdkafka."""
    made = []

    def make(**settings):
        dotted = {name.replace("_", "."): value for name, value in settings.items()}
        base = {"bootstrap.servers": cluster, "group.id": "none", "enable.auto.commit": False}
        made.append(Consumer(base | dotted))
        return made[-1]

    yield make
    for client in made:
        client.close()


def publish(cluster, topic, values, partition=0, **settings):
    """Publish and return the error of each delivery, with ``None`` for those acknowledged."""
    dotted = {name.replace("_", "."): value for name, value in settings.items()}
    producer = Producer({"bootstrap.servers": cluster, "linger.ms": 50} | ONE_BY_ONE | dotted)
    outcomes = []
    for number, value in enumerate(values):
        producer.produce(
            topic,
            value,
            partition=partition,
            timestamp=FIRST + number * 10,
            on_delivery=lambda error, _message: outcomes.append(error and error.code()),
        )
    assert producer.flush(30) == 0
    return outcomes


def take(consumer, count, seconds=30):
    """Read ``count`` messages, or as many as come in the time."""
    messages = []
    deadline = time.monotonic() + seconds
    while len(messages) < count and time.monotonic() < deadline:
        messages += consumer.consume(count - len(messages), 0.5)
    assert not [m.error() for m in messages if m.error()]
    return messages


@pytest.mark.parametrize("acks", ["0", "1", "all"])
def test_every_kind_of_acknowledgement(cluster, cluster_topic, consumer, acks):
    topic = cluster_topic()
    assert publish(cluster, topic, [b"%d" % n for n in range(500)], acks=acks) == [None] * 500
    reader = consumer()
    reader.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    messages = take(reader, 500)
    assert [m.value() for m in messages] == [b"%d" % n for n in range(500)]
    assert [m.offset() for m in messages] == list(range(500))


def test_a_reader_waits_at_the_end_and_is_woken(cluster, cluster_topic, consumer):
    topic = cluster_topic()
    reader = consumer(fetch_wait_max_ms=10_000)
    reader.assign([TopicPartition(topic, 0, OFFSET_END)])
    assert reader.poll(1.0) is None  # by now a fetch is parked at the broker
    published = threading.Timer(0.2, publish, (cluster, topic, [b"at last"]))
    published.start()
    (message,) = take(reader, 1, seconds=8)  # less than the parked fetch would wait by itself
    published.join()
    assert message.value() == b"at last"


def test_reading_starts_at_any_offset_of_a_batch(cluster, cluster_topic, consumer):
    topic = cluster_topic()
    publish(cluster, topic, [b"%d" % n for n in range(100)], linger_ms=500)  # one batch
    reader = consumer()
    for offset in (0, 1, 57, 99):
        reader.assign([TopicPartition(topic, 0, offset)])
        (message,) = take(reader, 1)
        assert (message.offset(), message.value()) == (offset, b"%d" % offset)


def test_offsets_are_found_by_timestamp(cluster, cluster_topic, consumer):
    topic = cluster_topic()
    publish(cluster, topic, [b"x"] * 100)
    asked = [TopicPartition(topic, 0, FIRST + 500), TopicPartition(topic, 0, FIRST + 501)]
    reader = consumer()
    assert [reader.offsets_for_times([one], timeout=10)[0].offset for one in asked] == [50, 51]
    assert reader.get_watermark_offsets(TopicPartition(topic, 0), timeout=10) == (0, 100)
    other = KafkaConsumer(bootstrap_servers=cluster, group_id=None)
    where = KafkaPythonPartition(topic, 0)
    found = other.offsets_for_times({where: FIRST + 995})[where]
    assert found is None, "no record is as young"
    assert other.offsets_for_times({where: FIRST + 990})[where].offset == 99
    assert (other.beginning_offsets([where]), other.end_offsets([where])) == ({where: 0}, {where: 100})
    other.close()


def test_an_offset_out_of_range_is_reset_as_the_reader_wants(cluster, cluster_topic, consumer):
    topic = cluster_topic()
    publish(cluster, topic, [b"first", b"last"])
    reader = consumer(auto_offset_reset="earliest")
    reader.assign([TopicPartition(topic, 0, 1000)])
    assert [m.value() for m in take(reader, 2)] == [b"first", b"last"]
    strict = consumer(auto_offset_reset="error")
    strict.assign([TopicPartition(topic, 0, 1000)])
    deadline = time.monotonic() + 20
    while (message := strict.poll(0.5)) is None and time.monotonic() < deadline:
        pass
    assert message.error().code() == KafkaError._AUTO_OFFSET_RESET  # noqa: SLF001 - its only name


def test_a_message_above_the_limit_is_refused_and_the_rest_is_served(cluster, cluster_topic, consumer):
    topic = cluster_topic(max_message_bytes="20000")
    small, large = b"s" * 100, b"l" * 50_000
    assert publish(cluster, topic, [large], message_max_bytes=1_000_000) == [KafkaError.MSG_SIZE_TOO_LARGE]
    assert publish(cluster, topic, [small]) == [None]
    reader = consumer()
    reader.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    assert [m.value() for m in take(reader, 1)] == [small]


def test_a_message_larger_than_a_fetch_is_delivered(cluster, cluster_topic, consumer):
    topic = cluster_topic(max_message_bytes="4000000")
    large = os.urandom(3_000_000)
    assert publish(cluster, topic, [large, b"after"], message_max_bytes=4_000_000) == [None, None]
    reader = consumer(fetch_message_max_bytes=1000, fetch_max_bytes=4_000_000, message_max_bytes=4_000_000)
    reader.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    assert [m.value() for m in take(reader, 2)] == [large, b"after"]


def test_many_partitions_are_read_at_once(cluster, cluster_topic, consumer):
    topic = cluster_topic(partitions=20)
    producer = Producer({"bootstrap.servers": cluster, "linger.ms": 20} | ONE_BY_ONE)
    for number in range(20_000):
        producer.produce(topic, b"%d" % number, partition=number % 20)
    assert producer.flush(30) == 0
    reader = consumer()
    reader.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(20)])
    messages = take(reader, 20_000)
    for partition in range(20):
        values = [int(m.value()) for m in messages if m.partition() == partition]
        assert values == list(range(partition, 20_000, 20))


def test_metadata_creates_a_topic_where_that_is_allowed(cluster, admin, consumer):
    created, refused = f"auto-{uuid.uuid4()}", f"no-{uuid.uuid4()}"
    assert publish(cluster, created, [b"x"], partition=-1) == [None]
    assert created in admin.list_topics(timeout=10).topics
    reader = consumer(allow_auto_create_topics=False)
    assert reader.list_topics(refused, timeout=10).topics[refused].error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART
    reader.assign([TopicPartition(refused, 0, OFFSET_BEGINNING)])
    assert take(reader, 1, seconds=2) == []
    assert refused not in admin.list_topics(timeout=10).topics


def test_log_append_time_is_the_brokers(cluster, cluster_topic, consumer):
    topic = cluster_topic(message_timestamp_type="LogAppendTime")
    before = int(time.time() * 1000)
    publish(cluster, topic, [b"x", b"y"])
    after = int(time.time() * 1000)
    reader = consumer()
    reader.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    log_append = 2
    for message in take(reader, 2):
        kind, timestamp = message.timestamp()
        assert kind == log_append
        assert before <= timestamp <= after


def test_asyncio_readers_and_writers_side_by_side(cluster, cluster_topic):
    topic = cluster_topic(partitions=3)

    async def write(producer, partition):
        for number in range(200):
            metadata = await producer.send_and_wait(topic, b"%d" % number, partition=partition)
            assert metadata.offset == number

    async def read(partition):
        async with AIOKafkaConsumer(bootstrap_servers=cluster, group_id=None) as reader:
            reader.assign([AioPartition(topic, partition)])
            await reader.seek_to_beginning()
            return [(await reader.getone()).value for _ in range(200)]

    async def together():
        async with AIOKafkaProducer(bootstrap_servers=cluster, acks="all") as producer:
            reading = [read(partition) for partition in range(3)]
            writing = [write(producer, partition) for partition in range(3)]
            return (await asyncio.wait_for(asyncio.gather(*reading, *writing), 60))[:3]

    assert asyncio.run(together()) == [[b"%d" % number for number in range(200)]] * 3


def test_idempotent_producers_of_kafka_python_in_parallel(cluster, cluster_topic):
    topic = cluster_topic()

    def write(name):
        producer = KafkaProducer(bootstrap_servers=cluster, enable_idempotence=True)
        sent = [producer.send(topic, b"%s %d" % (name, number)) for number in range(300)]
        offsets.extend(delivery.get(timeout=30).offset for delivery in sent)
        producer.close()

    offsets = []
    threads = [threading.Thread(target=write, args=(name,)) for name in (b"a", b"b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(offsets) == list(range(600))
