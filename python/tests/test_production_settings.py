"""A topic with the settings of a production cluster means on one broker what it means there."""

import time

import pytest
from confluent_kafka import KafkaError, Producer

import kafkalite as kl

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
HOUR_MS = 3_600_000


def now_ms():
    """Milliseconds since 1970."""
    return int(time.time() * 1000)


def deliveries(bootstrap_servers, topic, timestamps, **settings):
    """Publish one batch with a message for each timestamp; return the error of each delivery."""
    dotted = {name.replace("_", "."): value for name, value in settings.items()}
    producer = Producer({"bootstrap.servers": bootstrap_servers, "linger.ms": 1_000, "log_level": 0} | dotted)
    errors = []

    def report(error, _message):
        errors.append(error and error.code())

    for timestamp in timestamps:
        producer.produce(topic, b"value " * 20, partition=0, timestamp=timestamp, on_delivery=report)
    assert producer.flush(30) == 0
    return errors


@pytest.mark.parametrize("codec", CODECS)
def test_one_message_that_is_too_old_has_its_whole_batch_refused(broker, make_topic, codec):
    """The limit holds in the middle of a batch, too, compressed or not."""
    topic = make_topic(config={"message.timestamp.before.max.ms": HOUR_MS // 2})
    now = now_ms()
    servers = broker.bootstrap_servers
    refused = deliveries(servers, topic, [now, now - HOUR_MS, now], compression_type=codec)
    assert refused == [KafkaError.INVALID_TIMESTAMP] * 3
    assert deliveries(servers, topic, [now, now - HOUR_MS // 4, now], compression_type=codec) == [None] * 3


def test_more_copies_than_there_are_brokers_are_not_waited_for(broker, make_topic):
    """``min.insync.replicas=2`` refuses nobody who asks for all copies."""
    topic = make_topic(config={"min.insync.replicas": 2})
    assert deliveries(broker.bootstrap_servers, topic, [now_ms()], acks="all") == [None]
    with kl.Producer(broker.bootstrap_servers) as producer:
        assert producer.send(topic, b"second").result(30).offset == 1
