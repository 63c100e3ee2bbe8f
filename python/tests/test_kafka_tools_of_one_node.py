"""What Kafka's command-line tools ask of a cluster besides topics and groups: answered as a cluster of one."""

import json
import re
import subprocess

import pytest
from confluent_kafka import Producer

from clients.program import PEERS

TOOLS = "org.apache.kafka.tools"
CONFIGS = f"{TOOLS}.ConfigCommand"


@pytest.fixture
def attempt(need_peer, cluster):
    """Run one of Kafka's tools against the cluster; return its exit code and what it printed."""
    need_peer("kafka")

    def run(name, *arguments):
        command = [PEERS / "kafka", "run", name, "--bootstrap-server", cluster, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture
def tool(attempt):
    """Run one of Kafka's tools, which must succeed, and return what it printed."""

    def run(name, *arguments):
        code, printed = attempt(name, *arguments)
        assert code == 0, f"{name} {' '.join(arguments)}:\n{printed}"
        return printed

    return run


@pytest.fixture
def filled(cluster, cluster_topic):
    """A topic with one record of an idempotent producer."""
    topic = cluster_topic()
    producer = Producer({"bootstrap.servers": cluster, "enable.idempotence": True})
    producer.produce(topic, b"v")
    assert producer.flush(30) == 0
    return topic


def test_log_dirs_shows_where_partitions_are_and_how_large(tool, filled):
    printed = tool(f"{TOOLS}.LogDirsCommand", "--describe", "--topic-list", filled)
    described = json.loads(printed[printed.index("{") :].splitlines()[0])
    (broker,) = described["brokers"]
    (directory,) = broker["logDirs"]
    (partition,) = directory["partitions"]
    assert directory["error"] is None
    assert partition["partition"] == f"{filled}-0"
    assert partition["size"] > 0
    assert partition["offsetLag"] == 0


def test_metadata_quorum_has_one_leader_that_nobody_lags_behind(tool):
    status = tool(f"{TOOLS}.MetadataQuorumCommand", "describe", "--status")
    (leader,) = re.findall(r"LeaderId: +(\d+)", status)
    assert re.search(r"MaxFollowerLag: +0\b", status)
    assert f'"id": {leader},' in status
    replication = tool(f"{TOOLS}.MetadataQuorumCommand", "describe", "--replication")
    assert re.search(rf"^{leader}\s.*\bLeader\b", replication, re.MULTILINE)


def test_transactions_shows_the_producers_of_a_partition(tool, filled):
    printed = tool(f"{TOOLS}.TransactionsCommand", "describe-producers", "--topic", filled, "--partition", "0")
    rows = [line.split() for line in printed.splitlines() if line[:1].isdigit()]
    ((_, epoch, coordinator, sequence, _, transaction),) = rows
    assert (epoch, coordinator, sequence, transaction) == ("0", "-1", "0", "None")


def test_quotas_are_set_shown_and_taken_away(tool):
    user = ("--entity-type", "users", "--entity-name", "alice")
    tool(CONFIGS, "--alter", *user, "--add-config", "producer_byte_rate=1024,request_percentage=50")
    assert "producer_byte_rate=1024.0" in tool(CONFIGS, "--describe", *user)
    tool(CONFIGS, "--alter", *user, "--delete-config", "producer_byte_rate")
    shown = tool(CONFIGS, "--describe", "--entity-type", "users")
    assert "producer_byte_rate" not in shown
    assert "request_percentage=50.0" in shown
    tool(CONFIGS, "--alter", *user, "--delete-config", "request_percentage")
    assert "alice" not in tool(CONFIGS, "--describe", "--entity-type", "users")


def test_configs_lists_groups_and_finds_no_client_metrics(tool):
    group = ("--entity-type", "groups")
    tool(CONFIGS, "--alter", *group, "--entity-name", "listed", "--add-config", "consumer.session.timeout.ms=50000")
    assert "group listed" in tool(CONFIGS, "--describe", *group)
    assert "metrics=" not in tool(CONFIGS, "--describe", "--entity-type", "client-metrics")


def test_no_election_and_no_reassignment_is_needed(tool, filled):
    election = (f"{TOOLS}.LeaderElectionCommand", "--election-type", "preferred")
    printed = tool(*election, "--topic", filled, "--partition", "0")
    assert f"already elected for partitions {filled}-0" in printed
    tool(*election, "--all-topic-partitions")
    printed = tool(f"{TOOLS}.reassign.ReassignPartitionsCommand", "--list")
    assert "No partition reassignments found" in printed


def test_a_partition_stays_on_the_only_broker(tool, attempt, filled, tmp_path):
    plan = tmp_path / "plan.json"
    reassign = (f"{TOOLS}.reassign.ReassignPartitionsCommand", "--reassignment-json-file", str(plan), "--execute")
    partition = {"topic": filled, "partition": 0, "replicas": [0]}
    plan.write_text(json.dumps({"version": 1, "partitions": [partition]}))
    assert "Successfully started partition reassignment" in tool(*reassign)
    plan.write_text(json.dumps({"version": 1, "partitions": [partition | {"replicas": [7]}]}))
    code, printed = attempt(*reassign)
    assert code != 0
    assert "7" in printed


def test_features_are_shown_and_stay(tool, attempt):
    features = f"{TOOLS}.FeatureCommand"
    described = tool(features, "describe")
    assert re.search(r"group\.version\b.*FinalizedVersionLevel: 1", described)
    tool(features, "upgrade", "--feature", "group.version=1")
    code, printed = attempt(features, "upgrade", "--feature", "group.version=9")
    assert code != 0
    assert "group.version" in printed


def test_acls_say_that_security_is_off(attempt):
    code, printed = attempt(f"{TOOLS}.AclCommand", "--list")
    assert code != 0
    assert "SecurityDisabledException" in printed
