"""Other people's clients while the broker, a daemon, stops, dies and comes back."""

import signal
import socket
import time

import pytest
from confluent_kafka import Producer

from clients import CLIENTS, Record

TIMESTAMP = int(time.time() * 1000) - 3_600_000  # recent: retention would take what is old, at any moment


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
@pytest.mark.parametrize("client", [c for c in CLIENTS if c.peer is None], ids=lambda client: client.name)
def test_what_a_client_published_is_there_after_a_restart(start_daemon, client, number):
    records = [Record(b"%d" % n * 100, b"key", (("h", b"v"),), TIMESTAMP + n) for n in range(50)]
    first = start_daemon()
    client.produce(first.bootstrap_servers, "t", 0, records[:30], "lz4")
    first.stop(number)
    second = start_daemon()
    client.produce(second.bootstrap_servers, "t", 0, records[30:], "zstd")
    read = client.consume(second.bootstrap_servers, "t", 0, 50)
    assert read == records
    assert [record.offset for record in read] == list(range(50))


def test_an_idempotent_producer_goes_on_across_restarts(start_daemon):
    address = ["-p", str(free_port())]
    daemon = start_daemon(*address)
    errors = []
    producer = Producer({"bootstrap.servers": daemon.bootstrap_servers, "enable.idempotence": True, "linger.ms": 1})

    def send(numbers):
        for number in numbers:
            producer.produce("t", b"%d" % number, partition=0, on_delivery=lambda e, _: e and errors.append(e))
            producer.poll(0)

    send(range(1000))
    assert producer.flush(30) == 0
    for round_ in (1, 2):  # without pause, so that requests are on their way when the broker dies
        send(range(round_ * 1000, round_ * 1000 + 1000))
        daemon.stop(signal.SIGKILL)
        daemon = start_daemon(*address)
        assert producer.flush(60) == 0
    assert errors == []
    (reader,) = [client for client in CLIENTS if client.name == "confluent-kafka"]
    read = reader.consume(daemon.bootstrap_servers, "t", 0, 3000)
    assert [record.value for record in read] == [b"%d" % number for number in range(3000)]
