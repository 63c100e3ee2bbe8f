"""Our client against Apache Kafka itself."""

import time

import pytest
from confluent_kafka import Producer as JavaLike

from clients import CLIENTS, CODECS, Record
from clients.ours import Ours
from kafkalite import Consumer, InvalidTopicError, Producer

TIMESTAMP = int(time.time() * 1000) - 3_600_000  # recent: retention would take what is old, at any moment
RECORDS = [
    Record(
        b"what goes in comes out " * 40,
        b"key",
        (("source", b"us"), ("bytes", bytes(range(256)))),
        TIMESTAMP,
    ),
    Record(None, b"a tombstone", (), TIMESTAMP + 1),
    Record(b"", None, (), TIMESTAMP + 2),
]
# Those that need no program outside Python.
OTHERS = [client for client in CLIENTS if client.peer is None and client.name != "kafkalite"]


@pytest.mark.parametrize("codec", CODECS)
def test_we_read_back_what_we_published(apache_kafka, codec):
    topic = f"own-{codec}"
    Ours().produce(apache_kafka, topic, 3, RECORDS, codec)
    assert Ours().consume(apache_kafka, topic, 3, len(RECORDS)) == RECORDS


def test_a_header_may_have_no_value(apache_kafka):
    record = [Record(b"v", b"k", (("null", None), ("empty", b"")), TIMESTAMP)]
    Ours().produce(apache_kafka, "headers", 0, record, "none")
    for reader in (Ours(), *OTHERS):
        assert reader.consume(apache_kafka, "headers", 0, 1) == record


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("other", OTHERS, ids=lambda client: client.name)
def test_we_and_others_read_each_other(apache_kafka, other, codec):
    topic = f"mixed-{other.name}-{codec}"
    Ours().produce(apache_kafka, topic, 0, RECORDS, codec)
    other.produce(apache_kafka, topic, 0, RECORDS, codec)
    for reader in (Ours(), other):
        assert reader.consume(apache_kafka, topic, 0, 2 * len(RECORDS)) == RECORDS + RECORDS


def test_keys_go_where_the_java_client_sends_them(apache_kafka):
    keys = [b"key-%d" % number for number in range(200)] + [b"", "schlüssel".encode()]
    placed = {}
    # This is what librdkafka calls the hash of Java's client.
    theirs = JavaLike({"bootstrap.servers": apache_kafka, "partitioner": "murmur2"})
    for key in keys:
        theirs.produce("keyed", b"v", key=key, on_delivery=lambda _, m: placed.update({m.key(): m.partition()}))
    assert theirs.flush(30) == 0
    with Producer(apache_kafka) as producer:
        ours = {key: producer.send("keyed", b"v", key=key).result(timeout=30).partition for key in keys}
    assert ours == placed
    assert set(ours.values()) == {0, 1, 2, 3}


def test_a_topic_that_must_not_be_made_is_an_error(apache_kafka):
    sending = pytest.raises(InvalidTopicError, match="not/a/name")
    with Producer(apache_kafka, delivery_timeout_ms=5000) as producer, sending:
        producer.send("not/a/name", b"")


def test_a_hundred_thousand_messages_in_order(apache_kafka):
    with Producer(apache_kafka) as producer, Consumer(apache_kafka) as consumer:
        producer.send("many", b"first", partition=0).result(timeout=30)
        for number in range(100_000):
            producer.send("many", b"%d" % number, partition=0)
        producer.flush(60)
        (stream,) = consumer.create_message_streams("many")
        assert next(stream).value == b"first"
        assert all(next(stream).value == b"%d" % number for number in range(100_000))
