"""The comparisons with Apache Kafka run; what they find is for the README, not for a test."""

import json
import subprocess
import sys
from pathlib import Path

BENCHES = Path(__file__).parents[2] / "benches"
# The machine's congestion control stays as it is: a test changes nothing outside its own processes.
NOW = Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()


def run(script, *arguments):
    command = [sys.executable, BENCHES / script, *arguments, "--congestion-control", NOW, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=150, check=True)
    return json.loads(done.stdout)


def test_compare_measures_both_brokers(need_peer, tmp_path):
    need_peer("kafka")
    small = ["--messages", "5000", "--rounds", "1", "--warm-up", "0", "--directory", str(tmp_path)]
    ours, theirs = run("compare.py", *small)["results"]
    assert (ours["name"], theirs["name"]) == ("kafkalite", "Apache Kafka")
    for result in (ours, theirs):
        assert len(result["produce"]) == len(result["consume"]) == 1
        assert result["started_ms"] > 0
        assert result["peak_resident_mb"] >= result["resident_mb"] > 0
    assert not list(tmp_path.iterdir()), "it cleans up after itself"


def test_groups_measures_each_size(need_peer, tmp_path):
    need_peer("franz-go")
    small = ["--members", "2", "5", "--seconds", "1", "--only", "kafkalite", "--directory", str(tmp_path)]
    two, five = run("groups.py", *small)["kafkalite"]
    assert (two["members"], five["members"]) == (2, 5)
    assert five["join_ms"] > 0
    assert five["heartbeats_a_second"] > 0
    assert not list(tmp_path.iterdir()), "it cleans up after itself"


def test_partitions_measures_a_life_with_a_crash(tmp_path):
    small = ["--topics", "2", "--partitions", "3", "--idle", "1", "--only", "kafkalite", "--directory", str(tmp_path)]
    found = run("partitions.py", *small)["kafkalite"]
    assert found["descriptors"] >= 6
    assert found["started, after kill -9, s"] > 0
    assert not list(tmp_path.iterdir()), "it cleans up after itself"
