"""The comparison with Apache Kafka runs; what it finds is for the README, not for a test."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benches" / "compare.py"


def test_compare_measures_both_brokers(need_peer, tmp_path):
    need_peer("kafka")
    small = ["--messages", "5000", "--rounds", "1", "--warm-up", "0", "--directory", str(tmp_path), "--json"]
    # The machine's congestion control stays as it is: a test changes nothing outside its own processes.
    now = Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()
    command = [sys.executable, SCRIPT, *small, "--congestion-control", now]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=150, check=True)
    ours, theirs = json.loads(done.stdout)["results"]
    assert (ours["name"], theirs["name"]) == ("kafkalite", "Apache Kafka")
    for result in (ours, theirs):
        assert len(result["produce"]) == len(result["consume"]) == 1
        assert result["started_ms"] > 0
        assert result["peak_resident_mb"] >= result["resident_mb"] > 0
    assert not list(tmp_path.iterdir()), "it cleans up after itself"
