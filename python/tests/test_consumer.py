"""Streams: batches, going back, and what happens when the log moves under them."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from clients.groups import until_it_waits
from kafkalite import Broker, Consumer, MessageSet, Producer, TopicPartition, errors


def publish(broker, topic, payloads, **where):
    with Producer(broker) as producer:
        producer.send(topic, MessageSet(payloads), **where)


def test_a_batch_is_what_is_there(broker, topic):
    publish(broker, topic, [b"%d" % number for number in range(10)])
    with Consumer(broker) as consumer:
        (stream,) = consumer.create_message_streams(topic)
        assert [message.offset for message in stream.poll_batch(4, timeout=30.0)] == [0, 1, 2, 3]
        assert [message.offset for message in stream.poll_batch(100, timeout=30.0)] == [4, 5, 6, 7, 8, 9]
        assert stream.poll_batch(100, timeout=0.2) == []
        assert stream.positions == {TopicPartition(topic, 0): 10}


def test_a_broker_that_has_no_place_for_a_fetch_session_is_read_all_the_same():
    with Broker(config={"max.incremental.fetch.session.cache.slots": 0}) as broker, Consumer(broker) as consumer:
        broker.create_topic("topic")
        (stream,) = consumer.create_message_streams("topic")
        for number in range(3):
            publish(broker, "topic", [b"%d" % number])
            assert [message.value for message in stream.poll_batch(1, timeout=30.0)] == [b"%d" % number]


def test_going_back_by_time_and_to_the_ends(broker, topic):
    with Producer(broker) as producer:
        for hour in range(5):
            producer.send(topic, b"%d" % hour, timestamp=hour * 3_600_000).result(timeout=30)
    with Consumer(broker) as consumer:
        (stream,) = consumer.create_message_streams(topic)
        stream.seek_to_time(3 * 3_600_000)
        assert next(stream).value == b"3"
        stream.seek_to_time(datetime(1970, 1, 1, 1, 30, tzinfo=UTC))
        assert next(stream).value == b"2"
        stream.seek_to_time(timedelta(hours=1))
        assert stream.poll_batch(10, timeout=0.2) == [], "all are older"
        with pytest.raises(TypeError, match="fromisoformat"):
            stream.seek_to_time("1970-01-01")
        for never in (-1, 2**63):
            with pytest.raises(ValueError, match="start at 0"):
                stream.seek_to_time(never)
        stream.seek_to_beginning()
        assert next(stream).value == b"0"
        stream.seek_to_end()
        assert stream.poll_batch(10, timeout=0.2) == []


def test_an_offset_beyond_the_log_follows_the_reset_policy(broker, topic):
    publish(broker, topic, [b"a", b"b"])
    with Consumer(broker, auto_offset_reset="earliest") as consumer:
        (stream,) = consumer.create_message_streams(topic)
        stream.seek(0, 1_000)
        assert next(stream).offset == 0
    with Consumer(broker, auto_offset_reset="none") as consumer:
        (stream,) = consumer.create_message_streams(topic)
        stream.seek(0, 1_000)
        with pytest.raises(errors.OffsetOutOfRangeError, match="1000"):
            next(stream)


def test_a_position_before_the_call_is_kept_by_a_failed_loop_body(broker, topic):
    publish(broker, topic, [b"a", b"b", b"c"])
    with Consumer(broker) as consumer:
        (stream,) = consumer.create_message_streams(topic)
        for message in stream:
            if message.offset == 1:
                break
        assert next(stream).offset == 2


def test_topics_that_no_one_may_create_are_an_error():
    with (
        Broker(config={"auto.create.topics.enable": False}) as broker,
        Consumer(broker) as consumer,
        pytest.raises(errors.UnknownTopicError, match="nowhere"),
    ):
        consumer.create_message_streams("nowhere", timeout=5)


def test_streams_survive_a_restart_of_their_broker(tmp_path):
    with Broker(tmp_path) as broker:
        port = broker.port
        publish(broker, "t", [b"before"])
        consumer = Consumer(broker)
        (stream,) = consumer.create_message_streams("t")
        assert next(stream).value == b"before"
    with Broker(tmp_path, port=port) as broker:
        publish(broker, "t", [b"after"])
        assert next(stream).value == b"after"
        consumer.close()


def test_at_least_one_stream(broker, topic):
    with Consumer(broker) as consumer, pytest.raises(ValueError, match="at least one"):
        consumer.create_message_streams(topic, 0)


def test_ctrl_c_ends_a_blocked_stream_and_the_next_loop_goes_on():
    code = """
from kafkalite import Broker, Consumer, Producer
with Broker() as broker, Consumer(broker) as consumer, Producer(broker) as producer:
    producer.send("t", b"first").result(30)
    (stream,) = consumer.create_message_streams("t")
    try:
        for message in stream:
            print(message.text(), flush=True)
    except KeyboardInterrupt as interrupt:
        print("interrupted in line", interrupt.__traceback__.tb_lineno, flush=True)
    producer.send("t", b"second")
    print(next(stream).text(), flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "first\n"
        until_it_waits(child.pid)
        os.kill(child.pid, signal.SIGINT)
        where = code.splitlines().index("        for message in stream:") + 1
        assert child.stdout.readline() == f"interrupted in line {where}\n", "it was asking for the next one"
        assert child.stdout.readline() == "second\n"
        assert child.wait(timeout=30) == 0
