"""``close()``, from another thread or in a signal handler, ends every wait."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress

import pytest

from kafkalite import Admin, Broker, Consumer, Producer, TopicPartition, _native
from kafkalite.errors import ClosedError, DeliveryError

FOR_EVER_MS = 600_000


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def in_thread(wait: Callable[[], object]) -> "Future[object]":
    """Run it in a thread that does not keep Python from ending where the wait does not end."""
    future: Future[object] = Future()

    def run():
        try:
            future.set_result(wait())
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def chooses_the_first(_key, _partitions):
    return 0


PRODUCER_WAITS = {
    "send": lambda producer: producer.send("t", b"x"),
    "send to a partition": lambda producer: producer.send("t", b"x", partition=3),
    "send_many": lambda producer: producer.send_many("t", [b"x"]),
}


@pytest.mark.parametrize("partitioner", ["default", "random", chooses_the_first])
@pytest.mark.parametrize("wait", PRODUCER_WAITS.values(), ids=PRODUCER_WAITS)
def test_a_producer_that_is_closed_ends_waits_for_partitions(silent, wait, partitioner):
    producer = Producer(silent, max_block_ms=FOR_EVER_MS, partitioner=partitioner)
    waiting = in_thread(lambda: wait(producer))
    producer.close()
    assert isinstance(waiting.exception(60), ClosedError)
    with pytest.raises(ClosedError):
        wait(producer)


def test_a_producer_that_is_closed_ends_waits_for_room_and_for_deliveries():
    with Broker() as broker:
        settings = {"buffer_memory": 1_000, "max_block_ms": FOR_EVER_MS, "delivery_timeout_ms": FOR_EVER_MS}
        producer = Producer(broker, **settings)
        producer.send("t", b"x").result(60)
    undelivered = producer.send("t", b"x" * 500)
    waits = [in_thread(lambda: producer.send("t", b"x" * 500)), in_thread(undelivered.result)]
    flushing = in_thread(producer.flush)
    with suppress(DeliveryError):  # unless the failure was looked at before
        producer.close(timeout=0)
    assert all(isinstance(wait.exception(60), ClosedError) for wait in waits)
    flushing.exception(60)  # it ends, with or without the report that close() has made


CONSUMER_WAITS = {
    "create_message_streams": lambda consumer: consumer.create_message_streams("t", timeout=None),
    "committed": lambda consumer: consumer.committed([TopicPartition("t", 0)], timeout=None),
    "commit": lambda consumer: consumer.commit({TopicPartition("t", 0): 1}, timeout=None),
    "poll": lambda consumer: consumer.poll(),
    "poll_batch": lambda consumer: consumer.poll_batch(),
    "next": next,
}


@pytest.mark.parametrize("name", CONSUMER_WAITS)
def test_a_consumer_that_is_closed_ends_its_waits(silent, name):
    streams = name == "create_message_streams"
    consumer = Consumer(silent, group_id=None if streams else "g")
    if not streams:
        consumer.subscribe("t")
    waiting = in_thread(lambda: CONSUMER_WAITS[name](consumer))
    consumer.close(timeout=0.2)
    assert isinstance(waiting.exception(60), (ClosedError, StopIteration))
    with pytest.raises((ClosedError, StopIteration)):
        CONSUMER_WAITS[name](consumer)


def test_a_stream_that_is_closed_ends_its_iteration(broker, topic):
    with Consumer(broker) as consumer:
        (stream,) = consumer.create_message_streams(topic)
        waiting = in_thread(lambda: list(stream))
        stream.close()
        assert waiting.result(60) == []


def test_a_consumer_without_members_ends_the_wait_for_offsets(silent):
    consumer = Consumer(silent, group_id="g")
    waiting = in_thread(lambda: consumer.committed([TopicPartition("t", 0)], timeout=None))
    consumer.close()
    assert isinstance(waiting.exception(60), ClosedError)


ADMIN_WAITS = {
    "add_partitions": lambda admin: admin.add_partitions("t", 2),
    "alter_config": lambda admin: admin.alter_config({"retention.ms": 1}, topic="t"),
    "create_topic": lambda admin: admin.create_topic("t"),
    "delete_group": lambda admin: admin.delete_group("g"),
    "delete_group_offsets": lambda admin: admin.delete_group_offsets("g", "t"),
    "delete_records": lambda admin: admin.delete_records("t", 1),
    "delete_topic": lambda admin: admin.delete_topic("t"),
    "describe_cluster": Admin.describe_cluster,
    "describe_config": lambda admin: admin.describe_config(topic="t"),
    "describe_group": lambda admin: admin.describe_group("g"),
    "describe_topic": lambda admin: admin.describe_topic("t"),
    "list_groups": Admin.list_groups,
    "list_offsets": lambda admin: admin.list_offsets("t"),
    "list_topics": Admin.list_topics,
    "reset_group": lambda admin: admin.reset_group("g", "t", to="earliest"),
}
# What the core is asked, also where only a second question of a method would come to it.
CORE_WAITS = {
    "alter_committed": lambda core: core.alter_committed("g", [("t", 0, 1)]),
    "alter_configs": lambda core: core.alter_configs("topic", "t", [("retention.ms", "set", "1")], dry_run=False),
    "committed": lambda core: core.committed("g"),
    "create_partitions": lambda core: core.create_partitions("t", 2, dry_run=False),
    "create_topic": lambda core: core.create_topic("t", 1, 1, {}, dry_run=False),
    "delete_committed": lambda core: core.delete_committed("g", [("t", 0)]),
    "delete_group": lambda core: core.delete_group("g"),
    "delete_records": lambda core: core.delete_records([("t", 0, 1)]),
    "delete_topic": lambda core: core.delete_topic("t"),
    "describe_cluster": lambda core: core.describe_cluster(),
    "describe_configs": lambda core: core.describe_configs("topic", "t"),
    "describe_group": lambda core: core.describe_group("g"),
    "describe_topic": lambda core: core.describe_topic("t"),
    "groups": lambda core: core.groups([], []),
    "list_offsets": lambda core: core.list_offsets([("t", 0, -1)]),
    "topics": lambda core: core.topics(),
}


def methods(one: object) -> set[str]:
    return {name for name in dir(one) if not name.startswith("_")} - {"close", "closed"}


def ends_every_wait(asked, waits):
    assert methods(asked) == set(waits), "a new method belongs into the table"
    waiting = {name: in_thread(lambda wait=wait: wait(asked)) for name, wait in waits.items()}
    asked.close()
    ended = {name: wait.exception(60) for name, wait in waiting.items()}
    assert {name for name, error in ended.items() if not isinstance(error, ClosedError)} == set()
    for wait in waits.values():
        with pytest.raises(ClosedError):
            wait(asked)


def test_an_admin_that_is_closed_ends_every_wait(silent):
    ends_every_wait(Admin(silent, timeout=FOR_EVER_MS / 1000, request_timeout_ms=FOR_EVER_MS), ADMIN_WAITS)


def test_the_core_of_an_admin_that_is_closed_ends_every_wait(silent):
    given = {"bootstrap_servers": silent, "default_api_timeout_ms": FOR_EVER_MS, "request_timeout_ms": FOR_EVER_MS}
    ends_every_wait(_native.Admin(given), CORE_WAITS)
