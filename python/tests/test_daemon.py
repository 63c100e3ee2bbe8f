"""``python -m kafkalite.broker``: a daemon as others run them."""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from kafkalite import Consumer, Producer

COMMAND = [sys.executable, "-m", "kafkalite.broker"]


def start(*arguments):
    child = subprocess.Popen(
        [*COMMAND, "--json", "-p", "0", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    line = child.stdout.readline()
    assert line, child.stderr.read()
    return child, json.loads(line)


def finish(child):
    _, errors = child.communicate(timeout=60)
    return child.returncode, errors


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_one_ready_line_and_a_graceful_stop(tmp_path, stop):
    child, ready = start("-d", tmp_path)
    assert ready["pid"] == child.pid
    assert ready["data_dir"] == str(tmp_path)
    with Producer(ready["bootstrap_servers"]) as producer:
        producer.send("t", b"x").result(timeout=30)
    os.kill(child.pid, stop)
    status, errors = finish(child)
    assert status == 0, errors
    assert "Traceback" not in errors
    assert (tmp_path / ".kafka_cleanshutdown").exists()


def test_a_ready_line_that_cannot_be_printed_ends_it_with_a_sentence(tmp_path):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "-p", "0", "-d", tmp_path],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert "error: cannot print that the broker is ready: [Errno 28]" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_closed_standard_error_takes_no_data_file_in(tmp_path):
    command = ["sh", "-c", 'exec "$@" 2>&-', "sh", *COMMAND, "--json", "-p", "0", "-d", tmp_path]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    json.loads(child.stdout.readline())
    assert str(Path(f"/proc/{child.pid}/fd/2").readlink()) == os.devnull
    os.kill(child.pid, signal.SIGTERM)
    assert finish(child)[0] == 0


def test_properties_file_and_single_settings(tmp_path):
    properties = tmp_path / "server.properties"
    properties.write_text(f"# a comment\nlog.dirs={tmp_path / 'data'}\nnum.partitions = 3\nprocess.roles=broker\n")
    child, ready = start("-c", properties, "-X", "num.partitions=5")
    try:
        assert ready["data_dir"] == str(tmp_path / "data")
        with Consumer(ready["bootstrap_servers"]) as consumer:
            (stream,) = consumer.create_message_streams("made-on-demand")
            assert [partition for _, partition in stream.assignment] == [0, 1, 2, 3, 4]
    finally:
        os.kill(child.pid, signal.SIGTERM)
        finish(child)


@pytest.mark.parametrize(("given", "host"), [([], "127.0.0.1"), (["--host", "127.0.0.2"], "127.0.0.2")])
def test_the_command_line_goes_before_listeners(tmp_path, given, host):
    with socket.socket() as taken:
        taken.bind(("127.0.0.3", 0))
        address = f"127.0.0.3:{taken.getsockname()[1]}"
        child, ready = start("-X", f"listeners=PLAINTEXT://{address}", "-d", tmp_path, *given)  # with -p 0
    os.kill(child.pid, signal.SIGTERM)
    status, errors = finish(child)
    assert status == 0, errors
    assert ready["bootstrap_servers"].startswith(f"{host}:")


def test_a_broker_that_cannot_tell_that_it_is_ready_stops_cleanly(tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as nobody_reads:
        done = subprocess.run(
            [*COMMAND, "-p", "0", "-d", str(tmp_path)],
            stdout=nobody_reads,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert done.returncode != 0
    assert (tmp_path / ".kafka_cleanshutdown").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["-X", "num.partition=1"], 2, "num.partitions"),
        (["-X", "num.partitions=none"], 2, "num.partitions"),
        (["-X", "no-equals-sign"], 2, "key=value"),
        (["-c", "no-such-file"], 2, "no-such-file"),
        (["-p", "65536"], 2, "65536"),
        (["-v", "-q"], 2, "not allowed with"),
        (["-d", "/proc/nowhere"], 1, "/proc/nowhere"),
    ],
)
def test_wrong_settings_are_a_sentence_and_a_status(tmp_path, arguments, status, sentence):
    done = subprocess.run(
        [*COMMAND, "-p", "0", *([] if "-d" in arguments else ["-d", str(tmp_path)]), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == status
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"num.partitions=none", 'num.partitions cannot be "none"'),
        (b"num.partition=1", 'no setting is called "num.partition"'),
        (b"a=1\r\nb=\\u12", "line 2 of the properties"),
    ],
)
def test_what_is_wrong_in_a_properties_file_names_the_file(tmp_path, text, sentence):
    properties = tmp_path / "server.properties"
    properties.write_bytes(text)
    done = subprocess.run(
        [*COMMAND, "-p", "0", "-d", tmp_path / "data", "-c", properties, "-X", "num.io.threads=1"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert f"error: {properties}: {sentence}" in done.stderr


def test_a_properties_file_that_is_a_folder_is_a_sentence(tmp_path):
    done = subprocess.run(
        [*COMMAND, "-c", tmp_path], capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path
    )
    assert done.returncode == 2
    assert done.stderr == f"error: cannot read the properties file {tmp_path}: Is a directory\n"


def test_a_properties_file_that_is_no_utf_8_is_read_as_java_does(tmp_path):
    properties = tmp_path / "server.properties"
    data = tmp_path / "données"
    properties.write_bytes(f"# é\nlog.dirs={data}\n".encode("latin-1"))
    child, ready = start("-c", properties)
    child.terminate()
    status, errors = finish(child)
    assert status == 0, errors
    assert ready["data_dir"] == str(data)


def test_a_taken_port_is_a_sentence_and_a_status(broker, tmp_path):
    done = subprocess.run(
        [*COMMAND, "-p", str(broker.port), "-d", str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert str(broker.port) in done.stderr


def test_what_an_outdated_client_is_told_again_and_again_stands_in_the_log_once(tmp_path):
    child, ready = start("-d", tmp_path)
    host, port = ready["bootstrap_servers"].split(":")
    produce_2 = struct.pack(">ihhih3s", 13, 0, 2, 1, 3, b"old")  # as clients until 2017 do
    for _ in range(200):
        with socket.create_connection((host, int(port)), timeout=30) as client:
            client.sendall(produce_2)
            assert client.recv(1) == b""
    os.kill(child.pid, signal.SIGTERM)
    status, errors = finish(child)
    assert status == 0, errors
    told = [line for line in errors.splitlines() if "Produce was asked in version 2" in line]
    assert len(told) == 2, errors
    assert "connection closed" in told[0]
    assert "199 more warnings: 199 of 127.0.0.1" in told[1]


def test_connections_beyond_the_limit_are_warned_of_once_and_counted(tmp_path):
    child, ready = start("-d", tmp_path, "-X", "max.connections=1")
    address = ready["bootstrap_servers"].split(":")
    with socket.create_connection(address, timeout=30):
        for _ in range(50):
            with socket.create_connection(address, timeout=30) as refused:
                assert refused.recv(1) == b""
    os.kill(child.pid, signal.SIGTERM)
    _, errors = finish(child)
    told = [line for line in errors.splitlines() if "max.connections=1 are open" in line]
    assert len(told) == 2, errors
    assert "connection refused" in told[0]
    assert "49 more warnings" in told[1]


def test_a_subscription_that_is_refused_again_and_again_stands_in_the_log_once(tmp_path):
    child, ready = start("-d", tmp_path)
    host, port = ready["bootstrap_servers"].split(":")
    subscription = bytes(2_000_000)  # more than a record of __consumer_offsets holds
    body = struct.pack(">h1sii", 1, b"g", 30_000, 5_000) + struct.pack(">hh8s", 0, 8, b"consumer")
    body += struct.pack(">ih5si", 1, 5, b"range", len(subscription)) + subscription
    join = struct.pack(">ihhih3s", 13 + len(body), 11, 2, 1, 3, b"new") + body
    with socket.create_connection((host, int(port)), timeout=30) as client, client.makefile("rb") as answers:
        for _ in range(20):
            client.sendall(join)
            (length,) = struct.unpack(">i", answers.read(4))
            _, _, error = struct.unpack_from(">iih", answers.read(length))
            assert error == -1
    os.kill(child.pid, signal.SIGTERM)
    _, errors = finish(child)
    told = [line for line in errors.splitlines() if "group g: a member's subscription" in line]
    assert len(told) == 2, errors
    assert "19 more warnings: 19 of groups" in told[1]
