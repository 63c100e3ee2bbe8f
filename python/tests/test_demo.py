"""The demo's proof that every event arrived once and in order: what it must find, and what it must not."""

import itertools

import pytest

from kafkalite import Producer
from kafkalite.demo import Event, Report, replay
from kafkalite.demo.replay import Account

EVENTS = [Event(b"a", b"1"), Event(b"a", b"2"), Event(None, b""), Event(b"", b"")]


def account(events):
    one = Account()
    for event in events:
        one.enter(*event)
    return one


@pytest.mark.parametrize(
    "received",
    [
        pytest.param(EVENTS[:-1], id="one is lost"),
        pytest.param([*EVENTS, EVENTS[-1]], id="one came twice"),
        pytest.param([EVENTS[1], EVENTS[0], *EVENTS[2:]], id="two changed places"),
        pytest.param([Event(b"b", b"1"), *EVENTS[1:]], id="another key"),
        pytest.param([Event(b"a1", b""), *EVENTS[1:]], id="a byte moved from payload to key"),
        pytest.param([*EVENTS[:-1], Event(None, b"")], id="an empty key became none"),
    ],
)
def test_each_difference_is_found(received):
    report = Report({0: account(EVENTS)}, {0: account(received)}, [len(EVENTS)], 1.0, 1.0)
    (sentence,) = report.differences
    assert "partition 0" in sentence


def test_more_than_was_published_is_found_though_no_reader_saw_it():
    report = Report({0: account(EVENTS)}, {0: account(EVENTS)}, [len(EVENTS) + 1], 1.0, 1.0)
    assert "5 stored" in report.differences[0]


def test_nothing_is_found_where_nothing_is_wrong():
    assert Report({0: account(EVENTS)}, {0: account(EVENTS)}, [len(EVENTS)], 1.0, 1.0).differences == []


@pytest.mark.parametrize("keys", [[None], [b"k%d" % number for number in range(7)]], ids=["no keys", "keys"])
def test_a_replay_accounts_for_every_event(broker, make_topic, keys):
    topic = make_topic(partitions=3)
    events = [Event(key, b"%d" % number) for number, key in zip(range(5_000), itertools.cycle(keys), strict=False)]
    report = replay(broker, topic, 3, iter(events))
    assert report.differences == []
    assert report.messages == sum(report.stored) == 5_000


def test_a_topic_that_was_not_empty_is_told(broker, topic):
    with Producer(broker) as producer:
        producer.send(topic, b"from before")
    report = replay(broker, topic, 1, [Event(None, b"1")])
    assert report.differences
