"""Other people's consumers as one group: every message at least once, each partition one owner, come what may."""

import itertools
import os
import signal
import time

import pytest
from confluent_kafka import Consumer, ConsumerGroupState, KafkaError, KafkaException, Producer, TopicPartition

from clients.groups import (
    PATIENCE,
    Member,
    Publishing,
    assert_one_owner_at_a_time,
    described,
    eventually,
    owners,
    until_all_is_read,
    until_shared_by,
)
from clients.member import KINDS

PARTITIONS = 12
_NUMBERS = itertools.count(1)


@pytest.fixture
def group():
    """A new group's id."""
    return f"group-{os.getpid()}-{next(_NUMBERS)}"


@pytest.fixture
def topic(cluster_topic):
    """A new topic of as many partitions as the tests share."""
    return cluster_topic(PARTITIONS)


@pytest.fixture
def join(cluster, need_peer):
    """Start members; those that still run at the end are killed by their ids."""
    members = []

    def start(name, group, topic, assignor):
        kind = KINDS[name]
        if kind.peer:
            need_peer(kind.peer)
        members.append(Member(kind, cluster, group, topic, assignor))
        return members[-1]

    yield start
    for member in members:
        member.end()


def assignors(name):
    return [kind for kind, known in KINDS.items() if name in known.assignors]


# Who can be in one group: those that share a way of assigning. kafkajs has one of its own.
MIXTURES = {
    "range": assignors("range"),
    "roundrobin": assignors("roundrobin"),
    "cooperative-sticky": assignors("cooperative-sticky"),
    "RoundRobinAssigner": ["kafkajs"] * 4,
}


# The first is killed, the second paused, the third leaves: in the last, all of them are ours.
OURS = ("cooperative-sticky", ["kafkalite", "kafkalite", "kafkalite", "confluent-kafka"])


@pytest.mark.parametrize(("assignor", "kinds"), [*MIXTURES.items(), OURS], ids=[*MIXTURES, "mostly ours"])
def test_a_group_survives_what_happens_to_its_members(cluster, admin, topic, group, join, assignor, kinds):
    with Publishing(cluster, topic, PARTITIONS) as publishing:
        members = [join(kind, group, topic, assignor) for kind in kinds]
        count = len(members)
        until_shared_by(admin, group, count, PARTITIONS)
        for member in members:
            eventually(f"{member.kind.name} reads", lambda member=member: member.messages)

        members.append(join(kinds[0], group, topic, assignor))  # one is added
        until_shared_by(admin, group, count + 1, PARTITIONS)

        killed, paused, leaving, *others = members
        killed.process.send_signal(signal.SIGKILL)
        paused.process.send_signal(signal.SIGSTOP)  # for longer than its session lasts
        until_shared_by(admin, group, count - 1, PARTITIONS)
        paused.process.send_signal(signal.SIGCONT)
        until_shared_by(admin, group, count, PARTITIONS)
        leaving.leave()
        until_shared_by(admin, group, count - 1, PARTITIONS)
    until_all_is_read(members, publishing)
    assert_one_owner_at_a_time(others)


def test_two_groups_each_get_everything(cluster, admin, topic, join):
    groups = [f"group-{os.getpid()}-{next(_NUMBERS)}" for _ in range(2)]
    members = {group: [join("confluent-kafka", group, topic, "range") for _ in range(2)] for group in groups}
    with Publishing(cluster, topic, PARTITIONS) as publishing:
        for group in groups:
            until_shared_by(admin, group, 2, PARTITIONS)
    for group in groups:
        until_all_is_read(members[group], publishing)


def test_a_group_goes_on_where_it_left_off(cluster, cluster_topic, group):
    topic = cluster_topic()
    producer = Producer({"bootstrap.servers": cluster, "enable.idempotence": True})

    def publish(first, count):
        for number in range(first, first + count):
            producer.produce(topic, str(number))
        assert producer.flush(30) == 0

    def read(count):
        settings = {"group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False}
        consumer = Consumer({"bootstrap.servers": cluster, **settings})
        consumer.subscribe([topic])
        values = []
        deadline = time.monotonic() + PATIENCE
        while len(values) < count and time.monotonic() < deadline:
            values += [int(message.value()) for message in consumer.consume(count - len(values), 0.5)]
        consumer.commit(asynchronous=False)
        consumer.close()
        return values

    publish(0, 100)
    assert read(60) == list(range(60))
    publish(100, 20)
    assert read(60) == list(range(60, 120))


def test_a_static_member_keeps_its_partitions_over_a_restart(cluster, admin, topic, group):

    def member(name):
        settings = {"group.instance.id": name, "session.timeout.ms": 30_000, "partition.assignment.strategy": "range"}
        consumer = Consumer({"bootstrap.servers": cluster, "group.id": group, **settings})
        consumer.subscribe([topic])
        return consumer

    def owned():
        assert owners(admin, group, PARTITIONS)
        return {
            one.group_instance_id: sorted(p.partition for p in one.assignment.topic_partitions)
            for one in described(admin, group).members
        }

    first, second = member("one"), member("two")

    def both_assigned():
        first.poll(0.1)
        second.poll(0.1)
        return bool(first.assignment()) and bool(second.assignment())

    eventually("both have partitions", both_assigned)
    before = owned()
    assert set(before) == {"one", "two"}
    first.close()  # a static member does not leave
    assert owned() == before
    first = member("one")

    def back():
        first.poll(0.1)
        second.poll(0.1)
        return first.assignment()

    eventually("it has its partitions back", back)
    assert owned() == before
    first.close()
    second.close()


def test_commits_without_a_group_and_their_notes(cluster, cluster_topic, group):
    topic = cluster_topic(2)
    consumer = Consumer({"bootstrap.servers": cluster, "group.id": group, "enable.auto.commit": False})
    note = TopicPartition(topic, 0, 7, metadata="größer als nichts")
    consumer.commit(offsets=[note], asynchronous=False)
    committed = consumer.committed([TopicPartition(topic, 0), TopicPartition(topic, 1)], timeout=10)
    assert (committed[0].offset, committed[0].metadata) == (7, "größer als nichts")
    assert committed[1].offset < 0
    with pytest.raises(KafkaException) as refused:
        consumer.commit(offsets=[TopicPartition(topic, 9, 1)], asynchronous=False)
    assert refused.value.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART
    consumer.close()


def test_groups_are_listed_and_deleted(cluster, admin, cluster_topic, group):
    topic = cluster_topic()
    consumer = Consumer({"bootstrap.servers": cluster, "group.id": group, "enable.auto.commit": False})
    consumer.subscribe([topic])

    def in_use():
        consumer.poll(0.1)
        return consumer.assignment()

    eventually("it has its partition", in_use)

    def listed(**states):
        return {one.group_id for one in admin.list_consumer_groups(**states).result(10).valid}

    assert group in listed(states={ConsumerGroupState.STABLE})
    assert group not in listed(states={ConsumerGroupState.EMPTY})
    with pytest.raises(KafkaException) as refused:
        admin.delete_consumer_groups([group])[group].result(10)
    assert refused.value.args[0].code() == KafkaError.NON_EMPTY_GROUP
    consumer.commit(offsets=[TopicPartition(topic, 0, 5)], asynchronous=False)
    consumer.close()
    assert group in listed(states={ConsumerGroupState.EMPTY})
    admin.delete_consumer_groups([group])[group].result(10)
    assert group not in listed()
