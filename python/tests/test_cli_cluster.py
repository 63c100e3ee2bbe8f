"""The commands that talk to a cluster: data on standard output, everything else on standard error."""

import itertools
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka import Consumer

from kafkalite import Admin, Producer

_NUMBERS = itertools.count(1)


@pytest.fixture(params=["kafkalite", "apache"])
def servers(request):
    """Each of the two brokers in turn."""
    if request.param == "apache":
        return request.getfixturevalue("apache_kafka")
    return request.getfixturevalue("broker").bootstrap_servers


def run(*arguments, status=0, **environment):
    command = [sys.executable, "-m", "kafkalite", *map(str, arguments)]
    environment = {**os.environ, **environment}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture
def kafkalite(servers):
    """Run a command against the cluster."""
    return lambda *arguments, **more: run(*arguments, KAFKALITE_BOOTSTRAP_SERVERS=servers, **more)


@pytest.fixture
def facts(kafkalite):
    """Run a command with ``--json`` and return its one document."""
    return lambda *arguments, **more: json.loads(kafkalite(*arguments, "--json", **more).stdout)


@pytest.fixture
def topic(servers):
    """A topic of two partitions with ten messages in each."""
    topic = f"cli-{os.getpid()}-{next(_NUMBERS)}"
    with Admin(servers) as admin, Producer(servers) as producer:
        admin.create_topic(topic, 2)
        for partition in (0, 1):
            producer.send_many(topic, [b"x"] * 10, partition=partition)
    return topic


@pytest.fixture
def group():
    return f"cli-group-{os.getpid()}-{next(_NUMBERS)}"


def rows(table):
    """Return the lines of a table as dictionaries."""
    lines = [line.split() for line in table.splitlines()]
    start = next(number for number, line in enumerate(lines) if line and line[0].isupper())
    return [dict(zip(lines[start], line, strict=False)) for line in lines[start + 1 :]]


def test_a_topic_from_its_creation_to_its_end(kafkalite, facts):
    name = f"cli-topic-{os.getpid()}-{next(_NUMBERS)}"
    create = ("topic", "create", name, "-p", 2, "--config", "retention.ms=60000")
    assert f"topic {name} would be created" in kafkalite(*create, "--dry-run").stderr
    assert name not in {row["name"] for row in facts("topic", "list")}
    assert f"created topic {name}" in kafkalite(*create).stderr
    assert "already" in kafkalite("topic", "create", name, status=1).stderr
    assert "existed already" in kafkalite("topic", "create", name, "--exist-ok").stderr
    assert facts("topic", "create", name, "--exist-ok") == {"topic": name, "created": False}
    grown = kafkalite("topic", "add-partitions", name, "-p", 2, status=1).stderr
    assert grown.count(":") == 2, f"a sentence, not a list of codes: {grown}"
    assert "--exist-ok" in kafkalite("topic", "create", name, status=1).stderr
    grow = ("topic", "add-partitions", name, "-p", 3)
    assert facts(*grow, "--dry-run") == {"topic": name, "before": 2, "after": 3, "done": False}
    assert f"topic {name} has 3 partitions now, 2 before" in kafkalite(*grow).stderr
    (described,) = facts("topic", "describe", name)
    assert described["config"] == {"retention.ms": "60000"}
    assert [part["partition"] for part in described["partitions"]] == [0, 1, 2]
    assert name in {row["name"] for row in facts("topic", "list")}
    assert {row["TOPIC"]: row["PARTITIONS"] for row in rows(kafkalite("topic", "list").stdout)}[name] == "3"
    assert "retention.ms=60000" in kafkalite("topic", "describe", name).stdout
    would = kafkalite("topic", "delete", name, "--dry-run")
    assert "would be deleted: 3 partitions, 0 messages" in would.stderr
    assert would.stdout == ""
    (deleted,) = facts("topic", "delete", name)
    assert deleted == {"topic": name, "partitions": 3, "messages": 0, "compacted": False, "deleted": True}
    assert "there is no topic" in kafkalite("topic", "delete", name, status=1).stderr


def test_offsets_of_a_compacted_topic_are_not_called_messages(kafkalite, servers):
    name = f"cli-topic-{os.getpid()}-{next(_NUMBERS)}"
    kafkalite("topic", "create", name, "-p", 1, "--config", "cleanup.policy=compact")
    with Producer(servers) as producer:
        producer.send_many(name, [b"x"] * 3, keys=[b"k"] * 3)
    assert "at most 3 messages" in kafkalite("topic", "delete", name, "--dry-run").stderr


def test_nothing_is_deleted_if_one_of_several_does_not_exist(kafkalite, facts, topic):
    kafkalite("topic", "delete", topic, "nowhere", status=1)
    assert topic in {row["name"] for row in facts("topic", "list")}


def test_columns_are_aligned(kafkalite, topic):
    lines = kafkalite("topic", "describe", topic).stdout.splitlines()[1:]
    ends = {line.rindex(word) + len(word) for line, word in zip(lines, ["END", "10", "10"], strict=True)}
    assert len(ends) == 1


def test_a_reset_prints_before_and_after_and_a_dry_run_changes_nothing(kafkalite, facts, topic, group):
    done = facts("group", "reset", group, "--topic", f"{topic}:1", "--to", 4)
    assert done["changes"] == [{"topic": topic, "partition": 1, "before": None, "after": 4, "note": ""}]
    would = kafkalite("group", "reset", group, "--by", -2, "--dry-run")
    assert rows(would.stdout) == [
        {"GROUP": group, "TOPIC": topic, "PARTITION": "1", "BEFORE": "4", "AFTER": "2", "NOTE": "-"}
    ]
    assert "nothing was changed" in would.stderr
    assert facts("group", "reset", group, "--to", "latest", "--execute")["changes"][0]["before"] == 4
    (described,) = facts("group", "describe", group)
    assert [(part["committed"], part["end"], part["lag"]) for part in described["partitions"]] == [(10, 10, 0)]


@pytest.mark.parametrize(
    ("where", "after"),
    [
        ("earliest", 0),
        ("99", 10),
        ("0s", 10),
        ("1d", 0),
        ("999999999d", 0),
        ("1960-01-01", 0),
        ("2001-01-01", 0),
        ("2300-01-01T00:00Z", 10),
        ("9999-12-31T23:59-10:00", 10),
    ],
)
def test_a_reset_goes_to_ends_offsets_times_and_durations(facts, topic, group, where, after):
    changes = facts("group", "reset", group, "--topic", topic, "--to", where)["changes"]
    assert [change["after"] for change in changes] == [after, after]


@pytest.mark.parametrize(("zone", "after"), [("UTC0", 0), ("EST5", 10)])
def test_a_time_without_a_zone_is_local(facts, topic, group, zone, after):
    an_hour_ago = (datetime.now(UTC) - timedelta(hours=1)).replace(tzinfo=None)  # in New York that is yet to come
    arguments = ("group", "reset", group, "--topic", topic, "--to", an_hour_ago.isoformat(), "--dry-run")
    assert [change["after"] for change in facts(*arguments, TZ=zone)["changes"]] == [after, after]


def test_groups_are_listed_described_and_deleted(kafkalite, facts, topic, group):
    new = kafkalite("group", "reset", group, "--topic", topic, "--to", 3).stderr
    assert f"there is no group '{group}'" in new
    assert "a reset makes it" in new
    again = kafkalite("group", "reset", group, "--topic", topic, "--to", 3).stderr
    assert "there is no group" not in again
    assert {"group": group, "type": "classic", "state": "Empty", "protocol_type": ""} in facts("group", "list")
    assert group not in kafkalite("group", "list", "--state", "Stable").stdout
    assert group in kafkalite("group", "list", "--state", "empty", "--type", "Classic").stdout
    assert (
        "committed nothing of other"
        in kafkalite("group", "delete-offsets", group, "--topic", "other", "--dry-run", status=1).stderr
    )
    described = rows(kafkalite("group", "describe", group).stdout)
    assert [(row["PARTITION"], row["COMMITTED"], row["END"], row["LAG"], row["MEMBER"]) for row in described] == [
        ("0", "3", "10", "7", "-"),
        ("1", "3", "10", "7", "-"),
    ]
    partly = kafkalite("group", "describe", "missing", group, "--json", status=1)
    assert [each["group"] for each in json.loads(partly.stdout)] == [group]
    assert "there is no group 'missing'" in partly.stderr
    assert kafkalite("group", "describe", group, "missing", status=1).stdout.startswith(f"group {group}: ")
    kafkalite("group", "delete-offsets", group, "--topic", f"{topic}:0", "--dry-run")
    kafkalite("group", "delete-offsets", group, "--topic", f"{topic}:0")
    assert [part["partition"] for part in facts("group", "describe", group)[0]["partitions"]] == [1]
    assert "would be deleted: 1 offset" in kafkalite("group", "delete", group, "--dry-run").stderr
    assert facts("group", "delete", group) == [{"group": group, "deleted": True}]
    assert "there is no group" in kafkalite("group", "describe", group, status=1).stderr


def test_a_group_that_reads_is_not_touched(kafkalite, facts, servers, topic, group):
    consumer = Consumer({"bootstrap.servers": servers, "group.id": group, "client.id": "me"})
    consumer.subscribe([topic])
    while len(consumer.assignment()) != 2:
        consumer.poll(0.1)
    for command in (
        ("group", "reset", group, "--topic", topic, "--to", "earliest"),
        ("group", "delete", group),
    ):
        for refused in (command, (*command, "--dry-run")):
            said = kafkalite(*refused, status=1).stderr
            assert "me at 127.0.0.1" in said
            assert "deleted" not in said
    (member,) = facts("group", "describe", group)[0]["members"]
    assert member["assignment"] == [[topic, 0], [topic, 1]]
    (row,) = rows(kafkalite("group", "describe", group, "--members").stdout)
    assert (row["CLIENT"], row["READS"]) == ("me", f"{topic}-0")
    consumer.close()


def test_settings_are_shown_changed_and_taken_back(kafkalite, facts, topic):
    def shown(*more):
        rows = facts("config", "show", "topic", topic, *more)
        return {row["name"]: row["value"] for row in rows if more or row["source"] == "topic"}

    assert shown() == {}
    assert shown("--all")["retention.ms"] == "604800000"
    kafkalite("config", "set", "topic", topic, "retention.ms=60000", "cleanup.policy+=compact")
    assert shown() == {"retention.ms": "60000", "cleanup.policy": "delete,compact"}
    kafkalite("config", "set", "topic", topic, "cleanup.policy-=delete", "--dry-run")
    kafkalite("config", "unset", "topic", topic, "retention.ms")
    assert shown() == {"cleanup.policy": "delete,compact"}
    assert "did you mean retention.ms" in kafkalite("config", "set", "topic", topic, "retention=1", status=1).stderr
    assert "NAME=VALUE" in kafkalite("config", "set", "topic", topic, "retention.ms", status=2).stderr
    assert "log.dirs" in kafkalite("config", "show", "broker", 0).stdout
    assert "which topic? Name it" in kafkalite("config", "show", "topic", status=2).stderr
    assert "named by its number" in kafkalite("config", "show", "broker", "zero", status=2).stderr


def test_the_only_broker_need_not_be_named(kafkalite, facts):
    (broker,) = {row["value"] for row in facts("config", "show", "broker", "--all") if row["name"] == "node.id"}
    shown = kafkalite("config", "show", "broker").stdout
    assert shown
    assert shown == kafkalite("config", "show", "broker", broker).stdout


def test_a_group_s_settings_are_shown_and_changed(kafkalite, facts, group):
    kafkalite("config", "set", "group", group, "consumer.heartbeat.interval.ms=7000")
    shown = {row["name"]: row["value"] for row in facts("config", "show", "group", group)}
    assert shown == {"consumer.heartbeat.interval.ms": "7000"}
    assert "at the default; --all prints them" in kafkalite("config", "show", "group", group).stderr
    kafkalite("config", "unset", "group", group, "consumer.heartbeat.interval.ms")
    assert facts("config", "show", "group", group) == []


def test_records_are_deleted_after_saying_how_many(kafkalite, facts, servers, topic):
    would = kafkalite("record", "delete", topic, "--before", 4, "--dry-run")
    assert "would delete 8 messages" in would.stderr
    done = facts("record", "delete", f"{topic}:0", "--before", 4)
    assert (done["messages"], done["changes"][0]["after"]) == (4, 4)
    assert "ends at offset 10" in kafkalite("record", "delete", topic, "--before", 11, status=1).stderr
    with Admin(servers) as admin:
        assert [found.offset for found in admin.list_offsets(topic, "earliest")] == [4, 0]


def test_an_unreachable_cluster_is_named():
    done = run("topic", "list", "-b", "127.0.0.1:1", "--timeout", "0.5", status=1)
    assert "cannot connect to 127.0.0.1:1" in done.stderr
    published = run("produce", "t", __file__, "-b", "127.0.0.1:1", "--timeout", "0.5", status=1)
    assert "max.block.ms=500" in published.stderr
    assert done.stdout == ""
    quiet = run("topic", "list", "-q", "-b", "127.0.0.1:1", "--timeout", "0.5", status=1).stderr
    assert quiet.startswith("error: ")


def test_an_address_that_nobody_gave_on_the_command_line_says_where_it_is_from():
    def said(*arguments, **environment):
        return run("topic", "list", "--timeout", "0.5", *arguments, status=1, **environment).stderr

    variable = "KAFKALITE_BOOTSTRAP_SERVERS"
    nowhere = said("-X", "request_timeout_ms=400", **{variable: ""})  # whether or not anything listens at the default
    assert f"localhost:9092 is the default, as neither -b nor {variable} is given" in nowhere
    assert f"127.0.0.1:1 is from ${variable}" in said(**{variable: "127.0.0.1:1"})
    assert f"no-port is from ${variable}" in said(**{variable: "no-port"})
    assert variable not in said("-b", "127.0.0.1:1", **{variable: "127.0.0.1:2"})


def test_the_client_takes_settings(broker):
    run("topic", "list", "-X", "client.id=me", "-b", broker.bootstrap_servers)
    assert "is given as --timeout" in run("topic", "list", "-X", "timeout=1", status=2).stderr
    assert "did you mean client_id" in run("topic", "list", "-X", "client.di=me", status=1).stderr
    for name in ("compression", "compression.type"):
        refused = run("produce", "t", "-X", f"{name}=zst", status=1).stderr
        assert 'error: compression cannot be "zst"; expected one of none, gzip' in refused


@pytest.mark.parametrize(
    "arguments",
    [
        ["group", "reset", "g"],
        ["group", "reset", "g", "--to", "noon"],
        ["group", "reset", "g", "--to", "-5"],
        ["group", "list", "--state", "Idle"],
        ["group", "list", "--type", "modern"],
        ["topic", "list", "--unknown"],
        ["group", "reset", "g", "--to", "1", "--by", "1"],
        ["group", "reset", "g", "--to", "1", "--dry-run", "--execute"],
        ["group", "reset", "g", "--to", "1", "--topic", "t:x"],
        ["topic", "create", "t", "-p", "0"],
        ["topic", "create", "t", "--config", "retention.ms"],
        ["topic", "list", "--timeout", "nan"],
        ["config", "show", "planet", "earth"],
        ["record", "delete", "t"],
        ["record", "delete", "t", "--before", "-5"],
        ["topic"],
    ],
)
def test_a_wrong_command_line_is_status_2(arguments):
    assert "usage:" in run(*arguments, status=2).stderr


@pytest.mark.parametrize(
    "command",
    [
        ["topic", "list"],
        ["topic", "create"],
        ["topic", "describe"],
        ["topic", "delete"],
        ["topic", "add-partitions"],
        ["group", "list"],
        ["group", "describe"],
        ["group", "reset"],
        ["group", "delete"],
        ["group", "delete-offsets"],
        ["record", "delete"],
        ["config", "show"],
        ["config", "set"],
        ["config", "unset"],
    ],
)
def test_every_command_explains_itself_and_takes_json(command):
    explained = run(*command, "--help").stdout
    assert "--json" in explained
    assert "--bootstrap-servers" in explained


def test_names_do_not_command_the_terminal(broker, make_topic):
    topic = make_topic()
    name = "\x1b[31mred\nline"
    with Admin(broker) as admin:
        admin.reset_group(name, topic, to=0)
    for command in (("group", "list"), ("group", "describe", name), ("group", "reset", name, "--to", "latest")):
        done = run(*command, "-b", broker.bootstrap_servers)
        assert "\x1b" not in done.stdout + done.stderr
        assert "\\x1b[31mred\\nline" in done.stdout
    assert "\x1b" not in run("group", "describe", name + "x", "-b", broker.bootstrap_servers, status=1).stderr


def test_names_are_printed_where_the_terminal_lacks_their_letters(broker, make_topic):
    with Admin(broker) as admin:
        admin.reset_group("grüße", make_topic(), to=0)
    plain = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert "gr\\xfc\\xdfe" in run("group", "list", "-b", broker.bootstrap_servers, **plain).stdout


def test_a_name_that_is_no_text_is_a_wrong_command_line(broker):
    assert (
        "no UTF-8"
        in run(
            "topic", "describe", b"\xff".decode(errors="surrogateescape"), "-b", broker.bootstrap_servers, status=2
        ).stderr
    )
