"""A thousand members in one group, ten thousand partitions in one broker: that it works; how fast is for benches/."""

import json
import resource
import subprocess
import sys

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

import kafkalite
from clients.program import PEERS

PATIENCE = 120


def create(servers, name, partitions):
    topic = NewTopic(name, num_partitions=partitions, replication_factor=1)
    admin = AdminClient({"bootstrap.servers": servers})
    admin.create_topics([topic], operation_timeout=PATIENCE, request_timeout=PATIENCE)[name].result(PATIENCE)


def publish_to_each(servers, name, partitions):
    failed = []
    producer = Producer({"bootstrap.servers": servers, "linger.ms": 50})
    for number in range(partitions):
        producer.produce(
            name, str(number), partition=number, on_delivery=lambda error, _: failed.append(error) if error else None
        )
    assert producer.flush(PATIENCE) == 0
    assert not failed


def read_from_each(servers, name, partitions):
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "none", "enable.auto.commit": False})
    consumer.assign([TopicPartition(name, number, OFFSET_BEGINNING) for number in range(partitions)])
    read = set()
    while len(read) < partitions:
        messages = consumer.consume(partitions - len(read), PATIENCE)
        assert messages, f"{len(read)} of {partitions} messages came"
        for message in messages:
            assert not message.error(), message.error()
            assert int(message.value()) == message.partition()
            read.add(message.partition())
    consumer.close()


def read_from_each_with_our_own_client(servers, name, partitions):
    with kafkalite.Consumer(servers) as consumer:
        (stream,) = consumer.create_message_streams(name, timeout=PATIENCE)
        read = set()
        while len(read) < partitions:
            messages = stream.poll_batch(partitions, timeout=PATIENCE)
            assert messages, f"{len(read)} of {partitions} messages came"
            for message in messages:
                assert message.text() == str(message.partition)
                assert message.offset == 0
                read.add(message.partition)
        stream.seek_to_beginning()
        stream.pause(*range(1, partitions))
        assert stream.poll_batch(1, timeout=PATIENCE)[0].partition == 0
        stream.resume()
        assert len(stream.poll_batch(1, timeout=PATIENCE)) == 1


def test_a_thousand_members_end_in_one_generation_with_each_partition_one_owner(need_peer, daemon):
    need_peer("franz-go")
    create(daemon.bootstrap_servers, "t", 1000)
    # The swarm fails unless all are in one generation, and each partition is assigned to one of them.
    told = subprocess.run(
        [PEERS / "franz-go", "swarm", daemon.bootstrap_servers, "t", "1000"],
        input="join 1000\nrebalance\nleave\n",
        stdout=subprocess.PIPE,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    joined, rebalanced, _ = map(json.loads, told.stdout.splitlines())
    assert rebalanced["generation"] > joined["generation"] >= 1


def test_ten_thousand_partitions_survive_a_crash_and_take_and_give_messages(start_daemon):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 < most < 11_000:
        pytest.skip(f"this system allows {most} open files")
    broker = start_daemon("-q")
    create(broker.bootstrap_servers, "t", 10_000)
    publish_to_each(broker.bootstrap_servers, "t", 10_000)
    broker.process.kill()
    broker.process.wait(PATIENCE)
    again = start_daemon("-q")
    read_from_each(again.bootstrap_servers, "t", 10_000)
    read_from_each_with_our_own_client(again.bootstrap_servers, "t", 10_000)
    publish_to_each(again.bootstrap_servers, "t", 10_000)
    again.process.kill()


def test_a_topic_for_which_there_are_not_enough_descriptors_is_refused_and_nobody_else_notices(tmp_path):
    shell = ["sh", "-c", 'ulimit -n 300 && exec "$0" "$@"']
    command = [*shell, sys.executable, "-m", "kafkalite.broker", "-q", "--json", "-p", "0", "-d", tmp_path]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        servers = json.loads(process.stdout.readline())["bootstrap_servers"]
        create(servers, "small", 50)
        with pytest.raises(KafkaException) as refused:
            create(servers, "large", 1000)
        assert refused.value.args[0].code() == KafkaError.POLICY_VIOLATION
        assert "300" in refused.value.args[0].str()
        publish_to_each(servers, "small", 50)
        read_from_each(servers, "small", 50)
        assert list(AdminClient({"bootstrap.servers": servers}).list_topics(timeout=PATIENCE).topics) == ["small"]
    finally:
        process.kill()
        process.wait(30)
        process.stdout.close()
