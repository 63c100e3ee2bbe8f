"""What counts as consumed, and where a group goes on."""

import itertools
import pickle
import subprocess
import sys
import threading
from datetime import timedelta

import pytest

from clients.groups import PATIENCE, eventually
from clients.reading import asking, member, publish, read
from kafkalite import CommitFailedError, Consumer, KafkaError, Message, TopicPartition, errors

_NUMBERS = itertools.count(1)


@pytest.fixture
def group():
    return f"committing-{next(_NUMBERS)}"


@pytest.fixture
def ten(broker, topic):
    """A topic of one partition with ten messages."""
    publish(broker, topic, 10)
    return topic


def committed(broker, group, topic, partition=0):
    with Consumer(broker, group_id=group) as consumer:
        return consumer.committed([TopicPartition(topic, partition)])[topic, partition]


def test_a_restart_goes_on_with_the_next_message(broker, ten, group):
    for first in (0, 4, 8):
        with member(broker, group, ten) as consumer:
            for expected, message in enumerate(consumer, first):
                assert message.offset == expected
                if expected in (3, 7, 9):
                    break
    assert committed(broker, group, ten) == 10


def test_streams_go_on_as_well(broker, ten, group):
    for expected in ([0, 1, 2], [3, 4, 5], [6, 7, 8, 9]):
        with Consumer(broker, group_id=group) as consumer:
            (stream,) = consumer.create_message_streams(ten)
            assert read(stream, len(expected)) == expected


def test_a_message_whose_processing_failed_comes_again(broker, ten, group):
    def work():
        with member(broker, group, ten) as consumer:
            for message in consumer:
                if message.offset == 3:
                    raise ArithmeticError

    for _ in range(2):
        with pytest.raises(ArithmeticError):
            work()
        assert committed(broker, group, ten) == 3


def test_closing_in_a_finally_does_not_commit_what_failed(broker, ten, group):
    def work():
        consumer = member(broker, group, ten)
        try:
            assert consumer.poll().offset == 0
            assert consumer.poll().offset == 1
            raise ArithmeticError
        finally:
            consumer.close()

    with pytest.raises(ArithmeticError):
        work()
    assert committed(broker, group, ten) == 1


def test_a_batch_counts_when_the_next_one_is_asked_for(broker, ten, group):
    consumer = member(broker, group, ten, auto_commit_interval_ms=50)
    assert read(consumer, 4) == [0, 1, 2, 3]
    consumer.poll_batch(3, timeout=0)
    eventually("the first batch is committed", lambda: committed(broker, group, ten) == 4)
    consumer.close()
    assert committed(broker, group, ten) == 7


def test_nothing_is_committed_by_itself_without_an_interval(broker, ten, group):
    with member(broker, group, ten, enable_auto_commit=False) as consumer:
        assert read(consumer, 5) == [0, 1, 2, 3, 4]
    assert committed(broker, group, ten) is None
    with member(broker, group, ten, enable_auto_commit=False) as consumer:
        assert read(consumer, 5) == [0, 1, 2, 3, 4]
        consumer.commit()
    assert committed(broker, group, ten) == 5


def test_commits_by_message_and_by_offset(broker, ten, group):
    with member(broker, group, ten, enable_auto_commit=False) as consumer:
        messages = consumer.poll_batch(6, timeout=30)
        consumer.commit(messages[2])
        assert consumer.committed() == {TopicPartition(ten, 0): 3}
        consumer.commit({TopicPartition(ten, 0): 5})
        assert consumer.committed() == {(ten, 0): 5}
        consumer.commit({(ten, 0): 1})  # back, too
        assert consumer.committed()[ten, 0] == 1
        consumer.commit()
        assert consumer.committed()[ten, 0] == len(messages)


def test_streams_commit_too(broker, ten, group):
    with Consumer(broker, group_id=group, enable_auto_commit=False) as consumer:
        (stream,) = consumer.create_message_streams(ten)
        message = next(stream)
        stream.commit(message)
        assert consumer.committed() == {(ten, 0): 1}
        next(stream)
        stream.commit()
        assert consumer.committed() == {(ten, 0): 2}
        next(stream)
        consumer.commit()
        assert consumer.committed() == {(ten, 0): 3}


def test_another_thread_does_not_commit_what_the_reader_has_in_hand(broker, ten, group):
    consumer = member(broker, group, ten, enable_auto_commit=False)
    assert read(consumer, 3) == [0, 1, 2]
    assert consumer.poll(30).offset == 3
    other = threading.Thread(target=consumer.commit)
    other.start()
    other.join(PATIENCE)
    assert consumer.committed()[ten, 0] == 3
    other = threading.Thread(target=consumer.close)
    other.start()
    other.join(PATIENCE)
    assert committed(broker, group, ten) == 3


def test_a_commit_that_nobody_waits_for_calls_back_in_the_reading_thread(broker, ten, group):
    told = []
    with member(broker, group, ten, enable_auto_commit=False) as consumer:
        read(consumer, 4)
        consumer.commit(wait=False, then=lambda *outcome: told.append((threading.get_ident(), *outcome)))
        eventually("it is told", lambda: consumer.poll_batch(1, timeout=0.05) and told)
        assert told == [(threading.get_ident(), {TopicPartition(ten, 0): 4}, None)]
        with pytest.raises(ValueError, match="wait=False"):
            consumer.commit(then=print)
    assert committed(broker, group, ten) == 4


def test_commits_that_nobody_waits_for_are_made_before_the_group_is_left(broker, make_topic, group):
    topic, count = make_topic(2), 20_000
    publish(broker, topic, count, partitions=2)
    ends, told = {}, []
    consumer = member(broker, group, topic, enable_auto_commit=False)
    for message in itertools.islice(consumer, count):
        consumer.commit(message, wait=False, then=lambda _, error: told.append(error))
        ends[message.partition] = message.offset + 1
    consumer.close()
    assert told == [None] * count
    assert {one: committed(broker, group, topic, one) for one in ends} == ends


def test_at_the_end_every_commit_is_told_whatever_a_callback_raises(broker, ten, group, monkeypatch):
    told, shown = [], []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: shown.append(unraisable.exc_value))

    def fails(committed, _):
        told.append(committed[ten, 0])
        raise LookupError(committed[ten, 0])

    consumer = Consumer(broker, group_id=group, enable_auto_commit=False)
    streams = consumer.create_message_streams(ten, 2)
    eventually("they divide it", lambda: len(consumer.assignment) == 1)
    for offset in (3, 2, 1):
        consumer.commit({TopicPartition(ten, 0): offset}, wait=False, then=fails)
    with pytest.raises(LookupError, match="3"):
        consumer.close()
    assert told == [3, 2, 1]
    assert [error.args for error in shown] == [(2,), (1,)]
    for stream in streams:
        with pytest.raises(errors.ClosedError):
            stream.poll_batch(1, timeout=0)
    assert committed(broker, group, ten) == 1


def test_a_waiting_reader_is_told_of_a_commit_at_once(broker, topic, group):
    with member(broker, group, topic) as consumer:
        eventually("it takes part", lambda: consumer.assignment)
        told = threading.Event()
        reader = threading.Thread(target=lambda: list(consumer))
        reader.start()
        consumer.commit({(topic, 0): 7}, wait=False, then=lambda *_: told.set())
        assert told.wait(PATIENCE)
        consumer.close()
        reader.join(PATIENCE)


def test_only_the_owner_commits(broker, make_topic, group):
    topic = make_topic(2)
    publish(broker, topic, 20, partitions=2)
    with member(broker, group, topic, enable_auto_commit=False) as first:
        messages = {}
        while len(messages) < 2:
            messages.update({message.partition: message for message in first.poll_batch(timeout=30)})
        with member(broker, group, topic, enable_auto_commit=False) as second:
            eventually("one moves", lambda: len(second.assignment) == 1)
            (moved,) = second.assignment
            eventually("the other stays", lambda: first.assignment == [(topic, 1 - moved.partition)])
            with pytest.raises(CommitFailedError, match=str(moved)) as refused:
                first.commit(messages[moved.partition])
            assert isinstance(refused.value, KafkaError)
            first.commit(messages[1 - moved.partition])
            with pytest.raises(ValueError, match="not assigned"):
                first.seek(moved, 0)
            assert first.committed([moved]) == {moved: None}, "anybody may ask"


def test_a_message_of_ones_own_cannot_be_committed(broker, ten, group):
    with member(broker, group, ten) as consumer:
        with pytest.raises(ValueError, match="not read"):
            consumer.commit(Message(b"made here"))
        with pytest.raises(TypeError, match="TopicPartition"):
            consumer.commit(7)


# Where reading goes on


def test_a_new_group_starts_where_it_is_told(broker, ten, group):
    with member(broker, group, ten, auto_offset_reset="latest") as consumer:
        eventually("it knows the end", asking(consumer, lambda: consumer.positions == {(ten, 0): 10}))
        publish(broker, ten, 1, first=10)
        assert read(consumer, 1) == [10]
    none = member(broker, f"{group}-none", ten, auto_offset_reset="none")
    with none, pytest.raises(errors.OffsetOutOfRangeError, match=r"auto\.offset\.reset=none"):
        none.poll(30)


def test_seeking_and_positions(broker, make_topic, group):
    topic = make_topic(2)
    publish(broker, topic, 20, partitions=2)
    here, there = TopicPartition(topic, 0), TopicPartition(topic, 1)
    with member(broker, group, topic, enable_auto_commit=False) as consumer:
        read(consumer, 20)
        assert consumer.positions == {here: 10, there: 10}
        consumer.seek(here, 8)
        assert consumer.position(here) == 8
        assert consumer.lag == {here: 2, there: 0}
        assert read(consumer, 2) == [16, 18]
        consumer.seek_to_beginning(there)
        assert read(consumer, 10) == list(range(1, 20, 2))
        consumer.seek_to_beginning()
        consumer.seek_to_end(there)
        assert read(consumer, 10) == list(range(0, 20, 2))
        assert consumer.poll(0.2) is None
        consumer.seek_to_time(timedelta(days=1))
        assert len(read(consumer, 20)) == 20
        consumer.seek(here, 3)
        consumer.commit()
        assert consumer.committed() == {here: 3, there: 10}, "a position that was sought is committed"
        with pytest.raises(ValueError, match="start at 0"):
            consumer.seek(here, -1)


def test_a_paused_partition_waits_exactly_where_it_was(broker, make_topic, group):
    topic = make_topic(2)
    publish(broker, topic, 40, partitions=2)
    with member(broker, group, topic, enable_auto_commit=False) as consumer:
        first = consumer.poll(30)
        paused = TopicPartition(topic, first.partition)
        consumer.pause(paused)
        assert consumer.paused == [paused]
        rest = read(consumer, 20)
        assert all(number % 2 != first.partition for number in rest)
        assert consumer.poll(0.2) is None
        assert consumer.position(paused) == 1
        consumer.commit()
        assert consumer.committed() == {paused: 1, (topic, 1 - first.partition): 20}
        consumer.resume()
        assert consumer.paused == []
        assert read(consumer, 19) == list(range(first.partition + 2, 40, 2))
    with Consumer(broker, group_id=f"{group}-stream") as consumer:
        (stream,) = consumer.create_message_streams(topic)
        next(stream)
        stream.pause()
        assert stream.poll_batch(10, timeout=0.2) == []
        stream.resume(0)
        assert {message.partition for message in stream.poll_batch(100, timeout=30)} == {0}


def test_lag_without_a_group(broker, ten):
    with Consumer(broker) as consumer:
        (stream,) = consumer.create_message_streams(ten)
        next(stream)
        assert stream.lag == {(ten, 0): 9}
        assert consumer.lag == {(ten, 0): 9}
        assert read(stream, 9) == list(range(1, 10))
        assert stream.lag == {(ten, 0): 0}


def test_offsets_survive_the_death_of_the_broker(start_daemon, tmp_path):
    daemon = start_daemon()
    publish(daemon.bootstrap_servers, "kept", 10)
    with member(daemon.bootstrap_servers, "keepers", "kept") as consumer:
        read(consumer, 6)
        consumer.commit()
        daemon.process.kill()
        daemon.process.wait(30)
        port = daemon.bootstrap_servers.rsplit(":", 1)[1]
        again = start_daemon("-p", port, data_dir=tmp_path / "data")
        publish(again.bootstrap_servers, "kept", 1, first=10)
        assert set(read(consumer, 5)) >= {7, 8, 9, 10}, "the same consumer goes on"
    assert committed(again.bootstrap_servers, "keepers", "kept") == 11


def test_a_topic_partition_is_a_tuple_with_names(broker, group):
    one = TopicPartition("clicks", 3)
    assert one == ("clicks", 3)
    assert str(one) == "clicks-3"
    assert pickle.loads(pickle.dumps(one)) == one
    consumer = Consumer(broker, group_id=group)
    with consumer, pytest.raises(TypeError, match="bootstrap_servers"):
        pickle.dumps(consumer)


def test_an_error_after_fork_instead_of_a_hang(broker, ten, group):
    code = """
import os, sys, warnings
warnings.simplefilter("ignore")
from kafkalite import Consumer, ForkedError
servers, group, topic = sys.argv[1:]
consumer = Consumer(servers, group_id=group)
consumer.subscribe(topic)
consumer.poll()
child = os.fork()
if child == 0:
    try:
        consumer.poll(1)
    except ForkedError:
        os._exit(0)
    os._exit(4)
_, status = os.waitpid(child, 0)
consumer.close()
sys.exit(os.waitstatus_to_exitcode(status))
"""
    arguments = [broker.bootstrap_servers, group, ten]
    assert subprocess.run([sys.executable, "-c", code, *arguments], timeout=60, check=False).returncode == 0


def test_negative_offsets_are_refused_and_change_nothing(broker, make_topic, group):
    topic = make_topic(1)
    first = TopicPartition(topic, 0)
    with Consumer(broker, group_id=group, enable_auto_commit=False) as consumer:
        consumer.subscribe(topic)
        assert consumer.poll(5.0) is None
        consumer.commit({first: 20})
        with pytest.raises(ValueError, match="at least 0, not -3"):
            consumer.commit({first: -3})
        with pytest.raises(TypeError, match="TopicPartition"):
            consumer.commit({topic: 3})
        with pytest.raises(TypeError, match="TopicPartition"):
            consumer.seek(0, 0)
        assert consumer.committed([first]) == {first: 20}
