"""Messages with times of long ago: retention deletes them, and says so before."""

from clients.groups import eventually
from kafkalite import Broker, Producer

# In no other test: brokers of other tests may warn of theirs meanwhile.
REPLAYED, KEPT = "replayed-flights", "replayed-kept"
LONG_AGO = 365 * 86_400_000
DAY = 86_400_000


def warnings(caplog):
    return [one for one in caplog.messages if "check of retention" in one and "topic 'replayed-" in one]


def test_a_broker_that_is_closed_before_it_has_looked_warns_of_messages_of_long_ago(tmp_path, caplog):
    with Broker(tmp_path) as broker, Producer(broker) as producer:
        broker.create_topic(REPLAYED, partitions=2, config={"retention.ms": DAY})
        broker.create_topic(KEPT, config={"retention.ms": -1})
        for topic in (REPLAYED, KEPT):
            producer.send_many(topic, [b"old"] * 3, timestamps=[LONG_AGO] * 3)
        producer.flush()
        assert not warnings(caplog)
    (one,) = eventually("it is said", lambda: warnings(caplog))
    assert f"topic '{REPLAYED}': 3 messages will be deleted" in one


def test_messages_of_long_ago_are_warned_of_once_for_each_topic(caplog):
    with Broker(config={"log.retention.check.interval.ms": 1_000}) as broker, Producer(broker) as producer:
        broker.create_topic(REPLAYED, config={"retention.ms": DAY})
        broker.create_topic(KEPT, config={"retention.ms": -1})
        for topic in (REPLAYED, KEPT):
            producer.send_many(topic, [b"old"] * 3, timestamps=[LONG_AGO] * 3)
        producer.flush()

        def are_gone():
            return [topic.messages for topic in broker.topics().values()] == [0, 3]

        eventually("they go", are_gone)
        producer.send(REPLAYED, b"old", timestamp=LONG_AGO).result()
        eventually("this one goes, too", are_gone)
    (told,) = warnings(caplog)
    assert f"topic '{REPLAYED}': 3 messages will be deleted" in told
    assert f"retention.ms={DAY}" in told
    assert "retention.ms=-1" in told
    assert "message.timestamp.type=LogAppendTime" in told
