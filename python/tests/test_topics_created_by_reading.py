"""A reader that names a topic which does not exist has it created, as every Kafka client does, and says so."""

import itertools
import os
import re

import pytest

from clients.groups import eventually
from kafkalite import Consumer, Producer

_NUMBERS = itertools.count(1)


@pytest.fixture(params=["kafkalite", "apache"])
def servers(request):
    """Each of the two brokers in turn."""
    if request.param == "apache":
        return request.getfixturevalue("apache_kafka")
    return request.getfixturevalue("broker").bootstrap_servers


@pytest.fixture
def name():
    return f"mistyped-{os.getpid()}-{next(_NUMBERS)}"


def streams(consumer, name):
    consumer.create_message_streams(name)


def subscription(consumer, name):
    consumer.subscribe(name)
    eventually("it has partitions", lambda: consumer.poll(0.1) or consumer.assignment)


@pytest.mark.parametrize(
    ("group", "read"), [(None, streams), ("streams", streams), ("subscription", subscription)], ids=str
)
def test_a_topic_that_is_created_for_its_reader_is_told_of_once(servers, name, caplog, group, read):
    def told():
        return [one.message for one in caplog.records if f"topic {name} " in one.message and one.levelname == "WARNING"]

    for _ in range(2):  # the second time it is there
        with Consumer(servers, group_id=group and f"{group}-{name}") as consumer:
            read(consumer, name)
            (said,) = eventually("a warning", told)
    assert re.search(rf"topic {name} did not exist and was created with \d partition", said)
    assert "auto.create.topics.enable" in said
    assert "delete it" in said


def test_a_topic_that_is_created_for_its_writer_is_not_told_of(servers, name, caplog):
    with Producer(servers) as producer, Consumer(servers) as consumer:
        producer.send(name, b"x").result()
        (stream,) = consumer.create_message_streams(name)
        assert next(stream).payload() == b"x"
    assert not [one for one in caplog.messages if name in one and "created" in one]
