"""Names that cannot be are refused before anything is asked, and spoil nothing else."""

import pytest

from kafkalite import Admin, Broker, Consumer, Producer, errors

LONG = "x" * 40_000
BAD = ["", ".", "..", "a b", "\u00e4", LONG]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad[:3])
def test_every_call_refuses_the_name_with_one_sentence(broker: Broker, bad: str) -> None:
    with pytest.raises(errors.InvalidTopicError) as told:
        broker.create_topic(bad)
    assert len(str(told.value)) < 400
    with Producer(broker) as producer, Consumer(broker) as alone, Consumer(broker, group_id="g") as member:
        calls = [
            lambda: producer.send(bad, b"1"),
            lambda: producer.send_many(bad, [b"1"]),
            lambda: alone.create_message_streams(bad),
            lambda: member.create_message_streams(bad),
            lambda: member.subscribe(bad),
            lambda: member.subscribe(["good", bad]),
            lambda: Admin(broker).create_topic(bad),
        ]
        for call in calls:
            with pytest.raises(errors.InvalidTopicError) as again:
                call()
            assert str(again.value) == str(told.value)


def test_no_topic_waits_for_one_that_cannot_be(broker: Broker, make_topic) -> None:
    topic, other, third = make_topic(), make_topic(), make_topic()
    with Producer(broker) as producer, Consumer(broker) as alone, Consumer(broker, group_id="names") as member:
        producer.send(topic, b"1").result(30)
        for call in (
            lambda: producer.send(LONG, b"1"),
            lambda: alone.create_message_streams(LONG),
            lambda: member.subscribe(LONG),
        ):
            with pytest.raises(errors.InvalidTopicError):
                call()
        producer.send(other, b"2").result(30)
        producer.send_many(third, [b"3"])
        producer.flush()
        (stream,) = alone.create_message_streams(other)
        assert next(stream).value == b"2"
        member.subscribe(third)
        message = member.poll(30)
        assert message is not None
        assert message.value == b"3"


@pytest.mark.parametrize("name", ["group_id", "group_instance_id", "client_id"])
def test_a_setting_that_cannot_be_sent_is_refused_with_its_length(name: str) -> None:
    settings = {"group_id": "g", name: LONG}
    says = rf"^{name} cannot be .* at most 32767 bytes, not 40000"
    with pytest.raises(errors.InvalidSettingError, match=says) as told:
        Consumer("127.0.0.1:1", **settings)
    assert len(str(told.value)) < 500


def test_a_group_whose_name_cannot_be_sent_is_no_broken_connection(broker: Broker) -> None:
    with Admin(broker) as admin, pytest.raises(errors.KafkaError, match="40000 bytes are too long to be sent") as told:
        admin.describe_group(LONG)
    assert not isinstance(told.value, errors.KafkaConnectionError)
    assert not told.value.retriable
    assert len(str(told.value)) < 500
