"""The two snippets of the paper's Section 3, and what it says of them."""

import threading

import pytest

from kafkalite import Broker, Consumer, Message, MessageSet, Producer


def test_the_papers_producer_and_consumer():
    with Broker() as broker:
        producer = Producer(broker)
        message_set = MessageSet(Message(b"test message str"))
        producer.send("topic1", message_set)
        producer.flush()

        consumer = Consumer(broker)
        streams = consumer.create_message_streams("topic1", 1)
        received = []
        for message in streams[0]:
            received.append(message.payload())
            break
        assert received == [b"test message str"]
        consumer.close()
        producer.close()


def test_a_set_is_stored_as_one_run_of_offsets(broker, topic):
    with Producer(broker) as producer:
        first = producer.send(topic, MessageSet(b"a", b"b", b"c")).result(timeout=30)
        second = producer.send(topic, MessageSet([b"d", b"e"])).result(timeout=30)
    assert (first.offset, second.offset) == (0, 3)


def test_partitions_are_divided_evenly_among_streams(broker, make_topic):
    topic = make_topic(partitions=7)
    with Consumer(broker) as consumer:
        streams = consumer.create_message_streams(topic, 3)
        assert [[number for _, number in stream.assignment] for stream in streams] == [[0, 1, 2], [3, 4], [5, 6]]
        assert [stream.assignment for stream in consumer.create_message_streams(topic, 9)[7:]] == [[], []]


def test_a_stream_blocks_until_more_is_published(broker, topic):
    with Consumer(broker) as consumer, Producer(broker) as producer:
        (stream,) = consumer.create_message_streams(topic)
        arrived = []
        reader = threading.Thread(target=lambda: arrived.append(next(stream).value))
        reader.start()
        reader.join(0.3)
        assert reader.is_alive(), "a stream with nothing to read must wait"
        producer.send(topic, b"at last")
        reader.join(30)
        assert arrived == [b"at last"]


def test_close_ends_a_blocked_stream(broker, topic):
    consumer = Consumer(broker)
    (stream,) = consumer.create_message_streams(topic)
    left = []
    reader = threading.Thread(target=lambda: left.extend(stream))
    reader.start()
    consumer.close()
    reader.join(30)
    assert not reader.is_alive()
    assert left == []


@pytest.mark.parametrize("start", [0, 3])
def test_a_stream_can_go_back_to_an_old_offset(broker, topic, start):
    with Producer(broker) as producer:
        producer.send(topic, MessageSet(str(number) for number in range(6)))
    with Consumer(broker) as consumer:
        (stream,) = consumer.create_message_streams(topic)
        assert [next(stream).text() for _ in range(6)] == list("012345")
        stream.seek(0, start)
        assert [next(stream).offset for _ in range(6 - start)] == list(range(start, 6))


def test_every_consumer_reads_its_own_copy(broker, topic):
    with Producer(broker) as producer:
        producer.send(topic, b"for all")
    for _ in range(2):
        with Consumer(broker) as consumer:
            assert next(consumer.create_message_streams(topic)[0]).payload() == b"for all"


def test_a_new_reader_can_start_at_the_end(broker, topic):
    with Producer(broker) as producer:
        producer.send(topic, b"old").result(timeout=30)
        with Consumer(broker, auto_offset_reset="latest") as consumer:
            (stream,) = consumer.create_message_streams(topic)
            while not stream.positions:  # until it knows where the end is
                assert stream.poll_batch(10, timeout=0.1) == []
            producer.send(topic, b"new")
            assert next(stream).value == b"new"
