"""A broker inside the process: its life, its directory, what a notebook shows of it."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from kafkalite import Admin, Broker, Consumer, MessageSet, Producer, errors


def test_a_temporary_directory_goes_with_its_broker():
    broker = Broker()
    assert Path(broker.data_dir).is_dir()
    assert broker.host == "127.0.0.1"
    assert broker.bootstrap_servers == f"127.0.0.1:{broker.port}"
    broker.close()
    broker.close()
    assert broker.closed
    assert not Path(broker.data_dir).exists()
    assert "closed" in repr(broker)


def test_a_directory_keeps_topics_messages_and_identity(tmp_path):
    with Broker(tmp_path) as broker:
        cluster = broker.cluster_id
        broker.create_topic("kept", partitions=2, config={"retention.ms": -1})
        with Producer(broker) as producer:
            for partition in (0, 1):
                producer.send("kept", MessageSet(f"{partition}-{n}" for n in range(100)), partition=partition)
    with Broker(tmp_path) as broker:
        assert broker.cluster_id == cluster
        (topic,) = broker.topics().values()
        assert (topic.name, topic.partition_count, topic.messages) == ("kept", 2, 200)
        assert topic.bytes > 0
        with Consumer(broker) as consumer:
            for number, stream in enumerate(consumer.create_message_streams("kept", 2)):
                assert [next(stream).text() for _ in range(100)] == [f"{number}-{n}" for n in range(100)]


def test_synced_durability_serves_the_same(tmp_path):
    with Broker(tmp_path, durability="synced") as broker, Producer(broker) as producer:
        assert producer.send("t", b"flushed").result(timeout=30).offset == 0
        with Consumer(broker) as consumer:
            assert next(consumer.create_message_streams("t")[0]).value == b"flushed"


def test_topics_grow_show_and_go(broker, make_topic):
    name = make_topic(partitions=3)
    with Producer(broker) as producer:
        producer.send(name, b"x")
    shown = repr(broker)
    assert name in shown
    assert broker.bootstrap_servers in shown
    assert f"<td>{name}</td>" in broker._repr_html_()
    broker.delete_topic(name)
    assert name not in broker.topics()
    with pytest.raises(errors.UnknownTopicError):
        broker.delete_topic(name)


def test_segments_roll_and_old_ones_can_be_counted(tmp_path):
    with Broker(tmp_path, config={"log.segment.bytes": 1 << 20}) as broker:
        with Producer(broker) as producer:
            for _ in range(5):
                producer.send("big", b"x" * 700_000).result(timeout=30)
        (topic,) = broker.topics().values()
        assert topic.segments == 5
        assert topic.messages == 5


def test_what_compaction_took_is_not_counted_as_a_message_without_saying_so():
    with Broker(config={"log.cleaner.backoff.ms": 10}) as broker:
        eager = {"cleanup.policy": "compact", "internal.segment.bytes": 1 << 14, "min.cleanable.dirty.ratio": 0.01}
        broker.create_topic("latest", config=eager)
        with Producer(broker, linger_ms=0) as producer:
            for number in range(200):
                producer.send("latest", b"x" * 500, key=str(number % 10)).result(timeout=30)
        deadline = time.monotonic() + 30
        while broker.topics()["latest"].bytes >= 200 * 500 and time.monotonic() < deadline:
            time.sleep(0.02)
        (topic,) = broker.topics().values()
        assert topic.bytes < 200 * 500, "compacted"
        assert topic.messages == 200
        assert topic.compacted
        assert "messages<=200" in repr(topic)
        assert "at most 200" in repr(broker)
        assert "<td>at most 200</td>" in broker._repr_html_()
        with Admin(broker) as admin:
            admin.alter_config({"cleanup.policy": "delete"}, topic="latest")
        assert broker.topics()["latest"].compacted, "what was taken before does not come back"


def test_a_forgotten_broker_is_stopped_cleanly_at_exit(tmp_path):
    code = f"""
from kafkalite import Broker, Producer
broker = Broker({str(tmp_path)!r})
producer = Producer(broker)
producer.send("t", b"x").result(30)
"""
    subprocess.run([sys.executable, "-c", code], timeout=60, check=True)
    assert (tmp_path / ".kafka_cleanshutdown").exists()


def test_two_brokers_live_side_by_side():
    with Broker() as one, Broker() as two:
        with Producer(one) as producer:
            producer.send("t", b"one").result(timeout=30)
        assert list(one.topics()) == ["t"]
        assert two.topics() == {}


def test_a_forked_child_leaves_its_parents_broker_alone():
    code = """
import os, sys, warnings
from pathlib import Path
from kafkalite import Broker, Consumer, Producer
warnings.simplefilter("ignore")
with Broker() as broker:
    with Producer(broker) as producer:
        producer.send("t", b"kept").result(30)
    if os.fork() == 0:
        broker.close()
        sys.exit(0)  # leaves `with` and runs what is registered for the end of the interpreter
    _, status = os.wait()
    assert status == 0, status
    assert Path(broker.data_dir).is_dir()
    with Consumer(broker) as consumer:
        assert next(consumer.create_message_streams("t")[0]).value == b"kept"
assert not Path(broker.data_dir).exists()
"""
    done = subprocess.run([sys.executable, "-c", code], timeout=60, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_durability_can_be_set_by_its_keyword_or_in_config():
    with Broker(config={"kafkalite.durability": "synced"}) as broker, Producer(broker) as producer:
        assert producer.send("t", b"flushed").result(timeout=30).offset == 0
    with pytest.raises(errors.InvalidSettingError, match=r"kafkalite\.durability"):
        Broker(config={"kafkalite.durability": "sometimes"})


def test_showing_a_broker_never_raises(broker, monkeypatch):
    def closed_meanwhile():
        raise errors.ClosedError("closed")

    monkeypatch.setattr(broker, "topics", closed_meanwhile)
    assert broker.bootstrap_servers in repr(broker)
    assert broker.bootstrap_servers in broker._repr_html_()


def test_an_interrupted_close_can_be_repeated(tmp_path, monkeypatch):
    class Interrupted:
        def close(self, _timeout):
            raise KeyboardInterrupt

    broker = Broker(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(broker, "_native", Interrupted())
        with pytest.raises(KeyboardInterrupt):
            broker.close()
    assert not broker.closed
    broker.close()
    assert broker.closed
    assert (tmp_path / ".kafka_cleanshutdown").exists()
