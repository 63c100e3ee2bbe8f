"""Consumers of before Kafka 0.11 read what is published today: the paper's own, from Kafka 1.1.1, and others."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined] # its stub forgets to export it
from kafka import KafkaConsumer
from kafka import TopicPartition as KafkaPythonPartition
from kazoo.client import KazooClient

import kafkalite as kl
from clients import CLIENTS, Client, Record
from clients.program import run

SERVED = {"log.message.downconversion.enable": "true"}
CODECS = ["none", "gzip", "snappy", "lz4"]  # zstd is younger than these consumers
TEXT = "what goes in comes out " * 10  # worth compressing: librdkafka leaves a batch as it is that would not shrink
STAMP = int(time.time() * 1000) - 3_600_000


@pytest.fixture(scope="module")
def serving() -> Iterator[kl.Broker]:
    """Return a broker that serves them."""
    with kl.Broker(config=SERVED) as broker:
        yield broker


@pytest.fixture
def registries(zookeeper: str, request: pytest.FixtureRequest) -> Iterator[KazooClient]:
    """Return a client below a root of this test's own."""
    root = f"{zookeeper}/{request.node.name.translate(str.maketrans('[]', '--'))}"
    client = KazooClient(zookeeper)
    client.start()
    client.ensure_path(root.removeprefix(zookeeper))
    client.stop()
    client.close()
    client = KazooClient(root)
    client.start()
    yield client
    client.stop()
    client.close()


def register(registries: KazooClient, broker: kl.Broker, topic: str, partitions: int) -> None:
    """Write what that consumer looks for: where the broker is, and who leads what."""
    host, port = broker.bootstrap_servers.split(":")
    (node,) = kl.Admin(broker.bootstrap_servers).describe_cluster().brokers
    endpoint = {
        "version": 4,
        "host": host,
        "port": int(port),
        "endpoints": [f"PLAINTEXT://{host}:{port}"],
        "listener_security_protocol_map": {"PLAINTEXT": "PLAINTEXT"},
        "jmx_port": -1,
        "timestamp": "0",
    }
    placed = {"version": 1, "partitions": {str(number): [node.id] for number in range(partitions)}}
    registries.create(f"/brokers/ids/{node.id}", json.dumps(endpoint).encode(), makepath=True)
    registries.create(f"/brokers/topics/{topic}", json.dumps(placed).encode(), makepath=True)
    led = {"controller_epoch": 1, "leader": node.id, "version": 1, "leader_epoch": 0, "isr": [node.id]}
    for number in range(partitions):
        path = f"/brokers/topics/{topic}/partitions/{number}/state"
        registries.create(path, json.dumps(led).encode(), makepath=True)


def read_by_the_paper(
    registries: KazooClient, topic: str, count: int, *more: str, from_beginning: bool = True
) -> list[str]:
    """Return the lines that Kafka 1.1.1's console consumer prints of ``count`` messages."""
    host, port = registries.hosts[0]
    servers = f"{host}:{port}{registries.chroot}"
    where = ["--zookeeper", servers, "--topic", topic, *(["--from-beginning"] if from_beginning else [])]
    until = ["--max-messages", str(count), "--timeout-ms", "60000", "--consumer-property", "group.id=g"]
    printed = ["--property", "print.key=true", "--property", "print.timestamp=true"]
    output = run("kafka-1.1.1", "run", "kafka.tools.ConsoleConsumer", *where, *until, *printed, *more)
    return output.decode().splitlines()


@contextmanager
def producing(broker: kl.Broker, codec: str, **settings: object) -> Iterator[Producer]:
    """Publish with librdkafka; all is delivered when this ends."""
    common = {"bootstrap.servers": broker.bootstrap_servers, "compression.type": codec, "linger.ms": 50}
    producer = Producer(common | {name.replace("_", "."): value for name, value in settings.items()})
    yield producer
    assert producer.flush(60) == 0


def created(broker: kl.Broker, topic: str, partitions: int, **config: str) -> str:
    """Create a topic."""
    settings = {name.replace("_", "."): value for name, value in config.items()}
    new = NewTopic(topic, num_partitions=partitions, replication_factor=1, config=settings)
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    admin.create_topics([new])[topic].result(30)
    return topic


def read_to_the_end(broker: kl.Broker, topic: str) -> list[tuple[str, ...]]:
    """Return key and value of all that librdkafka reads."""
    settings = {"bootstrap.servers": broker.bootstrap_servers, "group.id": "none", "enable.partition.eof": True}
    consumer = Consumer(settings)
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    found: list[tuple[str, ...]] = []
    while (message := consumer.poll(30)) is not None and not message.error():
        key, value = message.key(), message.value()
        assert isinstance(key, bytes)
        assert isinstance(value, bytes)
        found.append((key.decode(), value.decode()))
    assert message is not None, "no end"
    consumer.close()
    return found


@pytest.fixture
def need_the_paper(need_peer: Callable[[str], None]) -> None:
    """Skip where it cannot be had."""
    need_peer("kafka-1.1.1")


@pytest.mark.usefixtures("need_the_paper")
def test_the_papers_consumer_reads_every_codec_beside_a_partition_that_it_cannot_read(
    serving: kl.Broker, registries: KazooClient
) -> None:
    topic = created(serving, "codecs", 5)
    expected = []
    for partition, codec in enumerate([*CODECS, "zstd"]):
        with producing(serving, codec) as producer:
            for number in range(300):
                key = None if number % 3 == 0 else f"key {number}"
                value, stamp = f"{codec} {number} {TEXT}", STAMP + number
                headers = [("source", b"here"), ("nothing", None)] if number % 2 else None
                producer.produce(topic, value, key, partition, timestamp=stamp, headers=headers)
                if codec != "zstd":
                    expected.append(f"CreateTime:{stamp}\t{key or 'null'}\t{value}")
    register(registries, serving, topic, 5)
    lines = read_by_the_paper(registries, topic, len(expected))
    assert sorted(lines) == sorted(expected)
    for codec in CODECS:
        numbers = [int(line.split()[-len(TEXT.split()) - 1]) for line in lines if f"\t{codec} " in line]
        assert numbers == list(range(300)), f"{codec}: in order"


@pytest.mark.usefixtures("need_the_paper")
def test_the_papers_consumer_reads_a_large_topic_and_messages_larger_than_it_asks_for(
    serving: kl.Broker, registries: KazooClient
) -> None:
    topic = created(serving, "large", 2, internal_segment_bytes="3000000", max_message_bytes="3000000")
    count = 40_000
    for partition, codec in enumerate(["gzip", "none"]):
        with producing(serving, codec, queue_buffering_max_messages=100_000) as producer:
            for number in range(count):
                producer.produce(topic, f"{partition} {number} {TEXT}", partition=partition)
        with producing(serving, codec, message_max_bytes=3_000_000) as producer:
            producer.produce(topic, f"{partition} {count} " + "large " * 400_000, partition=partition)
    register(registries, serving, topic, 2)
    lines = read_by_the_paper(
        registries, topic, 2 * (count + 1), "--consumer-property", "fetch.message.max.bytes=100000"
    )
    for partition in range(2):
        parts = [line.split("\t")[2].split(" ", 2) for line in lines]
        numbers = [int(number) for owner, number, _ in parts if owner == str(partition)]
        assert numbers == list(range(count + 1))


@pytest.mark.usefixtures("need_the_paper")
def test_the_papers_consumer_goes_on_where_it_has_committed_here(serving: kl.Broker, registries: KazooClient) -> None:
    topic = created(serving, "committed", 2)
    with producing(serving, "lz4") as producer:
        for number in range(1000):
            producer.produce(topic, str(number), partition=number % 2)
    register(registries, serving, topic, 2)
    kept_here = ["offsets.storage=kafka", "dual.commit.enabled=false", "auto.offset.reset=smallest"]
    more = [part for setting in kept_here for part in ("--consumer-property", setting)]
    lines = [read_by_the_paper(registries, topic, count, *more, from_beginning=False) for count in (300, 700)]
    assert [len(part) for part in lines] == [300, 700]
    assert sorted(int(line.split("\t")[2]) for part in lines for line in part) == list(range(1000))
    assert not registries.exists("/consumers/g/offsets"), "nothing is kept in ZooKeeper"


@pytest.mark.usefixtures("need_the_paper")
def test_the_papers_consumer_reads_a_compacted_topic_to_its_end(registries: KazooClient) -> None:
    eager = {"log.cleaner.backoff.ms": "20", "log.cleaner.min.cleanable.ratio": "0.01"}
    with kl.Broker(config=SERVED | eager) as broker:
        topic = created(broker, "latest", 1, cleanup_policy="compact", internal_segment_bytes="20000")
        for round_number in range(40):
            with producing(broker, CODECS[round_number % 4]) as producer:
                for key in [f"own {round_number}", *(f"key {number}" for number in range(20)), "ends every batch"]:
                    producer.produce(topic, f"{round_number} {TEXT}", key, partition=0)
        whole = 40 * 22
        deadline = time.monotonic() + 60
        # Until it has come to rest: the same twice, and much of it gone.
        while len(kept := read_to_the_end(broker, topic)) > whole // 2 or kept != read_to_the_end(broker, topic):
            assert time.monotonic() < deadline, f"{len(kept)} of {whole} are there"
            time.sleep(0.2)
        register(registries, broker, topic, 1)
        lines = read_by_the_paper(registries, topic, len(kept))
        assert [tuple(line.split("\t")[1:]) for line in lines] == kept


@pytest.mark.parametrize("version", [(0, 8, 2), (0, 9), (0, 10), (0, 10, 1)], ids=lambda it: ".".join(map(str, it)))
def test_kafka_python_reads_as_it_did_from_old_brokers(serving: kl.Broker, version: tuple[int, ...]) -> None:
    topic = created(serving, f"python-{'.'.join(map(str, version))}", 4)
    codecs = CODECS if version >= (0, 10) else CODECS[:3]  # for lz4 of that time it would need xxhash; kcat reads that
    for partition, codec in enumerate(codecs):
        with producing(serving, codec) as producer:
            for number in range(50):
                producer.produce(topic, f"{number} {TEXT}", f"key {number}", partition, timestamp=STAMP + number)
    consumer = KafkaConsumer(
        bootstrap_servers=serving.bootstrap_servers, api_version=version, group_id=None, auto_offset_reset="earliest"
    )
    consumer.assign([KafkaPythonPartition(topic, partition) for partition in range(len(codecs))])
    found: dict[int, list[tuple[int, str, str, int | None]]] = {partition: [] for partition in range(len(codecs))}
    deadline = time.monotonic() + 60
    while sum(map(len, found.values())) < 50 * len(codecs):
        assert time.monotonic() < deadline, found
        for messages in consumer.poll(timeout_ms=500).values():
            for it in messages:
                found[it.partition].append((it.offset, it.key.decode(), it.value.decode(), it.timestamp))
    consumer.close()
    stamps = version >= (0, 10)
    expected = [(n, f"key {n}", f"{n} {TEXT}", STAMP + n if stamps else None) for n in range(50)]
    for partition, codec in enumerate(codecs):
        assert found[partition] == expected, codec


@pytest.mark.parametrize("version", ["0.8.2.0", "0.9.0.0", "0.10.0.0"])
def test_kcat_reads_as_it_did_from_old_brokers(
    serving: kl.Broker, need_peer: Callable[[str], None], version: str
) -> None:
    need_peer("kcat")
    topic = created(serving, f"kcat-{version}", 4)
    for partition, codec in enumerate(CODECS):
        with producing(serving, codec) as producer:
            for number in range(50):
                producer.produce(topic, f"{number} {TEXT}", f"key {number}", partition)
    old = ["-X", "api.version.request=false", "-X", f"broker.version.fallback={version}"]
    for partition in range(4):
        where = ["-t", topic, "-p", str(partition), "-o", "beginning", "-c", "50", "-e", "-f", "%o|%k|%s\\n"]
        lines = run("kcat", "run", "-C", "-q", "-b", serving.bootstrap_servers, *old, *where).decode().splitlines()
        assert lines == [f"{number}|key {number}|{number} {TEXT}" for number in range(50)], CODECS[partition]


@pytest.mark.parametrize("reader", [client for client in CLIENTS if client.reads], ids=lambda client: client.name)
def test_clients_of_today_lose_nothing_where_old_ones_are_served(
    serving: kl.Broker, need_peer: Callable[[str], None], reader: Client
) -> None:
    if reader.peer:
        need_peer(reader.peer)
    topic = created(serving, f"today-{reader.name}", 1)
    written = Record(TEXT.encode(), b"key", (("source", b"here"),), STAMP)
    with producing(serving, "zstd") as producer:
        producer.produce(topic, written.value, written.key, 0, timestamp=STAMP, headers=list(written.headers))
    (read,) = reader.consume(serving.bootstrap_servers, topic, 0, 1)
    assert (read.value, read.key, read.headers, read.timestamp) == (written.value, b"key", written.headers, STAMP)
