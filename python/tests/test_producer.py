"""Publishing: partitions, batches, deliveries."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from kafkalite import Broker, Consumer, Message, MessageSet, Producer, RecordMetadata, _native, errors


def read(broker, topic, count, **settings):
    with Consumer(broker, **settings) as consumer:
        (stream,) = consumer.create_message_streams(topic)
        return [next(stream) for _ in range(count)]


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
@pytest.mark.parametrize("acks", ["all", 1, 0])
def test_everything_comes_back_as_it_was(broker, topic, compression, acks):
    headers = (("trace", b"\x00\xff"), ("trace", None), ("", b""))
    with Producer(broker, compression=compression, acks=acks) as producer:
        for number in range(500):
            producer.send(topic, b"v%d" % number, key=b"k%d" % number, headers=headers, timestamp=1_000_000 + number)
        producer.send(topic, None, key=b"gone")
    messages = read(broker, topic, 501)
    assert [message.value for message in messages[:-1]] == [b"v%d" % number for number in range(500)]
    assert [message.key for message in messages[:-1]] == [b"k%d" % number for number in range(500)]
    assert [message.timestamp for message in messages[:-1]] == [1_000_000 + number for number in range(500)]
    assert {message.headers for message in messages[:-1]} == {headers}
    assert [message.offset for message in messages] == list(range(501))
    assert (messages[-1].value, messages[-1].key) == (None, b"gone")


def test_keys_go_where_javas_client_sends_them(broker, make_topic):
    # Kafka's own test vectors of murmur2 (org.apache.kafka.common.utils.UtilsTest): hashes of "21" and "foobar".
    assert _native.murmur2_partition(b"21", 1000) == (-973932308 & 0x7FFFFFFF) % 1000
    assert _native.murmur2_partition(b"foobar", 1000) == (-790332482 & 0x7FFFFFFF) % 1000
    topic = make_topic(partitions=8)
    with Producer(broker) as producer:
        deliveries = {key: producer.send(topic, b"", key=key) for key in (b"21", b"foobar", b"a", b"b")}
        for key, delivery in deliveries.items():
            assert delivery.result(timeout=30).partition == _native.murmur2_partition(key, 8)


@pytest.mark.parametrize("compression", ["none", "lz4"])
def test_messages_that_fit_are_delivered_though_their_batch_does_not(broker, make_topic, compression):
    topic = make_topic(config={"max.message.bytes": 40_000})
    rest = make_topic()
    values = [os.urandom(900) for _ in range(1000)]
    with Producer(broker, batch_size=400_000, linger_ms=50, compression=compression) as producer:
        deliveries = []
        for value in values:
            deliveries.append(producer.send(topic, value))
            producer.send(rest, b"goes on beside it")
        assert [delivery.result(timeout=60).offset for delivery in deliveries] == list(range(1000))
    assert [message.value for message in read(broker, topic, 1000)] == values


def test_a_users_function_chooses_the_partition(broker, make_topic):
    topic = make_topic(partitions=4)
    with Producer(broker, partitioner=lambda key, partitions: len(key or b"") % partitions) as producer:
        assert producer.send(topic, b"", key=b"four").result(timeout=30).partition == 0
        assert producer.send(topic, b"", key=b"threx").result(timeout=30).partition == 1


def test_what_a_users_function_raises_reaches_the_sender_and_ends_nothing_else(broker, topic):
    answers = [ZeroDivisionError("not today"), 99, -1, 1 << 40, "first", None, 0]

    def choose(_key, _partitions):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with Producer(broker, partitioner=choose) as producer:
        with pytest.raises(ZeroDivisionError, match="not today"):
            producer.send(topic, b"", key=b"k")
        for number in (99, -1, 1 << 40):
            with pytest.raises(ValueError, match=f"returned {number}; {topic} has partitions 0 to 0"):
                producer.send_many(topic, [b""])
        for kind in ("str", "NoneType"):
            with pytest.raises(TypeError, match=f"partitioning function returns must be .* not {kind}"):
                producer.send(topic, MessageSet([Message(b"")]))
        assert producer.send(topic, b"").result(timeout=30).offset == 0


def test_random_partitions_are_all_used(broker, make_topic):
    topic = make_topic(partitions=4)
    with Producer(broker, partitioner="random") as producer:
        used = {producer.send(topic, b"").result(timeout=30).partition for _ in range(100)}
    assert used == {0, 1, 2, 3}


def test_an_explicit_partition_wins_and_a_missing_one_is_an_error(broker, make_topic):
    topic = make_topic(partitions=3)
    with Producer(broker) as producer:
        assert producer.send(topic, b"", key=b"k", partition=2).result(timeout=30).partition == 2
        with pytest.raises((errors.UnknownTopicError, ValueError), match="7"):
            producer.send(topic, b"", partition=7).result(timeout=30)


def test_messages_carry_their_own_key_headers_and_timestamp(broker, topic):
    with Producer(broker) as producer:
        producer.send(topic, Message(b"v", key=b"k", headers={"h": b"1"}, timestamp=7))
    (message,) = read(broker, topic, 1)
    assert (message.value, message.key, message.headers, message.timestamp) == (b"v", b"k", (("h", b"1"),), 7)


def test_many_at_once(broker, topic):
    values = [b"%d" % number for number in range(100_000)]
    with Producer(broker) as producer:
        producer.send_many(topic, values, timestamps=list(range(100_000)))
    with Consumer(broker) as consumer:
        (stream,) = consumer.create_message_streams(topic)
        received = []
        while len(received) < len(values):
            received.extend(stream.poll_batch(10_000, timeout=30.0))
    assert [message.value for message in received] == values
    assert received[-1].timestamp == 99_999


def test_keys_must_be_as_many_as_values(broker, topic):
    with Producer(broker) as producer, pytest.raises(ValueError, match="keys"):
        producer.send_many(topic, [b"a", b"b"], keys=[b"k"])


def test_a_delivery_tells_where_the_message_is(broker, topic):
    with Producer(broker) as producer:
        delivery = producer.send(topic, b"x", timestamp=42)
        metadata = delivery.result(timeout=30)
        assert delivery.done()
        assert delivery.exception() is None
    assert isinstance(metadata, RecordMetadata)
    assert (metadata.topic, metadata.partition, metadata.offset, metadata.timestamp) == (topic, 0, 0, 42)


def test_a_full_buffer_makes_send_wait(broker, topic):
    with Producer(broker, buffer_memory=1 << 20, batch_size=16_384) as producer:
        for _ in range(4_000):
            producer.send(topic, b"x" * 1_000)
    assert broker_messages(broker, topic) == 4_000


def test_a_buffer_takes_no_more_than_its_memory():
    with Broker() as broker:
        producer = Producer(broker, buffer_memory=10_000, max_block_ms=2_000)
        producer.send("t", b"").result(timeout=30)
    taken = []

    def fill():
        while True:
            taken.append(producer.send("t", b"x" * 500))

    with pytest.raises(errors.KafkaTimeoutError, match=r"buffer\.memory=10000"):
        fill()
    assert len(taken) * 500 <= 10_000 < (len(taken) + 1) * 600
    with pytest.raises(errors.DeliveryError, match=f"{len(taken)} records were not delivered"):
        producer.close(timeout=0)


def broker_messages(broker, topic):
    return broker.topics()[topic].messages


def test_threads_may_share_a_producer(broker, make_topic):
    topic = make_topic(partitions=4)
    with Producer(broker) as producer, ThreadPoolExecutor(4) as pool:
        sent = [
            pool.submit(lambda thread=thread: [producer.send(topic, b"%d" % n, partition=thread) for n in range(5_000)])
            for thread in range(4)
        ]
        for one in sent:
            one.result(60)  # raises what its thread raised
    assert broker_messages(broker, topic) == 20_000


def test_leaving_with_delivers_the_tail(broker, topic):
    with Producer(broker, linger_ms=60_000) as producer:
        producer.send(topic, b"tail")
    assert read(broker, topic, 1)[0].value == b"tail"


def test_an_interrupt_is_not_held_up_by_what_cannot_be_delivered(topic, caplog):
    own = Broker()
    producer = Producer(own)

    def publish():
        with producer:
            producer.send(topic, b"there").result()
            own.close()
            producer.send(topic, b"nobody there")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):  # not the error of 120 s later
        publish()
    assert producer.closed
    assert "interrupted: 1 record was not delivered" in caplog.text


def test_a_forgotten_producer_delivers_what_it_holds(broker, topic):
    for number in range(3):
        Producer(broker, linger_ms=60_000).send(topic, b"%d" % number)
    assert [message.value for message in read(broker, topic, 3)] == [b"0", b"1", b"2"]
    assert Producer(broker).send(topic, b"3").result(timeout=30).offset == 3


def test_a_program_that_ends_without_close_delivers_what_it_holds(daemon):
    code = """
import sys
from kafkalite import Producer
producer = Producer(sys.argv[1], linger_ms=60_000)
for number in range(1_000):
    producer.send("tail", b"%d" % number)
"""
    subprocess.run([sys.executable, "-c", code, daemon.bootstrap_servers], timeout=60, check=True)
    assert len(read(daemon.bootstrap_servers, "tail", 1_000)) == 1_000


def test_a_publisher_and_its_readers_run_at_the_same_time(broker, make_topic):
    topic = make_topic(partitions=3)
    received = []
    with Consumer(broker) as consumer:
        readers = [
            threading.Thread(target=lambda stream=stream: received.extend(next(stream).value for _ in range(1_000)))
            for stream in consumer.create_message_streams(topic, 3)
        ]
        for reader in readers:
            reader.start()
        with Producer(broker) as producer:
            for number in range(3_000):
                producer.send(topic, b"%d" % number, partition=number % 3)
        for reader in readers:
            reader.join(60)
    assert sorted(map(int, received)) == list(range(3_000))
