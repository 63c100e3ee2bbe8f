"""What a member of a group subscribes to, static members, and what is said of what cannot be."""

import itertools
import re

import pytest

from clients.groups import eventually
from clients.reading import all_assigned, asking, member, publish, read, sizes
from kafkalite import Broker, Consumer, errors

_NUMBERS = itertools.count(1)
QUICK = {"session_timeout_ms": 2_000, "heartbeat_interval_ms": 200}


@pytest.fixture(scope="module")
def broker():
    """A broker that allows sessions short enough for a test."""
    with Broker(config={"group.min.session.timeout.ms": 500}) as broker:
        yield broker


@pytest.fixture
def group():
    return f"subscribing-{next(_NUMBERS)}"


# Patterns, static members


def test_a_pattern_covers_topics_that_come_later(broker, group):
    name = f"clicks-{group}"
    broker.create_topic(f"{name}-1")
    with Consumer(broker, group_id=group, metadata_max_age_ms=200) as consumer:
        consumer.subscribe(pattern=rf"{name}-\d")
        assert consumer.subscription == [rf"{name}-\d"]
        eventually("the first", lambda: {one.topic for one in consumer.assignment} == {f"{name}-1"})
        for other in ("2", "10", "x"):
            broker.create_topic(f"{name}-{other}")
        both = {f"{name}-1", f"{name}-2"}
        eventually("the second", lambda: {one.topic for one in consumer.assignment} == both)
        publish(broker, f"{name}-2", 3)
        assert read(consumer, 3) == [0, 1, 2]


def test_a_compiled_pattern_keeps_its_flags(broker, group):
    topic = f"Views-{group}"
    broker.create_topic(topic)
    for flags, layout in ((re.IGNORECASE, "{}"), (re.IGNORECASE | re.VERBOSE, " {}  # all of it")):
        with Consumer(broker, group_id=group) as consumer:
            consumer.subscribe(pattern=re.compile(layout.format(topic.lower()), flags))
            eventually("it matches", lambda: [one.topic for one in consumer.assignment] == [topic])


def test_a_pattern_that_is_none_says_what_is_wrong(broker, group):
    with (
        Consumer(broker, group_id=group) as consumer,
        pytest.raises(errors.InvalidSettingError, match="regular expression"),
    ):
        consumer.subscribe(pattern="clicks[")


def test_a_topic_that_comes_later_is_read_from_its_start(broker, group):
    topic = f"later-{group}"
    with Consumer(broker, group_id=group, metadata_max_age_ms=200, allow_auto_create_topics=False) as consumer:
        consumer.subscribe(topic)
        assert consumer.poll(0.5) is None
        broker.create_topic(topic)
        publish(broker, topic, 3)
        assert read(consumer, 3) == [0, 1, 2]


def test_who_wants_a_topic_that_is_missing_says_so(broker, make_topic, group, caplog):
    settings = {"allow_auto_create_topics": False}
    leader = member(broker, group, make_topic(1), **settings)
    eventually("it leads", lambda: leader.assignment)
    with leader, Consumer(broker, group_id=group, **settings) as follower:
        follower.subscribe(f"mistyped-{group}")
        told = eventually("a sentence", lambda: [one for one in caplog.messages if f"mistyped-{group}" in one])
        assert "there is no topic" in told[0]
        assert [one for one in caplog.records if one.levelname == "WARNING" and "no topic" in one.message]


def test_a_static_member_that_comes_back_moves_nothing(broker, make_topic, group):
    topic = make_topic(4)
    moved = []
    with Consumer(broker, group_id=group, group_instance_id="other") as other:
        other.subscribe(topic, on_assigned=moved.append)
        first = member(broker, group, topic, group_instance_id="first")
        eventually("both take part", asking(other, lambda: sizes(first, other) == [2, 2]))
        before, known = first.assignment, len(moved)
        first.close()  # does not leave: its session of 45 s goes on
        again = member(broker, group, topic, group_instance_id="first")
        eventually("it has its partitions", asking(other, lambda: again.assignment == before))
        assert len(moved) == known
        again.close()


def test_who_takes_a_static_members_name_fences_it(broker, make_topic, group):
    topic = make_topic(1)
    first = member(broker, group, topic, group_instance_id="same", **QUICK)
    eventually("it takes part", lambda: first.assignment)
    with member(broker, group, topic, group_instance_id="same", **QUICK) as second:
        eventually("the second has it", lambda: second.assignment)
        with pytest.raises(errors.FencedMemberError, match="same"):
            eventually("the first is told", lambda: first.poll(0.1))
    first.close()


def test_streams_of_a_static_consumer_have_names_of_their_own(broker, make_topic, group):
    topic = make_topic(4)
    with Consumer(broker, group_id=group, group_instance_id="us") as consumer:
        streams = consumer.create_message_streams(topic, 2)
        assert all_assigned(lambda: sizes(*streams), 4) == [2, 2]


# What is wrong is said


def test_calls_that_need_a_group_say_so(broker, topic):
    with Consumer(broker) as consumer:
        for call in (lambda: consumer.subscribe(topic), consumer.commit, consumer.committed):
            with pytest.raises(errors.GroupError, match="group_id"):
                call()
        (stream,) = consumer.create_message_streams(topic)
        with pytest.raises(errors.GroupError, match="group_id"):
            stream.commit()


def test_streams_and_subscriptions_do_not_mix(broker, topic, group):
    with Consumer(broker, group_id=group) as consumer:
        with pytest.raises(errors.GroupError, match="subscribe"):
            consumer.poll(0)
        consumer.subscribe(topic)
        with pytest.raises(errors.GroupError, match="subscribed"):
            consumer.create_message_streams(topic)
    with Consumer(broker, group_id=group) as consumer:
        streams = consumer.create_message_streams(topic)
        with pytest.raises(errors.GroupError, match="streams"):
            consumer.subscribe(topic)
        assert len(streams) == 1


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"auto_commit_interval_ms": 0}, "auto_commit_interval_ms"),
        ({"enable_auto_commit": "now and then"}, "enable_auto_commit"),
        ({"partition_assignment_strategy": "fair"}, "range"),
        ({"session_timeout_ms": "long"}, "session_timeout_ms"),
        ({"group_id": None, "group_instance_id": "me"}, "group_id"),
        ({"session_timeout": 3}, "session_timeout_ms"),
    ],
)
def test_a_setting_that_cannot_be_says_what_can(broker, settings, says):
    with pytest.raises(errors.InvalidSettingError, match=says):
        Consumer(broker, **{"group_id": "g", **settings})


def test_a_subscription_is_names_or_a_pattern(broker, group):
    with Consumer(broker, group_id=group) as consumer:
        for call in (consumer.subscribe, lambda: consumer.subscribe("a", pattern="a")):
            with pytest.raises(ValueError, match="pattern"):
                call()
        with pytest.raises(TypeError, match="str"):
            consumer.subscribe(["a", 1])


def test_members_without_a_common_strategy_say_so(broker, make_topic, group):
    topic = make_topic(1)
    with member(broker, group, topic, partition_assignment_strategy="range") as first:
        eventually("it takes part", lambda: first.assignment)
        with (
            member(broker, group, topic, partition_assignment_strategy="roundrobin") as second,
            pytest.raises(errors.GroupProtocolError, match="partition"),
        ):
            eventually("it is told", lambda: second.poll(0.1))


def test_a_session_that_the_broker_does_not_allow_is_an_error(broker, make_topic, group):
    with (
        member(broker, group, make_topic(1), session_timeout_ms=100, heartbeat_interval_ms=30) as consumer,
        pytest.raises(errors.GroupError) as refused,
    ):
        eventually("it is told", lambda: consumer.poll(0.1))
    assert refused.value.code == 26
