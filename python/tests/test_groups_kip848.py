"""Groups of KIP-848 with other people's consumers: librdkafka's and Kafka's own, alone, mixed, and on the way there."""

import itertools
import os
import signal
import subprocess
import time

import pytest
from confluent_kafka import Consumer, ConsumerGroupState, ConsumerGroupType, KafkaError, KafkaException, Producer
from confluent_kafka import TopicPartition as Place
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from clients.groups import (
    Member,
    Publishing,
    assert_one_owner_at_a_time,
    described,
    eventually,
    until_all_is_read,
    until_shared_by,
)
from clients.kip848 import CONFLUENT, JAVA
from clients.member import KINDS
from clients.program import PEERS
from kafkalite import Admin, Broker

PARTITIONS = 12
SESSION_MS = 6000
SETTINGS = {"group.consumer.session.timeout.ms": SESSION_MS, "group.consumer.heartbeat.interval.ms": 500}
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def servers():
    """A broker that soon misses a member."""
    with Broker(config=SETTINGS) as broker:
        yield broker.bootstrap_servers


@pytest.fixture(scope="module")
def admin(servers):
    """librdkafka's admin client."""
    return AdminClient({"bootstrap.servers": servers})


@pytest.fixture
def group():
    """A new group's id."""
    return f"group-{os.getpid()}-{next(_NUMBERS)}"


def create(admin, partitions=PARTITIONS, prefix="topic"):
    name = f"{prefix}-{next(_NUMBERS)}"
    admin.create_topics([NewTopic(name, partitions, 1)])[name].result(30)
    return name


@pytest.fixture
def topic(admin):
    """A new topic."""
    return create(admin)


@pytest.fixture
def join(servers, topic, group, need_peer):
    """Start members; those that still run at the end are killed by their ids."""
    members = []

    def start(kind, assignor="uniform"):
        if kind.peer:
            need_peer(kind.peer)
        members.append(Member(kind, servers, group, topic, assignor))
        return members[-1]

    yield start
    for member in members:
        member.end()


@pytest.fixture
def consume(servers, group):
    """Make consumers in this process that are closed at the end."""
    consumers = []

    def make(**settings):
        named = {name.replace("_", "."): value for name, value in settings.items()}
        defaults = {"bootstrap.servers": servers, "group.id": group, "auto.offset.reset": "earliest"}
        consumers.append(Consumer({**defaults, "group.protocol": "consumer", **named}))
        return consumers[-1]

    yield make
    for consumer in consumers:
        consumer.close()


@pytest.fixture
def tool(servers, need_peer):
    """Run Kafka's tool for groups and return what it printed."""
    need_peer("kafka")

    def call(*arguments, name="org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"):
        command = [PEERS / "kafka", "run", name, "--bootstrap-server", servers, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    return call


def rows(table):
    """Return the lines of a table of Kafka's tools as dictionaries."""
    lines = [line.split() for line in table.splitlines() if line.strip()]
    start = next(number for number, line in enumerate(lines) if line[0] == "GROUP")
    return [dict(zip(lines[start], line, strict=False)) for line in lines[start + 1 :]]


def assigned(*consumers):
    """Return what each consumer owns, after a poll."""
    for consumer in consumers:
        consumer.poll(0.05)
    return [sorted(place.partition for place in consumer.assignment()) for consumer in consumers]


def until_assigned(*consumers, counts):
    """Wait until the consumers own so many partitions each."""
    eventually(f"shares of {counts}", lambda: sorted(map(len, assigned(*consumers))) == sorted(counts))
    return assigned(*consumers)


@pytest.mark.parametrize("kinds", [[CONFLUENT] * 3, [JAVA, CONFLUENT, JAVA, CONFLUENT]], ids=["alone", "mixed"])
def test_a_group_survives_what_happens_to_its_members(servers, admin, topic, group, join, kinds):
    with Publishing(servers, topic, PARTITIONS) as publishing:
        members = [join(kind) for kind in kinds]
        count = len(members)
        until_shared_by(admin, group, count, PARTITIONS)
        for member in members:
            eventually(f"{member.kind.name} reads", lambda member=member: member.messages)

        members.append(join(kinds[0]))  # one is added
        until_shared_by(admin, group, count + 1, PARTITIONS)

        killed, paused, *others = members
        killed.process.send_signal(signal.SIGKILL)
        paused.process.send_signal(signal.SIGSTOP)  # for longer than its session lasts
        until_shared_by(admin, group, count - 1, PARTITIONS)
        paused.process.send_signal(signal.SIGCONT)
        until_shared_by(admin, group, count, PARTITIONS)
        others[-1].leave()
        until_shared_by(admin, group, count - 1, PARTITIONS)
    until_all_is_read(members, publishing)
    assert_one_owner_at_a_time(others)
    found = described(admin, group)
    assert (found.type, found.partition_assignor) == (ConsumerGroupType.CONSUMER, "uniform")


def test_classic_members_are_taken_along_and_back(servers, admin, topic, group, join):
    """A group goes over to the new protocol member by member, as a rolling restart does it, and back again."""
    classic = KINDS["confluent-kafka"]
    with Publishing(servers, topic, PARTITIONS) as publishing:
        old = [join(classic, "cooperative-sticky"), join(classic, "cooperative-sticky")]
        until_shared_by(admin, group, 2, PARTITIONS)
        assert described(admin, group).type == ConsumerGroupType.CLASSIC

        new = join(CONFLUENT)
        until_shared_by(admin, group, 3, PARTITIONS)
        assert described(admin, group).type == ConsumerGroupType.CONSUMER
        old[0].leave()
        until_shared_by(admin, group, 2, PARTITIONS)
        back = join(classic, "cooperative-sticky")
        until_shared_by(admin, group, 3, PARTITIONS)

        new.leave()  # the last of the new protocol
        until_shared_by(admin, group, 2, PARTITIONS)
        assert described(admin, group).type == ConsumerGroupType.CLASSIC
    until_all_is_read([*old, new, back], publishing)
    assert_one_owner_at_a_time([*old, new, back])


@pytest.mark.parametrize("assignor", ["range", "roundrobin"])
def test_eager_members_are_taken_along_too(servers, admin, topic, group, join, assignor):
    """Also those that know nothing of cooperation: Kafka's own and aiokafka's."""
    with Publishing(servers, topic, PARTITIONS) as publishing:
        old = [join(KINDS["java-console"], assignor), join(KINDS["aiokafka"], assignor)]
        until_shared_by(admin, group, 2, PARTITIONS)
        new = join(CONFLUENT)
        until_shared_by(admin, group, 3, PARTITIONS)
        new.process.send_signal(signal.SIGKILL)
        until_shared_by(admin, group, 2, PARTITIONS)
        assert described(admin, group).type == ConsumerGroupType.CLASSIC
    until_all_is_read([*old, new], publishing)


def test_an_empty_group_changes_its_protocol_and_keeps_its_offsets(admin, topic, group, consume):
    def commit(offset, protocol):
        consumer = consume(group_protocol=protocol, enable_auto_commit=False)
        consumer.subscribe([topic])
        until_assigned(consumer, counts=[PARTITIONS])
        before = consumer.committed([Place(topic, 0)], timeout=10)[0].offset
        consumer.commit(offsets=[Place(topic, 0, offset)], asynchronous=False)
        kind = described(admin, group).type
        consumer.close()
        eventually("it is empty", lambda: described(admin, group).state == ConsumerGroupState.EMPTY)
        return before, kind

    assert commit(5, "classic")[1] == ConsumerGroupType.CLASSIC
    assert commit(7, "consumer") == (5, ConsumerGroupType.CONSUMER)
    assert commit(9, "classic") == (7, ConsumerGroupType.CLASSIC)


def test_a_static_member_keeps_its_share_over_a_restart(topic, consume):
    first, second = (consume(group_instance_id=name) for name in ("one", "two"))
    for consumer in (first, second):
        consumer.subscribe([topic])
    before = until_assigned(first, second, counts=[6, 6])
    first.close()  # a static member leaves for a while
    assert assigned(second) == before[1:]
    again = consume(group_instance_id="one")
    again.subscribe([topic])
    assert until_assigned(again, second, counts=[6, 6]) == before


def test_a_pattern_and_new_partitions_are_followed(admin, consume):
    prefix = f"pattern-{os.getpid()}-{next(_NUMBERS)}"
    name = create(admin, 2, prefix)
    consumer = consume()
    consumer.subscribe([f"^{prefix}-.*"])
    until_assigned(consumer, counts=[2])
    create(admin, 3, prefix)
    until_assigned(consumer, counts=[5])
    admin.create_partitions([NewPartitions(name, 4)])[name].result(10)
    until_assigned(consumer, counts=[7])
    admin.delete_topics([name])[name].result(10)
    until_assigned(consumer, counts=[3])


def test_a_member_that_does_not_poll_is_out_and_comes_back(topic, consume):
    slow = consume(max_poll_interval_ms=1000)
    quick = consume()
    for consumer in (slow, quick):
        consumer.subscribe([topic])
    until_assigned(slow, quick, counts=[6, 6])
    until_assigned(quick, counts=[PARTITIONS])
    until_assigned(slow, quick, counts=[6, 6])


def test_groups_are_described_and_deleted_as_kafkas_tools_want_it(servers, admin, topic, group, consume, tool):
    producer = Producer({"bootstrap.servers": servers})
    for number in range(24):
        producer.produce(topic, str(number), partition=number % PARTITIONS)
    assert producer.flush(30) == 0
    consumer = consume(client_id="reader", enable_auto_commit=False)
    consumer.subscribe([topic])
    until_assigned(consumer, counts=[PARTITIONS])
    consumer.commit(offsets=[Place(topic, 0, 2), Place(topic, 1, 1)], asynchronous=False)

    state = rows(tool("--describe", "--group", group, "--state"))[0]
    assert (state["STATE"], state["#MEMBERS"]) == ("Stable", "1")
    members = rows(tool("--describe", "--group", group, "--members", "--verbose"))
    assert [(row["CLIENT-ID"], row["#PARTITIONS"]) for row in members] == [("reader", "12")]
    offsets = {row["PARTITION"]: row for row in rows(tool("--describe", "--group", group))}
    assert len(offsets) == PARTITIONS
    assert (offsets["0"]["CURRENT-OFFSET"], offsets["0"]["LAG"]) == ("2", "0")
    assert (offsets["1"]["CURRENT-OFFSET"], offsets["1"]["LAG"]) == ("1", "1")
    assert group in tool("--list", "--type", "consumer")
    assert group not in tool("--list", "--type", "classic")
    assert group in tool("--list", "--state", "stable")

    with pytest.raises(KafkaException) as refused:
        admin.delete_consumer_groups([group])[group].result(10)
    assert refused.value.args[0].code() == KafkaError.NON_EMPTY_GROUP
    consumer.close()
    tool("--reset-offsets", "--group", group, "--topic", topic, "--to-earliest", "--execute")
    assert "0" in {
        row["NEW-OFFSET"]
        for row in rows(tool("--reset-offsets", "--group", group, "--topic", topic, "--to-earliest", "--dry-run"))
    }
    assert "successful" in tool("--delete", "--group", group)
    assert group not in tool("--list")


def test_our_own_administration_knows_them(servers, topic, group, consume):
    consumer = consume(client_id="reader", enable_auto_commit=False)
    consumer.subscribe([topic])
    until_assigned(consumer, counts=[PARTITIONS])
    with Admin(servers) as admin:
        found = admin.describe_group(group)
        assert (found.type, found.state, found.assignor) == ("consumer", "Stable", "uniform")
        assert [(member.client_id, len(member.assignment)) for member in found.members] == [("reader", PARTITIONS)]
        assert (group, "consumer") in {(one.group, one.type) for one in admin.list_groups()}
        consumer.close()
        eventually("it is empty", lambda: admin.describe_group(group).state == "Empty")
        admin.delete_group(group)


def test_the_feature_is_in_force(tool):
    (row,) = tool("describe", name="org.apache.kafka.tools.FeatureCommand").splitlines()
    words = row.split()
    assert words[1] == "group.version"
    assert "FinalizedVersionLevel:" in words
    assert words[words.index("FinalizedVersionLevel:") + 1] == "1"


def test_a_restart_keeps_members_and_shares(tmp_path):
    settings = {**SETTINGS, "group.consumer.session.timeout.ms": 30_000}
    with Broker(tmp_path, config=settings) as broker:
        port = broker.bootstrap_servers.rpartition(":")[2]
        admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
        topic = create(admin)
        told = []
        members = []
        for _ in range(2):
            consumer = Consumer(
                {"bootstrap.servers": broker.bootstrap_servers, "group.id": "g", "group.protocol": "consumer"}
            )
            consumer.subscribe([topic], on_assign=lambda _, places: told.append(places), on_revoke=lambda *_: None)
            members.append(consumer)
        before = until_assigned(*members, counts=[6, 6])
        told.clear()
    with Broker(tmp_path, port=int(port), config=settings) as broker:
        admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
        until = time.monotonic() + 3
        while time.monotonic() < until:
            assert assigned(*members) == before
        found = described(admin, "g")
        assert found.state == ConsumerGroupState.STABLE
        assert len(found.members) == len(members)
        assert told == []
        for consumer in members:
            consumer.close()


def test_a_group_of_apache_kafka_is_taken_over(need_peer, tmp_path):
    """Kafka is killed with members in a group; they go on with us on its directory, and nothing moves."""
    need_peer("kafka")
    kafka = PEERS / "kafka"
    settings = [f"group.consumer.{name}.timeout.ms=60000" for name in ("session", "max.session")]
    environment = {**os.environ, "PEERS_OWNER": str(os.getpid())}
    command = [kafka, "start", tmp_path, "0", *settings]
    started = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    servers = started.stdout.split()[1]
    members, moved = [], []
    try:
        topic = create(AdminClient({"bootstrap.servers": servers}))
        for _ in range(2):
            consumer = Consumer({"bootstrap.servers": servers, "group.id": "g", "group.protocol": "consumer"})
            consumer.subscribe([topic], on_assign=lambda _, places: moved.append(places), on_revoke=lambda *_: None)
            members.append(consumer)
        before = until_assigned(*members, counts=[6, 6])
        members[0].commit(offsets=[Place(topic, 3, 0)], asynchronous=False)
    finally:
        subprocess.run([kafka, "stop", tmp_path, "KILL"], check=True)
    moved.clear()
    with Broker(tmp_path / "data", port=int(servers.rpartition(":")[2]), config=SETTINGS) as broker:
        admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})

        def in_step():
            assert assigned(*members) == before
            found = described(admin, "g")
            return found.state == ConsumerGroupState.STABLE and len(found.members) == len(members)

        eventually("they go on", in_step)
        assert not any(moved)
        assert members[0].committed([Place(topic, 3)], timeout=10)[0].offset == 0
        for consumer in members:
            consumer.close()
        eventually("they have left", lambda: not described(admin, "g").members)


def test_kafka_reads_what_is_stored_of_a_group(need_peer, tmp_path):
    need_peer("kafka")
    with Broker(tmp_path, config=SETTINGS) as broker:
        topic = create(AdminClient({"bootstrap.servers": broker.bootstrap_servers}), 2)
        classic = {"partition.assignment.strategy": "cooperative-sticky", "group.protocol": "classic"}
        members = []
        for settings in (classic, {"group.protocol": "consumer", "group.instance.id": "one"}):
            members.append(Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": "g", **settings}))
            members[-1].subscribe([topic])
            until_assigned(*members, counts=[2] if len(members) == 1 else [1, 1])
        for consumer in members:
            consumer.close()
    (log,) = (tmp_path / "__consumer_offsets-0").glob("*.log")
    name = "org.apache.kafka.tools.DumpLogSegments"
    command = [PEERS / "kafka", "run", name, "--offsets-decoder", "--files", log]
    dumped = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    # Kafka's numbers of kinds: group, member, targets, one's target, one's assignment.
    for kind in (3, 5, 6, 7, 8):
        found = [line for line in dumped.splitlines() if f'"type":"{kind}"' in line]
        assert any('"version":"0"' in line for line in found), f"{kind}: {dumped}"
    for text in ('"instanceId":"one"', '"supportedProtocols":[{"name":"cooperative-sticky"', '"assignmentEpochs":['):
        assert text in dumped
    assert "isvalid: false" not in dumped
    assert "Error" not in dumped
