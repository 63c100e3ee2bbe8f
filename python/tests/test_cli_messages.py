"""``kafkalite produce`` and ``kafkalite consume``."""

import json
import subprocess
import sys

import pytest

from kafkalite import Broker, Producer


@pytest.fixture
def kafkalite(broker):
    """Run a command against the session's broker; bytes in, bytes out."""

    def run(command, *arguments, given=b"", status=0):
        line = [sys.executable, "-m", "kafkalite", command, *map(str, arguments), "-b", broker.bootstrap_servers]
        done = subprocess.run(line, input=given, capture_output=True, timeout=60, check=False)
        assert done.returncode == status, done.stderr
        assert b"Traceback" not in done.stderr
        return done

    return run


@pytest.fixture
def read(kafkalite):
    """Return what ``consume`` prints up to the end, a JSON object a message, by partition and offset."""

    def read(topic, *arguments):
        lines = kafkalite("consume", topic, "-e", "--json", *arguments).stdout.splitlines()
        return sorted(map(json.loads, lines), key=lambda message: (message["partition"], message["offset"]))

    return read


def test_lines_of_standard_input_are_messages(kafkalite, read, topic):
    done = kafkalite("produce", topic, given=b"one\n\n\xc3\xa4\nwithout an end")
    assert b"published 4 messages" in done.stderr
    assert done.stdout == b""
    assert [message["value"] for message in read(topic)] == ["one", "", "ä", "without an end"]
    assert kafkalite("consume", topic, "-e").stdout == b"one\n\n\xc3\xa4\nwithout an end\n"


def test_files_are_published_in_their_order_and_none_if_one_is_missing(kafkalite, read, topic, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(f"{name}1\n{name}2\n")
    facts = json.loads(kafkalite("produce", topic, tmp_path / "b", tmp_path / "a", "--json").stdout)
    assert facts == {"topic": topic, "messages": 4, "bytes": 8}
    assert [message["value"] for message in read(topic)] == ["b1", "b2", "a1", "a2"]
    kafkalite("produce", topic, tmp_path / "a", tmp_path / "missing", status=1)
    assert len(read(topic)) == 4


def test_options_may_stand_between_topic_and_files(kafkalite, read, make_topic, tmp_path):
    topic = make_topic(2)
    (tmp_path / "lines").write_text("x\n")
    kafkalite("produce", topic, "-p", 1, tmp_path / "lines", "-X", "compression.type=zstd")
    assert [message["partition"] for message in read(topic)] == [1]
    assert b"usage: kafkalite produce" in kafkalite("produce", topic, "--unknown", status=2).stderr


def test_a_topic_that_is_nearly_right_is_suggested(kafkalite, topic):
    assert f"did you mean {topic}?".encode() in kafkalite("consume", topic + "x", status=1).stderr


def test_the_interval_of_commits_is_a_setting(kafkalite, topic):
    kafkalite("produce", topic, given=b"one\n")
    for setting in ("auto.commit.interval.ms=500", "enable_auto_commit=false"):
        kafkalite("consume", topic, "-e", "-g", f"{topic}-{setting}".replace("=", "-"), "-X", setting)
    wrong = kafkalite("consume", topic, "-e", "-g", topic, "-X", "auto.commit.interval.ms=soon", status=1).stderr
    assert b"auto_commit_interval_ms" in wrong


def test_it_ends_when_nobody_reads_it_any_more(broker, kafkalite, topic):
    kafkalite("produce", topic, given=b"one\n")
    command = [sys.executable, "-m", "kafkalite", "consume", topic, "-b", broker.bootstrap_servers]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout.readline() == b"one\n"
    child.stdout.close()  # no other message comes
    assert (child.wait(30), child.stderr.read()) == (141, b"")
    child.stderr.close()


def test_keys_and_partitions(kafkalite, read, make_topic):
    topic = make_topic(3)
    kafkalite("produce", topic, "-K", ":", "-p", 2, given=b"ada:1:2\nnone\n")
    kafkalite("produce", topic, "-k", "all", "-p", 0, given=b"x\n")
    kafkalite("produce", topic, "-K", r"\t", "-p", 1, given=b"tab\t1\n")
    found = [(message["partition"], message["key"], message["value"]) for message in read(topic)]
    assert found == [(0, "all", "x"), (1, "tab", "1"), (2, "ada", "1:2"), (2, None, "none")]
    kafkalite("produce", topic, "-K", "", given=b"x\n", status=2)


def test_a_line_is_published_before_the_next_one_comes(broker, read, topic):
    command = [sys.executable, "-m", "kafkalite", "produce", topic, "-q", "-b", broker.bootstrap_servers]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as producing:
        producing.stdin.write(b"first\n")
        producing.stdin.flush()
        while not read(topic):
            pass
        producing.stdin.write(b"second\n")
        producing.stdin.close()
        assert producing.wait(30) == 0
    assert [message["value"] for message in read(topic)] == ["first", "second"]


@pytest.fixture
def ten(broker, make_topic):
    """A topic of two partitions with ten messages in each, a second apart from 1,000 s on, that are kept for ever."""
    topic = make_topic(2, {"retention.ms": -1})
    with Producer(broker) as producer:
        for number in range(20):
            producer.send(topic, str(number), partition=number % 2, timestamp=(1_000 + number // 2) * 1_000)
    return topic


@pytest.mark.parametrize(
    ("where", "first"),
    [("earliest", 0), ("latest", 10), ("7", 7), ("99", 10), ("-3", 7), ("1970-01-01T00:16:44Z", 4), ("36500d", 0)],
)
def test_reading_begins_where_it_is_told_to(read, ten, where, first):
    offsets = [(message["partition"], message["offset"]) for message in read(ten, "-o", where)]
    assert offsets == [(partition, offset) for partition in (0, 1) for offset in range(first, 10)]


def test_reading_stops_after_a_count(kafkalite, ten):
    assert len(kafkalite("consume", ten, "-c", 7).stdout.splitlines()) == 7


def test_a_format_says_how_a_message_is_printed(kafkalite, broker, topic):
    with Producer(broker) as producer:
        producer.send(topic, b"\xff\0", key="k", headers={"h": b"1"}, timestamp=5)
        producer.send(topic, None, timestamp=6)
    done = kafkalite("consume", topic, "-e", "-f", r"%t/%p/%o\t%T %k=%s %h 100%%\n")
    name = topic.encode()
    assert done.stdout == name + b'/0/0\t5 k=\xff\0 [["h", "1"]] 100%\n' + name + b"/0/1\t6 = [] 100%\n"
    assert b"there is no %z" in kafkalite("consume", topic, "-f", "%z", status=2).stderr


def test_bytes_that_are_not_text_survive_json(kafkalite, read, topic):
    kafkalite("produce", topic, given=b"\xff\xfe\n")
    assert read(topic)[0]["value"] == {"base64": "//4="}


def test_an_unknown_topic_is_said_and_not_created(kafkalite, broker):
    assert b"there is no topic" in kafkalite("consume", "nowhere-at-all", "-e", status=1).stderr
    assert "nowhere-at-all" not in broker.topics()


def test_a_topic_with_nothing_in_it_ends_at_once(kafkalite, topic):
    assert kafkalite("consume", topic, "-e").stdout == b""


def test_a_group_goes_on_where_it_was(kafkalite, ten):
    def read(*arguments):
        return [
            json.loads(line)
            for line in kafkalite("consume", ten, "-g", "readers", "--json", *arguments).stdout.splitlines()
        ]

    first = read("-c", 7)
    rest = read("-e")
    assert len(first) == 7
    assert sorted(int(message["value"]) for message in first + rest) == list(range(20))
    assert read("-e") == []
    kafkalite("produce", ten, given=b"20\n")
    assert [message["value"] for message in read("-e")] == ["20"]
    refused = kafkalite("consume", ten, "-g", "readers", "-o", 5, status=2)
    assert b"group reset" in refused.stderr


def test_reading_without_an_end_goes_on_until_it_is_interrupted():
    with Broker() as broker:
        broker.create_topic("t")
        command = [sys.executable, "-m", "kafkalite", "consume", "t", "-b", broker.bootstrap_servers]
        with Producer(broker) as producer, subprocess.Popen(command, stdout=subprocess.PIPE) as consuming:
            try:
                for word in (b"one", b"two"):
                    producer.send("t", word).result(30)
                    assert consuming.stdout.readline() == word + b"\n"
                consuming.send_signal(2)
                assert consuming.wait(30) == 130
            finally:
                consuming.kill()
