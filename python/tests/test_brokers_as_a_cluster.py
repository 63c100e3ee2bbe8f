"""Several brokers as one cluster, over a real ZooKeeper."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator

import pytest

from clients.groups import eventually
from clients.program import PEERS
from kafkalite import Admin, Broker, Consumer, KafkaError, Producer
from kafkalite.errors import BrokerStartError

_SHORT = {"zookeeper.session.timeout.ms": 1500}


@pytest.fixture
def zookeeper(need_peer) -> Iterator[str]:
    """Give the address of a ZooKeeper without data."""
    need_peer("zookeeper")
    with tempfile.TemporaryDirectory() as directory:
        environment = {**os.environ, "PEERS_OWNER": str(os.getpid())}
        command = [PEERS / "zookeeper", "start", directory, "0"]
        started = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        yield started.stdout.split()[1]
        subprocess.run([PEERS / "zookeeper", "stop", directory, "KILL"], check=True)


def _values(servers: str, topic: str, count: int) -> set[bytes]:
    with Consumer(servers, auto_offset_reset="earliest") as consumer:
        (stream,) = consumer.create_message_streams(topic, 1)
        return {next(stream).payload() for _ in range(count)}


def test_two_brokers_share_a_topic_and_each_client_finds_all_of_it(zookeeper):
    with (
        Broker(zookeeper=zookeeper, broker_id=1, config=_SHORT) as one,
        Broker(zookeeper=zookeeper, broker_id=2, config=_SHORT) as two,
    ):
        assert one.cluster_id == two.cluster_id
        two.create_topic("clicks", 4)  # who came last knows of both
        with Producer(two.bootstrap_servers) as producer:
            for number in range(40):
                producer.send("clicks", b"%d" % number, partition=number % 4)
        expected = {b"%d" % number for number in range(40)}
        assert _values(one.bootstrap_servers, "clicks", 40) == expected
        # Half of it lies on each.
        for broker in (one, two):
            topic = broker.topics()["clicks"]
            assert (topic.partition_count, topic.messages) == (2, 20)
        with Admin(two.bootstrap_servers) as admin:
            admin.delete_topic("clicks")
        eventually("gone from both", lambda: not one.topics() and not two.topics())


def test_a_number_that_is_taken_and_a_zookeeper_that_is_not_there_are_told(zookeeper):
    with Broker(zookeeper=zookeeper, broker_id=1, config=_SHORT):
        with pytest.raises(BrokerStartError, match=r"broker\.id 1 is that of a broker which is there"):
            Broker(zookeeper=zookeeper, broker_id=1, config=_SHORT)
        with pytest.raises(BrokerStartError, match=r"no broker\.id"):
            Broker(zookeeper=zookeeper, config=_SHORT)
    with pytest.raises(BrokerStartError, match="no ZooKeeper answers"):
        Broker(zookeeper="127.0.0.1:1", broker_id=1, config=_SHORT)


def test_a_broker_that_is_killed_returns_with_all_that_was_acknowledged(zookeeper, start_daemon):
    of_cluster = ("-q", "--zookeeper", zookeeper, "--broker-id", "2", "-X", "zookeeper.session.timeout.ms=1500")
    with Broker(zookeeper=zookeeper, broker_id=1, config=_SHORT) as one:
        two = start_daemon(*of_cluster)
        with Admin(two.bootstrap_servers) as admin:
            admin.create_topic("kept", 2)
        with Producer(two.bootstrap_servers) as producer:
            for number in range(10):
                producer.send("kept", b"%d" % number, partition=number % 2)
        two.stop(signal.SIGKILL)
        # Its number is still taken for as long as its session lasts.
        two = start_daemon(*of_cluster)
        assert _values(one.bootstrap_servers, "kept", 10) == {b"%d" % number for number in range(10)}
        with Producer(one.bootstrap_servers) as producer:
            assert producer.send("kept", b"more", partition=1).result(timeout=20).offset == 5
        assert two.stop() == 0


def test_without_a_leader_a_delivery_fails_and_says_so(zookeeper):
    with Broker(zookeeper=zookeeper, broker_id=1, config=_SHORT) as one:
        two = Broker(zookeeper=zookeeper, broker_id=2, config=_SHORT)
        two.create_topic("half", 2)
        two.close()
        with Producer(one.bootstrap_servers, delivery_timeout_ms=2000, request_timeout_ms=500, linger_ms=0) as producer:
            assert producer.send("half", b"x", partition=0).result(timeout=20).offset == 0
            with pytest.raises(KafkaError):
                producer.send("half", b"x", partition=1).result(timeout=20)
