"""Callbacks of a rebalance: who is told what, where, and what can still be done."""

import itertools
import threading
import time

import pytest

from clients.groups import PATIENCE, eventually
from clients.reading import asking, publish, read
from kafkalite import Admin, Broker, Consumer, GroupError, TopicPartition

_NUMBERS = itertools.count(1)
QUICK = {"heartbeat_interval_ms": 100}


@pytest.fixture(scope="module")
def broker():
    """A broker that allows sessions short enough for a test."""
    with Broker(config={"group.min.session.timeout.ms": 500}) as broker:
        yield broker


@pytest.fixture
def group():
    return f"rebalancing-{next(_NUMBERS)}"


class Told:
    """Collects what the callbacks are told, and in which thread."""

    def __init__(self):
        self.events = []
        self.threads = set()

    def on(self, kind):
        def note(partitions):
            self.events.append((kind, sorted(partitions)))
            self.threads.add(threading.get_ident())

        return note

    def callbacks(self):
        return {f"on_{kind}": self.on(kind) for kind in ("assigned", "revoked", "lost")}

    def partitions(self, kind):
        return sorted(one for known, partitions in self.events if known == kind for one in partitions)


def test_partitions_come_and_go_in_the_readers_thread(broker, make_topic, group):
    topic = make_topic(4)
    everything = [TopicPartition(topic, number) for number in range(4)]
    told = Told()
    with Consumer(broker, group_id=group, **QUICK) as first:
        first.subscribe(topic, **told.callbacks())
        eventually("it is told", asking(first, lambda: told.events))
        assert told.events == [("assigned", everything)]
        with Consumer(broker, group_id=group, **QUICK) as second:
            second.subscribe(topic)
            eventually("two are left", asking(first, lambda: len(first.assignment) == 2))
            eventually("the others moved", lambda: len(second.assignment) == 2)
            assert told.events[1] == ("revoked", everything), "range starts anew"
            eventually("it is told", asking(first, lambda: len(told.events) == 3))
            assert told.events[2] == ("assigned", first.assignment)
    assert told.threads == {threading.get_ident()}
    assert not told.partitions("lost")


def test_a_cooperative_group_moves_only_what_has_to(broker, make_topic, group):
    topic = make_topic(4)
    told = Told()
    cooperative = {"partition_assignment_strategy": "cooperative-sticky", **QUICK}
    publish(broker, topic, 400, partitions=4)
    with Consumer(broker, group_id=group, **cooperative) as first:
        first.subscribe(topic, **told.callbacks())
        eventually("it is told", asking(first, lambda: told.events))
        with Consumer(broker, group_id=group, **cooperative) as second:
            second.subscribe(topic)
            eventually("two moved", asking(first, lambda: len(second.assignment) == 2))
            assert told.partitions("revoked") == second.assignment
            assert len(told.partitions("assigned")) == 4, "nothing came twice"


def test_what_was_read_can_be_committed_when_it_is_revoked(broker, make_topic, group):
    topic = make_topic(2)
    publish(broker, topic, 20, partitions=2)
    kept = []
    with Consumer(broker, group_id=group, enable_auto_commit=False, **QUICK) as first:

        def keep(partitions):
            first.commit()
            kept.append(first.committed(partitions))

        first.subscribe(topic, on_revoked=keep)
        read(first, 20)
        with Consumer(broker, group_id=group, **QUICK) as second:
            second.subscribe(topic)
            eventually("one moved", asking(first, lambda: len(second.assignment) == 1))
            assert kept == [{(topic, 0): 10, (topic, 1): 10}]
            assert second.poll(0.3) is None, "nothing comes twice"


def test_positions_can_be_sought_when_partitions_come(broker, make_topic, group):
    topic = make_topic(2)
    publish(broker, topic, 20, partitions=2)
    with Consumer(broker, group_id=group, **QUICK) as consumer:
        consumer.subscribe(topic, on_assigned=lambda partitions: [consumer.seek(one, 8) for one in partitions])
        assert sorted(read(consumer, 4)) == [16, 17, 18, 19]


def test_nothing_of_a_partition_comes_before_its_callback(broker, make_topic, group):
    topic = make_topic(4)
    publish(broker, topic, 4000, partitions=4)
    owned = set()
    with Consumer(broker, group_id=group, **QUICK) as first, Consumer(broker, group_id=group, **QUICK) as second:
        first.subscribe(topic, on_assigned=owned.update, on_revoked=owned.difference_update)
        read_so_far = 0
        while read_so_far < 3000:
            message = first.poll(0.05)
            if message is None:
                break
            assert (topic, message.partition) in owned
            read_so_far += 1
            if read_so_far == 500:
                second.subscribe(topic)


def test_what_a_callback_raises_reaches_the_reader(broker, make_topic, group):
    topic = make_topic(1)
    publish(broker, topic, 1)

    def refuse(_):
        raise ArithmeticError

    with Consumer(broker, group_id=group, **QUICK) as consumer:
        consumer.subscribe(topic, on_assigned=refuse)
        with pytest.raises(ArithmeticError):
            consumer.poll(30)
        assert consumer.poll(30).value == b"0", "the group went on"


def test_who_was_given_up_hears_that_it_lost_its_partitions(broker, make_topic, group):
    topic = make_topic(2)
    publish(broker, topic, 20, partitions=2)
    told = Told()
    with Consumer(broker, group_id=group, max_poll_interval_ms=500, **QUICK) as slow:
        slow.subscribe(topic, **told.callbacks())
        assert slow.poll(30) is not None
        with Consumer(broker, group_id=group, **QUICK) as other:
            other.subscribe(topic)
            eventually("the other has all", asking(other, lambda: len(other.assignment) == 2))
            eventually("it is told", asking(slow, lambda: told.partitions("lost")))
            assert told.partitions("lost") == [(topic, 0), (topic, 1)]


def test_a_waiting_reader_is_woken_to_be_told(broker, make_topic, group):
    topic = make_topic(2)
    told = Told()
    first = Consumer(broker, group_id=group, **QUICK)
    first.subscribe(topic, **told.callbacks())
    reader = threading.Thread(target=lambda: list(first))
    reader.start()
    eventually("it has both", lambda: told.events)
    with Consumer(broker, group_id=group, **QUICK) as second:
        second.subscribe(topic)
        eventually("one moved", lambda: len(second.assignment) == 1)
    assert told.threads == {reader.ident}
    first.close()
    reader.join(PATIENCE)


def test_leaving_revokes(broker, make_topic, group):
    topic = make_topic(2)
    told = Told()
    with Consumer(broker, group_id=group, **QUICK) as consumer:
        consumer.subscribe(topic, **told.callbacks())
        eventually("it is told", asking(consumer, lambda: told.events))
        consumer.unsubscribe()
        assert told.partitions("revoked") == [(topic, 0), (topic, 1)]
        eventually("it has left", lambda: not consumer.assignment)
        consumer.subscribe(topic, **told.callbacks())
        eventually("it is told again", asking(consumer, lambda: len(told.partitions("assigned")) == 4))


def test_a_partition_that_comes_back_is_not_paused(broker, make_topic, group):
    topic = make_topic(2)
    publish(broker, topic, 20, partitions=2)
    with Consumer(broker, group_id=group, enable_auto_commit=False, **QUICK) as first:
        first.subscribe(topic)
        first.poll(30)
        first.pause()
        with Consumer(broker, group_id=group, enable_auto_commit=False, **QUICK) as second:
            second.subscribe(topic)
            eventually("one moved", asking(first, lambda: len(second.assignment) == 1))
        eventually("it came back", lambda: len(first.assignment) == 2)
        assert first.paused == []
        assert sorted(read(first, 20)) == list(range(20)), "nothing was committed, so all comes again"


def test_a_group_goes_on_while_a_callback_takes_long(broker, make_topic, group):
    topic = make_topic(2)
    with Consumer(broker, group_id=group, session_timeout_ms=1_000, heartbeat_interval_ms=200) as first:
        first.subscribe(topic, on_revoked=lambda _: time.sleep(2))  # longer than its session
        eventually("it has both", asking(first, lambda: len(first.assignment) == 2))
        with Consumer(broker, group_id=group, **QUICK) as second:
            second.subscribe(topic)
            eventually("one moved", asking(first, lambda: len(second.assignment) == 1))
            eventually("one stayed", asking(first, lambda: len(first.assignment) == 1))


def test_callbacks_are_called_one_after_the_other_whoever_reads(broker, make_topic, group):
    topic = make_topic(2)
    inside, go_on, told, within = threading.Event(), threading.Event(), [], []

    def slowly(kind):
        def callback(_):
            within.append(kind)
            told.append((kind, len(within)))
            inside.set()
            go_on.wait(PATIENCE)
            within.pop()

        return callback

    with Consumer(broker, group_id=group, **QUICK) as first, Consumer(broker, group_id=group, **QUICK) as second:
        first.subscribe(topic, on_assigned=slowly("assigned"), on_revoked=slowly("revoked"))
        is_over = threading.Event()

        def read_on():
            while not is_over.is_set():
                first.poll(0.1)

        readers = [threading.Thread(target=read_on) for _ in range(2)]
        for reader in readers:
            reader.start()
        assert inside.wait(PATIENCE)
        second.subscribe(topic)  # what is assigned is still being told when it goes
        with Admin(broker) as admin:
            eventually("the group waits for it", lambda: len(admin.describe_group(group).members) == 2)
        go_on.set()
        eventually("both have one", asking(second, lambda: len(first.assignment) == len(second.assignment) == 1))
        eventually("all is told", lambda: len(told) >= 3)
        is_over.set()
        for reader in readers:
            reader.join(PATIENCE)
    assert told[:3] == [("assigned", 1), ("revoked", 1), ("assigned", 1)]


def test_a_callback_that_asks_for_messages_is_told_that_it_cannot(broker, make_topic, group):
    topic = make_topic(1)
    publish(broker, topic, 1)
    with Consumer(broker, group_id=group, **QUICK) as consumer:
        consumer.subscribe(topic, on_assigned=lambda _: consumer.poll(5))
        with pytest.raises(GroupError, match="callback"):
            consumer.poll(30)
        assert consumer.poll(30).value == b"0", "the group went on"
