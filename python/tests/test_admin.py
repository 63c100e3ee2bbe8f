"""The admin client, against our broker and against Apache Kafka."""

import itertools
import os
import pickle
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from confluent_kafka import Consumer, TopicPartition

import kafkalite
from kafkalite import Admin, Producer, errors
from kafkalite.admin import BrokerDescription, GroupDescription, GroupPartition

_NUMBERS = itertools.count(1)


@pytest.fixture(params=["kafkalite", "apache"])
def servers(request):
    """Each of the two brokers in turn."""
    if request.param == "apache":
        return request.getfixturevalue("apache_kafka")
    return request.getfixturevalue("broker").bootstrap_servers


@pytest.fixture
def admin(servers):
    with Admin(servers) as admin:
        yield admin


def fresh(kind):
    return f"admin-{kind}-{os.getpid()}-{next(_NUMBERS)}"


def until(question, *, limit=30):
    """Ask again until the answer is true: a cluster of several processes hears of changes a little later."""
    deadline = time.monotonic() + limit
    while True:
        try:
            if answer := question():
                return answer
        except errors.UnknownTopicError:
            pass
        assert time.monotonic() < deadline, "it does not become true"
        time.sleep(0.02)


@pytest.fixture
def topic(admin, servers):
    """A topic of two partitions with ten messages in each, stamped 1,000 ms apart from 1,000,000 on."""
    name = fresh("topic")
    admin.create_topic(name, 2, config={"retention.ms": -1})  # its messages are old
    until(lambda: len(admin.describe_topic(name).partitions) == 2)
    with Producer(servers) as producer:
        for number in range(20):
            producer.send(name, str(number), partition=number % 2, timestamp=1_000_000 + number // 2 * 1_000)
    return name


@pytest.fixture
def group():
    return fresh("group")


@pytest.fixture
def reader(servers, topic, group):
    """A member of the group that has been assigned both partitions of the topic."""
    settings = {"client.id": "reader", "auto.offset.reset": "earliest", "enable.auto.commit": False}
    consumer = Consumer({"bootstrap.servers": servers, "group.id": group, **settings})
    consumer.subscribe([topic])
    until(lambda: consumer.poll(0.1) is not None and len(consumer.assignment()) == 2)
    yield consumer
    consumer.close()


def test_the_cluster_describes_itself(admin, servers):
    cluster = admin.describe_cluster()
    (broker,) = cluster.brokers
    assert f"{broker.host}:{broker.port}" == servers
    assert cluster.controller == broker.id
    assert cluster.cluster_id in cluster._repr_html_()


def test_topics_are_created_grown_listed_and_deleted(admin):
    name = fresh("topic")
    admin.create_topic(name, 1, config={"retention.ms": 60_000})
    until(lambda: admin.describe_topic(name))
    with pytest.raises(
        errors.TopicExistsError, match=f"^there is a topic '{name}' already; exist_ok=True .* accepts it$"
    ):
        admin.create_topic(name)
    admin.create_topic(name, exist_ok=True)
    admin.add_partitions(name, 3)
    described = until(lambda: len((found := admin.describe_topic(name)).partitions) == 3 and found)
    assert [partition.partition for partition in described.partitions] == [0, 1, 2]
    assert all(partition.replicas == partition.in_sync for partition in described.partitions)
    assert described in admin.list_topics()
    assert name in admin.list_topics()._repr_html_()
    assert pickle.loads(pickle.dumps(described)) == described
    with pytest.raises(errors.KafkaError, match=r"3 partition.*\(INVALID_PARTITIONS\)$") as raised:
        admin.add_partitions(name, 2)
    assert "not valid" not in str(raised.value), "what the broker says is enough"
    admin.delete_topic(name)
    until(lambda: name not in [topic.name for topic in admin.list_topics()])


def test_an_unknown_topic_suggests_the_nearest_and_is_not_created(admin, topic):
    for call in (
        admin.describe_topic,
        admin.delete_topic,
        admin.list_offsets,
        lambda name: admin.add_partitions(name, 5),
        lambda name: admin.delete_records(name, "latest"),
        lambda name: admin.alter_config({"retention.ms": 1}, topic=name),
        lambda name: admin.reset_group("g", name, to="earliest"),
    ):
        with pytest.raises(errors.UnknownTopicError, match=f"did you mean {topic}"):
            call(topic + "x")
    assert topic + "x" not in [each.name for each in admin.list_topics()]
    with pytest.raises(TypeError, match=r"partitions by topic as in \{'clicks': \[0, 1\]\}"):
        admin.list_offsets([0])
    with pytest.raises(errors.UnknownTopicError, match="no partition 2; it has 2"):
        admin.list_offsets({topic: [0, 2]})


def test_settings_are_described_and_changed(admin, topic):
    def value(name):
        return admin.describe_config(topic=topic)[name].value

    assert admin.describe_config(topic=topic)["segment.ms"].is_default
    admin.alter_config({"retention.ms": 60_000, "cleanup.policy": ["delete"]}, topic=topic)
    until(lambda: value("retention.ms") == "60000")
    assert admin.describe_config(topic=topic)["retention.ms"].source == "topic"
    admin.alter_config(append={"cleanup.policy": "compact"}, topic=topic)
    until(lambda: value("cleanup.policy") == "delete,compact")
    admin.alter_config({"retention.ms": None}, subtract={"cleanup.policy": "delete"}, topic=topic)
    until(lambda: value("cleanup.policy") == "compact")
    assert value("retention.ms") == "604800000"
    admin.alter_config({"retention.ms": 1}, topic=topic, dry_run=True)
    assert value("retention.ms") == "604800000"
    assert "retention.ms" in admin.describe_config(topic=topic)._repr_html_()


def test_a_broker_s_settings_change_while_it_runs_where_kafka_allows_it(admin):
    (broker,) = admin.describe_cluster().brokers

    def value(name):
        return admin.describe_config(broker=broker.id)[name].value

    admin.alter_config({"log.cleaner.min.cleanable.ratio": 0.25}, broker=broker.id)
    until(lambda: value("log.cleaner.min.cleanable.ratio") == "0.25")
    admin.alter_config({"log.cleaner.min.cleanable.ratio": None}, broker=broker.id)
    until(lambda: value("log.cleaner.min.cleanable.ratio") == "0.5")
    with pytest.raises(errors.InvalidSettingError, match=r"group\.max\.size cannot change while"):
        admin.alter_config({"group.max.size": 7}, broker=broker.id)
    with pytest.raises(errors.InvalidSettingError, match=r"log\.retention\.ms") as refused:
        admin.alter_config({"log.retention.ms": "x"}, broker=broker.id)
    assert refused.value.code == 42, "Kafka's INVALID_REQUEST"
    with pytest.raises(errors.KafkaError, match="there is no broker 77"):
        admin.describe_config(broker=77)


def test_a_group_has_settings_of_its_own(admin, group):
    def value():
        entry = admin.describe_config(group=group)["consumer.session.timeout.ms"]
        return entry.value, entry.source

    assert value() == ("45000", "default")
    admin.alter_config({"consumer.session.timeout.ms": 50_000}, group=group)
    until(lambda: value() == ("50000", "group"))
    with pytest.raises(errors.InvalidSettingError, match=r"consumer\.session\.timeout\.ms"):
        admin.alter_config({"consumer.session.timeout.ms": 5}, group=group)
    with pytest.raises(errors.InvalidSettingError, match=r"did you mean consumer\.session\.timeout\.ms"):
        admin.alter_config({"consumer.session.timeout": 50_000}, group=group)
    with pytest.raises(errors.InvalidSettingError, match=r"did you mean consumer\.session\.timeout\.ms\?"):
        admin.alter_config({"session.timeout.ms": 50_000}, group=group)
    admin.alter_config({"consumer.session.timeout.ms": None}, group=group)
    until(lambda: value() == ("45000", "default"))


def test_wrong_settings_change_nothing_and_say_what_was_meant(admin, topic):
    with pytest.raises(errors.InvalidSettingError, match=r"did you mean retention\.ms\?"):
        admin.alter_config({"segment.ms": 1_000, "retention.m": 1}, topic=topic)
    with pytest.raises(errors.InvalidSettingError, match=r"did you mean retention\.ms\?"):
        admin.alter_config({"log.retention.ms": 5}, topic=topic)
    with pytest.raises(errors.InvalidSettingError, match="soon"):
        admin.alter_config({"segment.ms": 1_000, "retention.ms": "soon"}, topic=topic)
    assert admin.describe_config(topic=topic)["segment.ms"].is_default
    with pytest.raises(TypeError, match="whose settings"):
        admin.describe_config()


def test_offsets_are_found_at_both_ends_and_by_time(admin, topic):
    def offsets(at):
        return [found.offset for found in admin.list_offsets(topic, at)]

    assert offsets("earliest") == [0, 0]
    assert offsets("latest") == [10, 10]
    assert offsets(datetime.fromtimestamp(1_003, UTC)) == [3, 3]
    assert offsets(datetime.now(UTC)) == [None, None]
    assert offsets(timedelta(days=365 * 100)) == [0, 0]
    with pytest.raises(ValueError, match="not 'yesterday'"):
        offsets("yesterday")
    (found,) = admin.list_offsets({topic: [1]}, datetime.fromtimestamp(1_002.5, UTC))
    assert found.timestamp == 1_003_000


def test_records_of_a_compacted_topic_stay_and_the_error_says_why(admin):
    name = fresh("compacted")
    admin.create_topic(name, 1, config={"cleanup.policy": "compact"})
    until(lambda: admin.describe_config(topic=name)["cleanup.policy"].value == "compact")
    for dry_run in (True, False):
        with pytest.raises(errors.KafkaError, match=r"while its cleanup\.policy is 'compact'; add delete") as raised:
            admin.delete_records(name, "latest", dry_run=dry_run)
        assert raised.value.code == 44
    admin.alter_config(append={"cleanup.policy": "delete"}, topic=name)
    until(lambda: admin.describe_config(topic=name)["cleanup.policy"].value == "compact,delete")
    admin.delete_records(name, "latest")


def test_records_are_deleted_up_to_an_offset_a_time_and_the_end(admin, topic):
    def starts():
        return [found.offset for found in admin.list_offsets(topic, "earliest")]

    (change,) = admin.delete_records({topic: [0]}, 4, dry_run=True)
    assert (change.before, change.after) == (0, 4)
    assert starts() == [0, 0]
    admin.delete_records({topic: [0]}, 4)
    assert starts() == [4, 0]
    admin.delete_records(topic, datetime.fromtimestamp(1_006, UTC))
    assert starts() == [6, 6]
    with pytest.raises(errors.OffsetOutOfRangeError, match="ends at offset 10"):
        admin.delete_records(topic, 11)
    admin.delete_records(topic, "latest")
    assert starts() == [10, 10]


@pytest.mark.parametrize(
    ("how", "after"),
    [
        ({"to": "earliest"}, 0),
        ({"to": "latest"}, 10),
        ({"to": 7}, 7),
        ({"to": 500}, 10),
        ({"by": 2}, 7),
        ({"by": -3}, 2),
        ({"by": 100}, 10),
        ({"to": datetime.fromtimestamp(1_003, UTC)}, 3),
        ({"to": datetime.fromtimestamp(1_003)}, 3),  # noqa: DTZ006 - without a zone it is local
        ({"to": datetime.fromisoformat("1970-01-01T01:16:43+01:00")}, 3),
        ({"to": datetime(1960, 1, 1, tzinfo=UTC)}, 0),
        ({"to": datetime.max.replace(tzinfo=timezone(timedelta(hours=-12)))}, 10),
        ({"to": timedelta(0)}, 10),
        ({"to": timedelta.max}, 0),
        ({"to": timedelta(days=365)}, 10),
        ({"to": timedelta(days=365 * 100)}, 0),
    ],
)
def test_a_group_goes_on_where_it_is_told_to(admin, topic, group, how, after):
    admin.reset_group(group, topic, to=5)
    plan = admin.reset_group(group, **how, dry_run=True)
    assert [(change.before, change.after) for change in plan] == [(5, after)] * 2
    assert [part.committed for part in admin.describe_group(group).partitions] == [5, 5]
    assert admin.reset_group(group, **how) == plan
    assert [(part.committed, part.lag) for part in admin.describe_group(group).partitions] == [(after, 10 - after)] * 2
    clipped = how.get("to") == 500 or how.get("by") == 100
    assert all(("outside the log" in change.note) == clipped for change in plan)


def test_partitions_are_named_as_everywhere_else(admin, topic, group):
    one, other = kafkalite.TopicPartition(topic, 0), kafkalite.TopicPartition(topic, 1)
    assert [(each.partition, each.after) for each in admin.reset_group(group, [one], to=4)] == [(0, 4)]
    assert [(each.partition, each.after) for each in admin.reset_group(group, other, to=6)] == [(1, 6)]
    assert [each.offset for each in admin.list_offsets([one, other], "latest")] == [10, 10]
    admin.delete_group_offsets(group, [other])
    assert [part.partition for part in admin.describe_group(group).partitions] == [0]
    with pytest.raises(TypeError, match="TopicPartitions"):
        admin.list_offsets([one, topic])


def test_a_static_member_that_was_closed_is_named_and_why_it_is_still_there(admin, servers, topic, group):
    with kafkalite.Consumer(servers, group_id=group, group_instance_id="till-7") as consumer:
        (stream,) = consumer.create_message_streams(topic)
        next(stream)
    for change in (lambda: admin.delete_group(group), lambda: admin.reset_group(group, topic, to=0)):
        with pytest.raises(errors.GroupNotEmptyError, match=r"'till-7.*until its session ends"):
            change()


def test_what_cannot_be_reset_says_why(admin, topic, group):
    with pytest.raises(errors.UnknownGroupError, match=group):
        admin.reset_group(group, to="earliest")
    with pytest.raises(errors.GroupError, match="no committed offset"):
        admin.reset_group(group, topic, by=1)
    with pytest.raises(TypeError, match="either"):
        admin.reset_group(group, topic)
    with pytest.raises(ValueError, match="expected"):
        admin.reset_group(group, topic, to="yesterday")
    with pytest.raises(ValueError, match="fromisoformat"):
        admin.reset_group(group, topic, to="2026-11-21T13:00Z")
    with pytest.raises(ValueError, match=r"at least 0, not -3; .* by=-3"):
        admin.reset_group(group, topic, to=-3)
    with pytest.raises(ValueError, match="no time that can be asked for"):
        admin.reset_group(group, topic, to=datetime.min)  # noqa: DTZ901 - that is the point
    with pytest.raises(ValueError, match="ahead"):
        admin.reset_group(group, topic, to=timedelta(hours=-1))
    with pytest.raises(errors.InvalidGroupError):
        admin.reset_group("", topic, to=1)


def test_the_lag_of_a_group_that_has_committed_nothing_of_some_messages_is_unknown(admin, topic, group, reader):
    described = admin.describe_group(group)
    assert [(part.client_id, part.committed, part.lag) for part in described.partitions] == [("reader", None, None)] * 2
    assert described.lag is None
    assert "lag unknown" in described._repr_html_()
    reader.commit(offsets=[TopicPartition(topic, 0, 4)], asynchronous=False)
    described = admin.describe_group(group)
    assert [part.lag for part in described.partitions] == [6, None]
    assert described.lag is None
    reader.commit(offsets=[TopicPartition(topic, 1, 10)], asynchronous=False)
    assert admin.describe_group(group).lag == 6


def test_partitions_without_messages_leave_the_lag_known_and_those_of_deleted_topics_do_not():
    parts = tuple(
        GroupPartition("t", number, committed, end, None, None, None)
        for number, committed, end in ((0, 3, 10), (1, None, 0), (2, 5, None))
    )
    coordinator = BrokerDescription(1, "localhost", 9092, None)
    described = GroupDescription("g", "classic", "Stable", "consumer", "range", coordinator, (), parts[:2])
    assert described.lag == 7
    assert replace(described, partitions=parts).lag is None
    assert replace(described, partitions=()).lag is None


def test_a_group_with_members_is_described_and_left_alone(admin, topic, group, reader):
    reader.commit(asynchronous=False)
    described = until(lambda: (found := admin.describe_group(group)).state == "Stable" and found)
    (member,) = described.members
    assert (described.type, described.protocol_type, described.assignor) == ("classic", "consumer", "range")
    assert member.client_id == "reader"
    assert member.assignment == ((topic, 0), (topic, 1))
    assert {part.client_id for part in described.partitions} == {"reader"}
    assert all(part.lag == 10 - part.committed for part in described.partitions if part.committed is not None)
    assert "reader" in described._repr_html_()
    assert "Stable, 1 member, lag" in described._repr_html_()
    for change in (
        lambda: admin.reset_group(group, topic, to="earliest"),
        lambda: admin.reset_group(group, topic, to="earliest", dry_run=True),
        lambda: admin.delete_group(group),
        lambda: admin.delete_group(group, dry_run=True),
        lambda: admin.delete_group_offsets(group, topic),
        lambda: admin.delete_group_offsets(group, topic, dry_run=True),
    ):
        with pytest.raises(errors.GroupNotEmptyError, match=r"reader at .*127\.0\.0\.1.*stop them first"):
            change()
    reader.close()
    until(lambda: admin.describe_group(group).state == "Empty")
    admin.reset_group(group, topic, to="latest")
    assert admin.describe_group(group).lag == 0


def test_a_group_of_our_own_consumers_reads_again_after_a_reset(admin, servers, topic, group):
    def read(count):
        values = []
        with kafkalite.Consumer(servers, group_id=group) as consumer:
            (stream,) = consumer.create_message_streams(topic)
            while len(values) < count:
                values += [int(message.text()) for message in stream.poll_batch(100, timeout=1.0)]
            (member,) = admin.describe_group(group).members
            assert (member.client_id, member.assignment) == ("kafkalite", ((topic, 0), (topic, 1)))
            with pytest.raises(errors.GroupNotEmptyError, match="kafkalite at 127"):
                admin.reset_group(group, to="earliest")
        return sorted(values)

    admin.reset_group(group, topic, to=0)
    assert read(20) == list(range(20))
    assert admin.describe_group(group).lag == 0
    admin.reset_group(group, by=-3)
    assert admin.describe_group(group).lag == 6
    assert read(6) == list(range(14, 20))


def test_groups_are_listed_with_filters_and_deleted(admin, topic, group, reader):
    def listed(**filters):
        return [found for found in admin.list_groups(**filters) if found.group == group]

    (found,) = until(lambda: listed(states=["Stable"]))
    assert (found.type, found.protocol_type) == ("classic", "consumer")
    assert listed(types=["classic"])
    assert not listed(types=["consumer"])
    assert not listed(states=["Empty"])
    assert listed(states="stable", types="CLASSIC")
    with pytest.raises(ValueError, match=r"no state 'Idle'; Kafka knows .*Empty.*Stable"):
        listed(states="Idle")
    with pytest.raises(ValueError, match=r"no type 'modern'; Kafka knows classic, consumer"):
        listed(types=["modern"])
    reader.close()
    until(lambda: listed(states=["Empty"]))
    admin.reset_group(group, topic, to=3)
    for unknown in (topic + "x", {topic: [0, 7]}):
        with pytest.raises(errors.GroupError, match=f"has committed nothing of {topic}"):
            admin.delete_group_offsets(group, unknown)
    admin.delete_group_offsets(group, {topic: [0]})
    assert [part.partition for part in admin.describe_group(group).partitions] == [1]
    admin.delete_group_offsets(group, topic)
    admin.delete_group(group) if listed() else None
    assert not listed()


def test_a_group_of_the_new_protocol_is_described_reset_and_deleted(admin, servers, topic, group):
    settings = {"bootstrap.servers": servers, "group.id": group, "group.protocol": "consumer", "client.id": "new"}
    consumer = Consumer({**settings, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    until(lambda: consumer.poll(0.1) is None and len(consumer.assignment()) == 2)
    described = until(lambda: (found := admin.describe_group(group)).state == "Stable" and found)
    assert (described.type, described.protocol_type, described.assignor) == ("consumer", "consumer", "uniform")
    (member,) = described.members
    assert (member.client_id, member.assignment) == ("new", ((topic, 0), (topic, 1)))
    assert [found.group for found in admin.list_groups(types=["consumer"]) if found.group == group] == [group]
    for change in (lambda: admin.reset_group(group, topic, to=1), lambda: admin.delete_group(group)):
        with pytest.raises(errors.GroupNotEmptyError, match="new at 127"):
            change()
    consumer.close()
    until(lambda: admin.describe_group(group).state == "Empty")
    admin.reset_group(group, topic, to=4)
    assert [part.committed for part in admin.describe_group(group).partitions] == [4, 4]
    admin.delete_group(group)


def test_an_unknown_group_suggests_the_nearest(admin, topic, group):
    admin.reset_group(group, topic, to=0)
    for call in (admin.describe_group, admin.delete_group, lambda name: admin.delete_group_offsets(name, topic)):
        with pytest.raises(errors.UnknownGroupError, match=f"did you mean {group}"):
            call(group + "x")


def test_a_group_of_ten_thousand_characters_is_a_short_sentence(admin):
    with pytest.raises(errors.UnknownGroupError, match="10,000 characters") as raised:
        admin.describe_group("g" * 10_000)
    assert len(str(raised.value)) < 300


def test_offsets_of_a_deleted_topic_have_no_lag(admin, topic, group):
    admin.reset_group(group, topic, to=3)
    admin.delete_topic(topic)
    until(lambda: topic not in [each.name for each in admin.list_topics()])
    try:
        parts = admin.describe_group(group).partitions
    except errors.UnknownGroupError:
        return  # the cluster has forgotten the offsets together with the topic
    assert all(part.lag is None and part.end is None for part in parts)


def test_a_closed_admin_says_so_and_an_unreachable_cluster_is_named():
    admin = Admin("127.0.0.1:1", timeout=0.5)
    with pytest.raises(TimeoutError, match=r"timeout=0\.5 s; .*cannot connect to 127\.0\.0\.1:1"):
        admin.list_topics()
    admin.close()
    admin.close()
    with pytest.raises(errors.ClosedError):
        admin.list_topics()
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(admin)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"timeout": 0}, "timeout cannot be 0; expected seconds above 0"),
        ({"timeout": "soon"}, "timeout cannot be 'soon'; expected seconds"),
        ({"default_api_timeout_ms": 5}, "takes this as timeout="),
        ({"allow_auto_create_topics": True}, "never creates a topic by asking"),
        ({"client_di": "me"}, "did you mean client_id"),
    ],
)
def test_settings_that_an_admin_does_not_take_say_what_it_takes(settings, says):
    with pytest.raises(errors.InvalidSettingError, match=says):
        Admin("127.0.0.1:1", **settings)


def test_names_that_cannot_be_are_refused_in_one_sentence(admin):
    for name in ("", "not a topic"):
        with pytest.raises(errors.InvalidTopicError, match=f"^no topic can be called '{name}': "):
            admin.describe_topic(name)
    for call in (admin.describe_group, admin.delete_group, lambda name: admin.describe_config(group=name)):
        with pytest.raises(errors.InvalidGroupError, match="not empty"):
            call("")
