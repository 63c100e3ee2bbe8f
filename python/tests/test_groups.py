"""Consumer groups of our own client: who gets what, and what happens when members come, go and die."""

import gc
import itertools
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from clients.groups import PATIENCE, eventually, until_it_waits
from clients.reading import all_assigned, asking, member, publish, read, read_all, sizes
from kafkalite import Admin, Broker, Consumer, Producer, TopicPartition, errors

_NUMBERS = itertools.count(1)
QUICK = {"session_timeout_ms": 2_000, "heartbeat_interval_ms": 200}


@pytest.fixture(scope="module")
def broker():
    """A broker that allows sessions short enough for a test."""
    with Broker(config={"group.min.session.timeout.ms": 500}) as broker:
        yield broker


@pytest.fixture
def group():
    return f"group-{next(_NUMBERS)}"


# Two ways of delivery (the paper, Section 3)


def test_a_group_gets_one_copy_and_every_group_its_own(broker, make_topic):
    topic = make_topic(4)
    with (
        member(broker, "workers", topic) as first,
        member(broker, "workers", topic) as second,
        member(broker, "auditors", topic) as auditor,
    ):
        assert all_assigned(lambda: sizes(first, second), 4) == [2, 2]
        publish(broker, topic, 400, partitions=4)
        everything = set(range(400))
        shares = read_all([first, second], everything)
        assert sorted(shares[0] + shares[1]) == sorted(everything), "each message went to one of the two"
        assert all(shares), "and both had work"
        assert read_all([auditor], everything)[0].count(7) == 1


def test_partitions_are_divided_over_all_streams_of_all_consumers(broker, make_topic, group):
    topic = make_topic(8)
    quick = {"heartbeat_interval_ms": 100}
    with Consumer(broker, group_id=group, **quick) as one, Consumer(broker, group_id=group, **quick) as other:
        streams = [*one.create_message_streams(topic, 3), *other.create_message_streams(topic, 1)]
        assert all_assigned(lambda: sizes(*streams), 8) == [2, 2, 2, 2]
        assert sorted(number for stream in streams for _, number in stream.assignment) == list(range(8))
        assert len(one.assignment) == 6
        assert "group_id" in repr(streams[0])


def test_streams_are_read_by_threads_of_their_own(broker, make_topic, group):
    topic = make_topic(4)
    publish(broker, topic, 4000, partitions=4)
    with Consumer(broker, group_id=group) as consumer:
        streams = consumer.create_message_streams(topic, 4)
        all_assigned(lambda: sizes(*streams), 4)
        got = [[] for _ in streams]
        threads = [
            threading.Thread(target=lambda stream=stream, mine=mine: mine.extend(read(stream, 1000)))
            for stream, mine in zip(streams, got, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
    assert sorted(itertools.chain.from_iterable(got)) == list(range(4000))
    assert all(mine == sorted(mine) for mine in got), "in order within a partition"


def test_a_consumer_of_several_topics(broker, make_topic, group):
    topics = [make_topic(2) for _ in range(3)]
    for topic in topics:
        publish(broker, topic, 10, partitions=2)
    with Consumer(broker, group_id=group) as consumer:
        consumer.subscribe(topics[0], topics[1:])
        assert consumer.subscription == sorted(topics)
        messages = []
        while len(messages) < 30:
            messages += consumer.poll_batch(timeout=30)
        assert {message.topic for message in messages} == set(topics)
        consumer.subscribe(topics[0])  # in place of the others
        eventually("only one is left", lambda: {one.topic for one in consumer.assignment} == {topics[0]})


@pytest.mark.parametrize("strategy", ["range", "roundrobin", "cooperative-sticky", ["cooperative-sticky", "range"]])
def test_every_strategy_divides_everything(broker, make_topic, group, strategy):
    topic = make_topic(7)
    members = [member(broker, group, topic, partition_assignment_strategy=strategy) for _ in range(3)]
    assert all_assigned(lambda: sizes(*members), 7) == [2, 2, 3]
    members.pop().close()
    assert all_assigned(lambda: sizes(*members), 7) == [3, 4]
    for one in members:
        one.close()


# Coming and going


def test_who_closes_leaves_at_once(broker, make_topic, group):
    topic = make_topic(4)
    staying, leaving = member(broker, group, topic), member(broker, group, topic)  # sessions of 45 s
    assert all_assigned(lambda: sizes(staying, leaving), 4) == [2, 2]
    leaving.close()
    leaving.close()
    assert all_assigned(lambda: sizes(staying), 4) == [4]
    assert leaving.assignment == []
    staying.close()


def test_who_is_forgotten_leaves(broker, make_topic, group):
    topic = make_topic(4)
    staying = member(broker, group, topic)

    def take_part():
        forgotten = Consumer(broker, group_id=group)
        forgotten.subscribe(topic, on_assigned=lambda some: forgotten.seek_to_beginning(*some))  # a cycle
        (stream,) = Consumer(broker, group_id=group).create_message_streams(topic)
        eventually("all take part", asking(forgotten, lambda: sorted(sizes(staying, forgotten, stream)) == [1, 1, 2]))

    take_part()
    gc.collect()
    assert all_assigned(lambda: sizes(staying), 4) == [4]
    staying.close()


def test_who_ends_without_close_leaves(broker, make_topic, group):
    topic = make_topic(4)
    publish(broker, topic, 4, partitions=4)
    code = """
import sys
from kafkalite import Consumer
servers, group, topic = sys.argv[1:]
consumer = Consumer(servers, group_id=group)
consumer.subscribe(topic)
for _ in range(4):
    consumer.poll()
"""
    arguments = [broker.bootstrap_servers, group, topic]
    subprocess.run([sys.executable, "-c", code, *arguments], timeout=60, check=True)
    with member(broker, group, topic) as next_one:
        assert all_assigned(lambda: sizes(next_one), 4) == [4]
        assert len(read(next_one, 1)) == 1, "the message that was in hand when Python ended"
        assert next_one.poll(0.2) is None, "the others were committed"


def test_what_a_killed_member_had_in_hand_is_read_by_another(broker, make_topic, group):
    topic = make_topic(2)
    publish(broker, topic, 20, partitions=2)
    code = """
import os, signal, sys
from kafkalite import Consumer
servers, group, topic = sys.argv[1:]
quick = {"session_timeout_ms": 2000, "heartbeat_interval_ms": 200, "auto_commit_interval_ms": 50}
with Consumer(servers, group_id=group, **quick) as consumer:
    consumer.subscribe(topic)
    for count, message in enumerate(consumer, 1):
        print(message.text(), flush=True)
        if count == 5:
            sys.stdin.read()  # works on it for ever
"""
    command = [sys.executable, "-c", code, broker.bootstrap_servers, group, topic]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        printed = [int(child.stdout.readline()) for _ in range(5)]
        with Consumer(broker, group_id=group) as watcher:
            partitions = [(topic, 0), (topic, 1)]
            eventually("4 are committed", lambda: sum(filter(None, watcher.committed(partitions).values())) == 4)
        child.send_signal(signal.SIGKILL)
        child.wait(30)
    with member(broker, group, topic, **QUICK) as survivor:
        (rest,) = read_all([survivor], set(range(20)) - set(printed[:4]))
    assert printed[4] in rest, "what it had in hand"
    assert not set(printed[:4]) & set(rest), "what it had done"


def test_who_stops_asking_loses_its_partitions_and_may_come_back(broker, make_topic, group):
    topic = make_topic(2)
    publish(broker, topic, 100, partitions=2)
    with (
        member(broker, group, topic, max_poll_interval_ms=1_000) as busy,
        member(broker, group, topic) as other,
    ):
        all_assigned(lambda: sizes(busy, other), 2)
        assert busy.poll(30) is not None
        eventually("the other has all", asking(other, lambda: len(other.assignment) == 2))
        assert busy.assignment == []
        eventually("it takes part again", lambda: [busy.poll(0), other.poll(0)] and sizes(busy, other) == [1, 1])


def test_heartbeats_and_commits_need_no_interpreter(broker, make_topic, group):
    topic = make_topic(1)
    publish(broker, topic, 10)
    code = """
import ctypes, os, signal, sys
from kafkalite import Consumer
servers, group, topic = sys.argv[1:]
quick = {"session_timeout_ms": 2000, "heartbeat_interval_ms": 200, "auto_commit_interval_ms": 500}
consumer = Consumer(servers, group_id=group, **quick)
consumer.subscribe(topic)
for _ in range(6):
    consumer.poll()
print("holding", flush=True)
ctypes.PyDLL(None).sleep(7)  # without releasing the interpreter's lock: no Python can run in this process
os.kill(os.getpid(), signal.SIGKILL)
"""
    command = [sys.executable, "-c", code, broker.bootstrap_servers, group, topic]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child, Admin(broker) as admin:
        assert child.stdout.readline() == "holding\n"
        with Consumer(broker, group_id=group) as watcher:
            began = time.monotonic()
            while time.monotonic() - began < 5:  # several sessions long
                (owner,) = admin.describe_group(group).members
                assert owner.assignment, "the silent member was given up"
                time.sleep(0.1)
            assert list(watcher.committed([(topic, 0)]).values()) == [5], "all but what it has in hand"
        assert child.wait(30) == -signal.SIGKILL
    with member(broker, group, topic, **QUICK) as survivor:
        assert read(survivor, 5) == list(range(5, 10))


def test_ctrl_c_ends_a_blocked_loop_and_the_next_one_goes_on(broker, make_topic, group):
    topic = make_topic(1)
    publish(broker, topic, 1)
    code = """
import sys
from kafkalite import Consumer
servers, group, topic = sys.argv[1:]
consumer = Consumer(servers, group_id=group)
consumer.subscribe(topic)
try:
    for message in consumer:
        print(message.text(), flush=True)
except KeyboardInterrupt as interrupt:
    print("interrupted in line", interrupt.__traceback__.tb_lineno, consumer.assignment, flush=True)
for message in consumer:
    print(message.text(), flush=True)
    break
consumer.close()
"""
    command = [sys.executable, "-c", code, broker.bootstrap_servers, group, topic]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "0\n"
        until_it_waits(child.pid)
        os.kill(child.pid, signal.SIGINT)
        where = code.splitlines().index("    for message in consumer:") + 1
        told = child.stdout.readline()
        assert told.startswith(f"interrupted in line {where} "), "it was asking for the next one"
        assert "partition=0" in told, "it is still a member"
        publish(broker, topic, 1, first=1)
        assert child.stdout.readline() == "1\n"
        assert child.wait(timeout=30) == 0
    with Consumer(broker, group_id=group) as consumer:
        assert list(consumer.committed([(topic, 0)]).values()) == [2]


def test_close_ends_a_loop_in_another_thread(broker, make_topic, group):
    consumer = member(broker, group, make_topic(1))
    got = []
    reader = threading.Thread(target=lambda: got.extend(consumer))
    reader.start()
    eventually("it takes part", lambda: consumer.assignment)
    consumer.close()
    reader.join(PATIENCE)
    assert not reader.is_alive()
    assert got == []
    with pytest.raises(errors.ClosedError):
        consumer.poll(0)


@pytest.mark.parametrize("subscribed", [True, False])
def test_a_closed_consumer_says_so_whatever_it_is_asked(broker, make_topic, group, subscribed):
    topic = make_topic(1)
    here = TopicPartition(topic, 0)
    consumer = member(broker, group, topic) if subscribed else Consumer(broker, group_id=group)
    consumer.close()
    consumer.close()
    calls = [
        lambda: consumer.subscribe(topic),
        lambda: consumer.create_message_streams(topic),
        lambda: consumer.poll(0),
        consumer.commit,
        lambda: consumer.commit({here: 1}),
        consumer.committed,
        lambda: consumer.seek(here, 0),
        consumer.seek_to_end,
        consumer.pause,
        consumer.resume,
        consumer.__enter__,
    ]
    for call in calls:
        with pytest.raises(errors.ClosedError):
            call()


def test_a_callback_that_fails_does_not_keep_the_consumer_in_its_group(broker, make_topic, group):
    topic = make_topic(1)
    consumer = Consumer(broker, group_id=group, heartbeat_interval_ms=100)
    consumer.subscribe(topic, on_revoked=lambda _: 1 / 0)
    eventually("it takes part", lambda: consumer.poll(0.05) or consumer.assignment)
    with pytest.raises(ZeroDivisionError):
        consumer.unsubscribe()
    with Admin(broker) as admin:
        eventually("it left", lambda: admin.describe_group(group).state == "Empty")
        consumer.subscribe(topic, on_revoked=lambda _: 1 / 0)
        eventually("it is back", lambda: consumer.poll(0.05) or consumer.assignment)
        with pytest.raises(ZeroDivisionError):
            consumer.close()
        assert admin.describe_group(group).state == "Empty"


# What is seen of it


def test_a_consumer_shows_who_reads_what(broker, make_topic, group):
    topic = make_topic(2)
    publish(broker, topic, 10, partitions=2)
    with member(broker, group, topic) as consumer:
        read(consumer, 10)
        shown = consumer._repr_html_()
        assert group in shown
        assert f"<td>{topic}</td><td>1</td><td>5</td><td>0</td>" in shown
        assert group in repr(consumer)
        assert "partitions=2" in repr(consumer)
    with Consumer(broker) as alone:
        (stream,) = alone.create_message_streams(topic)
        read(stream, 10)
        assert "<td>5</td>" in alone._repr_html_()


def test_a_rebalance_is_a_sentence_in_the_log(broker, make_topic, group, caplog):
    with caplog.at_level("INFO", "kafkalite"), member(broker, group, make_topic(2)) as consumer:
        eventually("it takes part", lambda: consumer.assignment)
        told = eventually("a sentence", lambda: [one for one in caplog.messages if group in one])
        eventually("the broker's too", lambda: [one for one in caplog.messages if f"{group} has 1 member in" in one])
    assert any("rebalance" in one for one in told)


def test_ten_consumers_in_ten_threads(broker, make_topic, group):
    topic = make_topic(10)
    with Producer(broker) as producer:
        for number in range(10_000):
            producer.send(topic, b"%d" % number, partition=number % 10)
    got, enough = [], threading.Event()

    def work():
        with member(broker, group, topic, auto_commit_interval_ms=100) as consumer:
            while not enough.is_set():
                got.extend(int(message.text()) for message in consumer.poll_batch(timeout=0.05))

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
        time.sleep(0.05)  # each joins in the middle of the others' reading
    try:
        with Consumer(broker, group_id=group) as watcher:
            places = [(topic, number) for number in range(10)]
            # What is in hand when a partition moves is read again by its next owner: so this comes last.
            eventually("all is committed", lambda: set(watcher.committed(places).values()) == {1000})
    finally:
        enough.set()
    for thread in threads:
        thread.join(PATIENCE)
    assert set(got) == set(range(10_000))
