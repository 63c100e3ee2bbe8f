"""Messages and sets of them, as values."""

import pickle

import pytest

from kafkalite import Consumer, Message, MessageSet, Producer


def test_a_message_keeps_what_it_was_made_of():
    message = Message(b"payload", key="k", headers={"a": b"1", "b": None}, timestamp=12)
    assert message.value == message.payload() == b"payload"
    assert message.key == b"k"
    assert message.headers == (("a", b"1"), ("b", None))
    assert message.timestamp == 12
    assert (message.topic, message.partition, message.offset) == (None, None, None)
    assert len(message) == 7


@pytest.mark.parametrize("payload", ["text", b"text", bytearray(b"text"), memoryview(b"text")])
def test_payloads_may_be_anything_with_bytes(payload):
    assert Message(payload).text() == "text"


def test_a_payload_that_has_no_bytes_is_refused_with_its_type():
    with pytest.raises(TypeError, match="int"):
        Message(5)


def test_json():
    assert Message('{"a": [1, null]}').json() == {"a": [1, None]}
    with pytest.raises(ValueError, match="JSON"):
        Message(b"{").json()


def test_a_tombstone_has_no_text():
    tombstone = Message(None, key=b"k")
    assert tombstone.value is None
    assert len(tombstone) == 0
    with pytest.raises(ValueError, match="tombstone"):
        tombstone.text()


def test_messages_are_values():
    one, two = Message(b"x", key=b"k"), Message(b"x", key=b"k")
    assert one == two
    assert hash(one) == hash(two)
    assert one != Message(b"y", key=b"k")
    assert one != b"x"
    with pytest.raises(AttributeError):
        one.value = b"z"


def test_messages_pickle(broker, topic):
    with Producer(broker) as producer:
        producer.send(topic, b"v", key=b"k", headers=[("h", b"1"), ("h", None)], timestamp=5)
    with Consumer(broker) as consumer:
        read = next(consumer.create_message_streams(topic)[0])
    for message in (read, Message(b"made", key=b"k", headers={"a": b"b"})):
        assert pickle.loads(pickle.dumps(message)) == message
    again = pickle.loads(pickle.dumps(read))
    assert (again.topic, again.partition, again.offset, again.timestamp) == (topic, 0, 0, 5)
    assert again.headers == (("h", b"1"), ("h", None))


def test_repr_says_what_it_is():
    assert "payload" in repr(Message(b"payload"))


def test_sets_are_sequences():
    messages = MessageSet(Message(b"a"), b"b", "c")
    assert [message.value for message in messages] == [b"a", b"b", b"c"]
    assert len(messages) == 3
    assert messages[1].value == b"b"
    assert messages[1:] == MessageSet(b"b", b"c")
    assert "3 messages" in repr(messages)
    assert pickle.loads(pickle.dumps(messages)) == messages
