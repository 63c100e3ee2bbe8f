"""Other people's clients publish and read back, and read what the others wrote."""

import json
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from clients import CLIENTS, CODECS, Client, Record
from clients.program import Program, run

TIMESTAMP = int(time.time() * 1000) - 3_600_000  # recent: retention would take what is old, at any moment
TEXT = b"what goes in comes out " * 40  # worth compressing: librdkafka leaves a batch as it is that would not shrink

READERS = [client for client in CLIENTS if client.reads]


def records(origin: str) -> list[Record]:
    """Return a record of every kind; header values are plain because kcat prints them between commas."""
    source = ("source", origin.encode())
    return [
        Record(TEXT, b"key", (source, ("empty", b"")), TIMESTAMP),
        Record(
            TEXT[::-1] + bytes(range(256)), b"another key", (source, ("twice", b"1"), ("twice", b"2")), TIMESTAMP + 1
        ),
        Record(TEXT, None, (source,), TIMESTAMP + 2),
        Record(None, b"a tombstone", (source,), TIMESTAMP - 5),
        Record(b"", b"an empty value", (), TIMESTAMP + 4),
        Record("grüße, 世界 ".encode() * 500, "schlüssel".encode(), (source,), TIMESTAMP + 1_000),
    ]


@pytest.fixture(params=CLIENTS, ids=lambda client: client.name)
def writer(request: pytest.FixtureRequest, need_peer: Callable[[str], None]) -> Client:
    """Each client."""
    return ready(request.param, need_peer)


def ready(client: Client, need_peer: Callable[[str], None]) -> Client:
    """Return the client if this machine has it."""
    if client.peer:
        need_peer(client.peer)
    return client


def assert_same(read: list[Record], written: list[Record], writer: Client, sent_between: tuple[int, int]) -> None:
    """Compare everything but the time where the writer cannot set it: then it is that of sending."""
    assert [(r.key, r.value, r.headers) for r in read] == [(r.key, r.value, r.headers) for r in written]
    if writer.sets_timestamps:
        assert [r.timestamp for r in read] == [r.timestamp for r in written]
    else:
        earliest, latest = sent_between
        assert all(earliest <= r.timestamp <= latest for r in read)


def publish(
    writer: Client, cluster: str, topic: str, partition: int, codec: str
) -> tuple[list[Record], tuple[int, int]]:
    """Publish a record of every kind and return them with the time before and after."""
    written = records(writer.name)
    before = int(time.time() * 1000)
    writer.produce(cluster, topic, partition, written, codec)
    return written, (before, int(time.time() * 1000))


@pytest.mark.parametrize("codec", CODECS)
def test_a_client_reads_back_what_it_published(writer, codec, cluster, cluster_topic, need_peer):
    reader = writer if writer.reads else ready(CLIENTS[0], need_peer)
    topic = cluster_topic(partitions=3)
    written, sent = publish(writer, cluster, topic, 2, codec)
    read = reader.consume(cluster, topic, 2, len(written))
    assert_same(read, written, writer, sent)
    assert [r.offset for r in read] == list(range(len(written)))


@pytest.mark.parametrize("codec", CODECS)
def test_each_client_reads_what_each_other_wrote(codec, cluster, cluster_topic, need_peer):
    topic = cluster_topic()
    runs = [(ready(writer, need_peer), *publish(writer, cluster, topic, 0, codec)) for writer in CLIENTS]
    count = sum(len(written) for _, written, _ in runs)
    for reader in READERS:
        read = iter(reader.consume(cluster, topic, 0, count))
        for writer, written, sent in runs:
            part = [next(read) for _ in written]
            assert_same(part, written, writer, sent)


@pytest.mark.parametrize("codec", CODECS)
def test_kafka_go_reads_what_each_wrote_and_takes_what_is_empty_for_null(codec, cluster, cluster_topic, need_peer):
    need_peer("kafka-go")
    topic = cluster_topic()
    runs = [(ready(writer, need_peer), *publish(writer, cluster, topic, 0, codec)) for writer in CLIENTS]
    count = sum(len(written) for _, written, _ in runs)
    read = iter(Program("kafka-go", reads=True).consume(cluster, topic, 0, count))
    for writer, written, sent in runs:
        expected = [
            replace(r, value=r.value or None, headers=tuple((name, value or None) for name, value in r.headers))
            for r in written
        ]
        assert_same([next(read) for _ in expected], expected, writer, sent)


@pytest.mark.parametrize("codec", CODECS)
def test_batches_are_kept_as_they_were_compressed(writer, codec, cluster, cluster_topic, need_peer):
    need_peer("franz-go")  # it tells how the batch was compressed that a record came in
    topic = cluster_topic()
    writer.produce(cluster, topic, 0, [Record(TEXT, b"key", timestamp=TIMESTAMP)], codec)
    (line,) = run("franz-go", "consume", cluster, topic, "0", "1").splitlines()
    assert json.loads(line)["codec"] == codec


@pytest.mark.parametrize("client", [c for c in CLIENTS if c.name != "kcat"], ids=lambda client: client.name)
def test_header_values_may_be_any_bytes(client, cluster, cluster_topic, need_peer):
    reader = ready(client, need_peer) if client.reads else CLIENTS[0]
    topic = cluster_topic()
    written = [Record(b"v", b"k", (("bytes", bytes(range(256))), ("ключ", b"\0,=\n")), TIMESTAMP)]
    client.produce(cluster, topic, 0, written, "none")
    assert reader.consume(cluster, topic, 0, 1) == written
