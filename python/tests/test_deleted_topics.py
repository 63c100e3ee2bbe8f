"""A topic that is deleted under those who write it and read it: they say so once, and what they do now."""

import itertools

import pytest

from clients.groups import eventually
from clients.reading import asking, member
from kafkalite import Admin, Broker, Consumer, Producer, errors
from kafkalite.cli import main

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def broker():
    """A broker that creates nothing by itself."""
    with Broker(config={"auto.create.topics.enable": "false"}) as broker:
        yield broker


@pytest.fixture
def topic(broker):
    name = f"deleted-{next(_NUMBERS)}"
    broker.create_topic(name, partitions=2)
    return name


def warnings(caplog, topic):
    return [one.message for one in caplog.records if one.levelname == "WARNING" and f"topic {topic} " in one.message]


def told(caplog, topic, *, times=1):
    """Wait until it is said so often; the last of these."""
    eventually(f"{times} warnings", lambda: len(warnings(caplog, topic)) >= times)
    return warnings(caplog, topic)[-1]


# Producers


def test_a_producer_says_once_what_waits_for_a_deleted_topic_and_each_delivery_says_why(broker, topic, caplog):
    with Producer(broker, delivery_timeout_ms=4_000, linger_ms=0) as producer:
        producer.send(topic, b"x", partition=0).result()
        Admin(broker).delete_topic(topic)
        lost = [producer.send(topic, b"x", partition=number % 2) for number in range(10)]
        said = told(caplog, topic)
        assert f"topic {topic} does not exist any more: 10 records wait" in said
        assert "delivery.timeout.ms=4000" in said
        assert "Create it" in said
        for delivery in lost:
            with pytest.raises(errors.UnknownTopicError, match=r"delivery\.timeout\.ms"):
                delivery.result()
    assert warnings(caplog, topic) == [said]


def test_what_waits_for_a_partition_that_is_gone_says_so(broker, topic, caplog):
    with Producer(broker, delivery_timeout_ms=4_000, linger_ms=0) as producer:
        producer.send(topic, b"x", partition=1).result()
        Admin(broker).delete_topic(topic)
        broker.create_topic(topic, partitions=1)
        lost = [producer.send(topic, b"x", partition=1) for _ in range(3)]
        assert "has 1 partition now, and no partition 1 any more: 3 records wait" in told(caplog, topic)
        for delivery in lost:
            with pytest.raises(errors.UnknownTopicError, match="no partition 1"):
                delivery.result()


def test_a_topic_that_comes_back_and_goes_again_is_told_of_again(broker, topic, caplog):
    with Producer(broker, linger_ms=0) as producer:
        for times in (1, 2):
            producer.send(topic, b"x").result()
            Admin(broker).delete_topic(topic)
            waiting = producer.send(topic, b"x")
            told(caplog, topic, times=times)
            broker.create_topic(topic, partitions=2)
            assert waiting.result().offset == 0


def test_a_topic_that_is_just_created_is_not_told_of_as_missing(caplog):
    with Broker() as creating, Producer(creating) as producer, Consumer(creating, group_id="readers") as consumer:
        consumer.subscribe("new-here")
        producer.send("new-here", b"x").result()
        assert consumer.poll(timeout=30)
        told_of = warnings(caplog, "new-here")
        assert all("was created" in one for one in told_of), "nothing is missing"


# Consumers


def test_a_stream_whose_topic_is_deleted_says_so_and_reads_the_next_one_whole(broker, topic, caplog):
    with Consumer(broker) as consumer, Producer(broker, linger_ms=0) as producer:
        streams = consumer.create_message_streams(topic, 2)
        producer.send(topic, b"first", partition=0).result()
        assert next(streams[0]).payload() == b"first"
        Admin(broker).delete_topic(topic)
        said = told(caplog, topic)
        assert "does not exist any more; this consumer waits for it" in said
        assert "from its beginning" in said
        broker.create_topic(topic, partitions=2)
        producer.send(topic, b"second", partition=0).result()
        assert next(streams[0]).payload() == b"second"
    assert warnings(caplog, topic) == [said]


def test_a_stream_whose_partition_is_gone_says_so_and_reads_the_others(broker, topic, caplog):
    with Consumer(broker) as consumer, Producer(broker, linger_ms=0) as producer:
        (stream,) = consumer.create_message_streams(topic)
        producer.send(topic, b"first", partition=1).result()
        assert next(stream).payload() == b"first"
        Admin(broker).delete_topic(topic)
        broker.create_topic(topic, partitions=1)
        assert "has 1 partition now, and no partition 1; this consumer waits for it" in told(caplog, topic)
        with Producer(broker) as other:
            other.send(topic, b"second").result()
        assert next(stream).payload() == b"second"
        assert {number for _, number in stream.lag} == {0}
    assert len(warnings(caplog, topic)) == 1


@pytest.mark.parametrize("max_age", [200, 300_000])
def test_a_member_whose_topic_is_deleted_says_so_once(broker, topic, caplog, max_age):
    with member(broker, topic, topic, metadata_max_age_ms=max_age) as consumer:
        eventually("it reads", asking(consumer, lambda: consumer.assignment))
        Admin(broker).delete_topic(topic)
        said = told(caplog, topic)
        assert f'group "{topic}"' in said
        assert "divides anew without it" in said
        if max_age == 200:
            eventually("it is given up", asking(consumer, lambda: not consumer.assignment))
    assert warnings(caplog, topic) == [said]


def test_a_pattern_whose_topic_is_deleted_says_so_once_and_reads_the_others(broker, topic, caplog):
    broker.create_topic(f"{topic}-other")
    with Consumer(broker, group_id=f"pattern-{topic}", metadata_max_age_ms=200) as consumer:
        consumer.subscribe(pattern=f"{topic}(-other)?")
        eventually("it reads both", asking(consumer, lambda: len(consumer.assignment) == 3))
        Admin(broker).delete_topic(topic)
        told(caplog, topic)
        eventually("it goes on", asking(consumer, lambda: len(consumer.assignment) == 1))
    assert len(warnings(caplog, topic)) == 1


def test_the_lag_of_a_group_whose_topic_is_gone_is_unknown(broker, topic, caplog, capsys):
    with member(broker, topic, topic) as consumer, Producer(broker) as producer:
        producer.send(topic, b"x", partition=0).result()
        eventually("it reads", lambda: consumer.poll(0.1))
        consumer.commit()
        assert set(consumer.lag.values()) == {0}
        Admin(broker).delete_topic(topic)
        told(caplog, topic)
        assert consumer.lag == {}
        described = Admin(broker).describe_group(topic)
        assert [each.end for each in described.partitions] == [None, None]
        assert described.lag is None
        assert main(["group", "describe", topic, "-b", broker.bootstrap_servers]) == 0
        assert "lag unknown" in capsys.readouterr().out
