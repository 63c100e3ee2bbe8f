"""Of a wrong type or number it is said what was expected and what came."""

import pytest

from kafkalite import Admin, Broker, Consumer, MessageSet, Producer, TopicPartition, errors


@pytest.mark.parametrize("values", ["abc", b"abc", bytearray(b"abc"), 5, {"a": 1}], ids=lambda one: type(one).__name__)
def test_one_value_is_no_list_of_them(broker: Broker, topic: str, values: object) -> None:
    kind = type(values).__name__
    with Producer(broker) as producer:
        with pytest.raises(TypeError, match=rf"^values must be a list of payloads, not {kind}"):
            producer.send_many(topic, values)
        with pytest.raises(TypeError, match=rf"^keys must be a list of keys, not {kind}"):
            producer.send_many(topic, [b"1"], keys=values)
        with pytest.raises(TypeError, match=rf"^timestamps must be a list of milliseconds, not {kind}"):
            producer.send_many(topic, [b"1"], timestamps=values)
        producer.send_many(topic, ("1", b"2"), keys=["k", None], timestamps=(1, 2))
    seen = broker.topics()[topic]
    assert seen.messages == 2


@pytest.mark.parametrize("name", [3, b"clicks", None], ids=lambda one: type(one).__name__)
def test_a_topic_is_named_by_a_text(broker: Broker, name: object) -> None:
    with Producer(broker) as producer, Consumer(broker, group_id="g") as consumer:
        for call in (
            lambda: broker.create_topic(name),
            lambda: broker.delete_topic(name),
            lambda: producer.send(name, b"1"),
            lambda: producer.send(name, MessageSet(b"1")),
            lambda: producer.send_many(name, [b"1"]),
            lambda: consumer.create_message_streams(name),
            lambda: consumer.subscribe(name),
            lambda: consumer.subscribe([name]),
        ):
            with pytest.raises(TypeError, match=rf"^a topic's name must be str, not {type(name).__name__}"):
                call()


def test_streams_are_counted_by_an_int(broker: Broker, topic: str) -> None:
    with Consumer(broker) as consumer:
        for n in ("2", 1.5):
            with pytest.raises(TypeError, match=rf"^n, how many streams, must be int, not {type(n).__name__}"):
                consumer.create_message_streams(topic, n)


def test_a_group_is_named_by_a_text() -> None:
    with pytest.raises(TypeError, match=r"^group_id must be str, not int"):
        Consumer("127.0.0.1:1", group_id=3)
    with pytest.raises(TypeError, match=r"^group_instance_id must be str, not bytes"):
        Consumer("127.0.0.1:1", group_id="g", group_instance_id=b"one")
    with (
        Consumer("127.0.0.1:1", group_id="g") as consumer,
        pytest.raises(TypeError, match=r"^pattern must be str or re\.Pattern, not int"),
    ):
        consumer.subscribe(pattern=3)


def test_how_much_is_taken_at_once_is_said_where_it_is_taken() -> None:
    with pytest.raises(errors.InvalidSettingError, match=r"poll_batch\(max_messages\)"):
        Consumer("127.0.0.1:1", max_poll_records=10)


def test_a_stream_is_sought_by_number_or_by_partition(broker: Broker, make_topic) -> None:
    topic = make_topic(2)
    here = TopicPartition(topic, 1)
    with Producer(broker) as producer:
        producer.send_many(topic, ["a", "b", "c"], partition=1)
    with Consumer(broker) as consumer:
        (stream,) = consumer.create_message_streams(topic)
        for partition, offset in ((here, 2), (1, 1)):
            stream.seek(partition, offset)
            assert next(stream).offset == offset
        stream.pause(here)
        assert consumer.paused == [here]
        stream.resume(here)
        with pytest.raises(ValueError, match=rf"^this stream reads partitions \[0, 1\] of {topic}, not other-1"):
            stream.seek(TopicPartition("other", 1), 0)
        with pytest.raises(TypeError, match=r"^a partition must be an int or a TopicPartition, not str"):
            stream.seek("1", 0)
        for seek, where in ((stream.seek, 1), (consumer.seek, here)):
            for beyond in (2**63, -1):
                with pytest.raises(ValueError, match=r"^offsets "):
                    seek(where, beyond)
            with pytest.raises(TypeError, match=r"^an offset must be int, not str"):
                seek(where, "2")


def test_a_number_of_partitions_that_cannot_be_is_a_wrong_value(broker: Broker, topic: str) -> None:
    with Admin(broker) as admin:
        for call in (
            lambda: broker.create_topic("none", 0),
            lambda: admin.create_topic("none", 0),
            lambda: admin.add_partitions(topic, 1),
        ):
            with pytest.raises(errors.InvalidSettingError) as told:
                call()
            assert told.value.code == 37
