"""What can be given as the time of a message, and what is said of what can hardly be meant."""

import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from clients.groups import eventually
from kafkalite import Broker, Consumer, Message, MessageSet, Producer, errors

NOON = 1_790_000_000_000


def read(broker, topic, count):
    with Consumer(broker) as consumer:
        (stream,) = consumer.create_message_streams(topic)
        return [next(stream).timestamp for _ in range(count)]


def test_a_time_is_milliseconds_or_a_datetime(broker, topic):
    there = timezone(timedelta(hours=5))
    times = [
        NOON,
        datetime.fromtimestamp(NOON / 1000, UTC),
        datetime.fromtimestamp(NOON / 1000, there),
        datetime.fromtimestamp(NOON / 1000),  # noqa: DTZ006 - local: that is the point
    ]
    with Producer(broker) as producer:
        for one in times:
            producer.send(topic, b"x", timestamp=one)
        producer.send_many(topic, [b"x"] * len(times), timestamps=times)
        producer.send(topic, MessageSet(Message(b"x", timestamp=times[1])))
    assert Message(b"x", timestamp=times[1]).timestamp == NOON
    assert read(broker, topic, 2 * len(times) + 1) == [NOON] * (2 * len(times) + 1)


@pytest.mark.parametrize("wrong", [time.time(), "2026-11-29", timedelta(hours=1)], ids=lambda one: type(one).__name__)
def test_what_is_no_time_is_refused_with_what_is(broker, topic, wrong):
    says = rf"milliseconds since 1970 UTC, or a datetime.*not {type(wrong).__name__}.*int\(seconds \* 1000\)"
    with Producer(broker) as producer:
        for call in (
            lambda: producer.send(topic, b"x", timestamp=wrong),
            lambda: producer.send_many(topic, [b"x"], timestamps=[wrong]),
            lambda: Message(b"x", timestamp=wrong),
        ):
            with pytest.raises(TypeError, match=says):
                call()


@pytest.mark.parametrize("wrong", [-1, datetime(1969, 12, 31, tzinfo=UTC), 2**63], ids=str)
def test_a_time_that_kafka_cannot_count_is_refused(broker, topic, wrong):
    with Producer(broker) as producer, pytest.raises(ValueError, match="start at 0, which is 1970-01-01 UTC"):
        producer.send(topic, b"x", timestamp=wrong)


def test_seconds_that_are_taken_for_milliseconds_are_warned_of_once(broker, topic, caplog):
    def told():
        return [one.message for one in caplog.records if one.levelname == "WARNING" and "timestamp" in one.message]

    with Producer(broker) as producer:
        producer.send(topic, b"x", timestamp=NOON).result()
        assert not told()
        for _ in range(3):
            producer.send(topic, b"x", timestamp=NOON // 1000).result()
    (said,) = eventually("a warning", told)
    assert f"{NOON // 1000}, which is 1970-01-21T17:13:20Z" in said
    assert "looks like seconds" in said


@pytest.mark.parametrize(("factor", "unit"), [(1_000, "microseconds"), (1_000_000, "nanoseconds")])
def test_a_refused_time_is_a_date_with_the_setting_and_the_unit_that_was_meant(broker, topic, factor, unit):
    with Producer(broker) as producer, pytest.raises(errors.KafkaError) as refused:
        producer.send(topic, b"x", timestamp=NOON * factor).result()
    said = str(refused.value)
    assert f"{NOON * factor} is 5" in said
    assert "message.timestamp.after.max.ms" in said
    assert f"milliseconds since 1970 UTC, and this looks like {unit}" in said
    assert refused.value.code == 32


def test_a_time_that_is_too_old_for_its_topic_names_that_setting():
    with Broker() as broker, Producer(broker) as producer:
        broker.create_topic("recent", config={"message.timestamp.before.max.ms": 1_000})
        with pytest.raises(errors.KafkaError, match=r"than the topic's message\.timestamp\.before\.max\.ms allows"):
            producer.send("recent", b"x", timestamp=1_700_000_000_000).result()
