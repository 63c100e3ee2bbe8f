"""Other people's consumers as one group: every message at least once, each partition one owner, come what may."""

import collections
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from confluent_kafka import Consumer, ConsumerGroupState, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from clients.member import CLIENTS

PARTITIONS = 6
PATIENCE = 60.0
_NUMBERS = itertools.count(1)


def eventually(what, check, seconds=PATIENCE):
    """Wait until ``check`` returns something true, and return it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.1)
    pytest.fail(f"{what}: not within {seconds} s")


@pytest.fixture
def group():
    """A new group's id."""
    return f"group-{os.getpid()}-{next(_NUMBERS)}"


@pytest.fixture
def topic_of_six(cluster_topic):
    """A new topic of as many partitions as the tests share."""
    return cluster_topic(PARTITIONS)


@dataclass
class Member:
    """A client in a process of its own, and what it said."""

    client: str
    process: subprocess.Popen[str]
    values: list[str] = field(default_factory=list)
    owned: list[int] | None = None

    def listen(self):
        """Take its lines until it ends."""
        for text in self.process.stdout:
            line = json.loads(text)
            if "assigned" in line:
                self.owned = line["assigned"]
            else:
                self.values.append(line["value"])

    def leave(self):
        """Have it leave the group in good order."""
        self.process.stdin.close()
        assert self.process.wait(PATIENCE) == 0

    def send(self, number):
        """Send a signal to this process."""
        self.process.send_signal(number)


@pytest.fixture
def join(cluster):
    """Start members; those that still run at the end are killed by their ids."""
    members = []

    def start(client, group, topic):
        command = [sys.executable, "-m", "clients.member", client, cluster, group, topic]
        process = subprocess.Popen(
            command, cwd=Path(__file__).parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        member = Member(client, process)
        listener = threading.Thread(target=member.listen)
        listener.start()
        members.append((member, listener))
        return member

    yield start
    for member, listener in members:
        member.process.kill()
        member.process.wait(PATIENCE)
        listener.join(PATIENCE)
        member.process.stdin.close()
        member.process.stdout.close()


class Publishing:
    """Publishes numbers to all partitions in turn until told to stop."""

    def __init__(self, cluster, topic):
        self.published = 0
        self._producer = Producer({"bootstrap.servers": cluster, "linger.ms": 5})
        self._topic = topic
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while not self._ended.wait(0.005):
            self._producer.produce(self._topic, str(self.published), partition=self.published % PARTITIONS)
            self.published += 1
            self._producer.poll(0)
        assert self._producer.flush(PATIENCE) == 0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join(PATIENCE)


def described(admin: AdminClient, group):
    return admin.describe_consumer_groups([group], request_timeout=10)[group].result(10)


def owners(admin: AdminClient, group):
    """Return what each member owns, by member id; ``None`` until all partitions of a stable group have an owner."""
    found = described(admin, group)
    if found.state != ConsumerGroupState.STABLE:
        return None
    owned = {member.member_id: [p.partition for p in member.assignment.topic_partitions] for member in found.members}
    everything = sorted(itertools.chain.from_iterable(owned.values()))
    assert len(everything) == len(set(everything)), f"two owners of one partition: {owned}"
    # kafka-python's leader may assign before it knows the topic; it rebalances as soon as it does.
    return owned if len(everything) == PARTITIONS else None


def until_shared_by(admin, group, count):
    """Wait until the group is stable with this many members."""
    return eventually(f"{count} members", lambda: len(owners(admin, group) or ()) == count)


def until_all_are_read(members, publishing):
    """Wait until every number has been read by somebody."""

    def missing():
        wanted = {str(number) for number in range(publishing.published)}
        return wanted - set(itertools.chain.from_iterable(member.values for member in members))

    eventually("every message was read", lambda: not missing())


@pytest.mark.parametrize("client", CLIENTS)
def test_members_of_one_kind_share_the_partitions(cluster, admin, topic_of_six, join, client):
    topic, group = topic_of_six, f"{topic_of_six}-readers"
    with Publishing(cluster, topic) as publishing:
        members = [join(client, group, topic)]
        until_shared_by(admin, group, 1)
        members += [join(client, group, topic) for _ in range(2)]
        until_shared_by(admin, group, 3)
        members[0].leave()
        until_shared_by(admin, group, 2)
    until_all_are_read(members, publishing)


def test_a_group_of_different_clients_survives_what_happens_to_its_members(cluster, admin, cluster_topic, group, join):
    topic = cluster_topic(PARTITIONS)
    with Publishing(cluster, topic) as publishing:
        members = [join(client, group, topic) for client in CLIENTS]
        until_shared_by(admin, group, 3)
        for member in members:
            eventually(f"{member.client} reads", lambda member=member: member.values)

        members.append(join("confluent-kafka", group, topic))  # one is added
        until_shared_by(admin, group, 4)

        members[1].send(signal.SIGKILL)  # one dies
        until_shared_by(admin, group, 3)

        members[0].send(signal.SIGSTOP)  # one is paused for longer than its session lasts, and comes back
        until_shared_by(admin, group, 2)
        members[0].send(signal.SIGCONT)
        until_shared_by(admin, group, 3)

        members[2].leave()  # one goes
        until_shared_by(admin, group, 2)
    until_all_are_read(members, publishing)
    read = collections.Counter(itertools.chain.from_iterable(member.values for member in members))
    assert set(read) == {str(number) for number in range(publishing.published)}


def test_two_groups_each_get_everything(cluster, admin, cluster_topic, join):
    topic = cluster_topic(PARTITIONS)
    groups = [f"group-{os.getpid()}-{next(_NUMBERS)}" for _ in range(2)]
    members = {group: [join("confluent-kafka", group, topic) for _ in range(2)] for group in groups}
    with Publishing(cluster, topic) as publishing:
        for group in groups:
            until_shared_by(admin, group, 2)
    for group in groups:
        until_all_are_read(members[group], publishing)


def test_a_group_goes_on_where_it_left_off(cluster, cluster_topic, group):
    topic = cluster_topic()
    producer = Producer({"bootstrap.servers": cluster})

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


def test_a_static_member_keeps_its_partitions_over_a_restart(cluster, admin, cluster_topic, group):
    topic = cluster_topic(PARTITIONS)

    def member(name):
        settings = {"group.instance.id": name, "session.timeout.ms": 30_000, "partition.assignment.strategy": "range"}
        consumer = Consumer({"bootstrap.servers": cluster, "group.id": group, **settings})
        consumer.subscribe([topic])
        return consumer

    def owned():
        assert owners(admin, group)
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
