"""Clients that refer to their owner, and he to them, are collected like any other garbage."""

import gc
import time
import weakref

import pytest

from kafkalite import Consumer, Producer, TopicPartition


class Service:
    """Holds a client that calls it back."""

    def __init__(self, broker, topic):
        self.producer = Producer(broker, partitioner=self.choose)
        self.producer.send(topic, b"x").result(60)
        self.subscribed = Consumer(broker, group_id=f"subscribed-{topic}", enable_auto_commit=False)
        self.subscribed.subscribe(topic, on_assigned=self.told, on_revoked=self.told)
        assert self.subscribed.poll(60) is not None
        self.subscribed.commit({TopicPartition(topic, 0): 1}, wait=False, then=self.told)
        self.subscribed.commit()  # the other is answered by then, and waits to be told
        self.streaming = Consumer(broker, group_id=f"streaming-{topic}", enable_auto_commit=False)
        (self.stream,) = self.streaming.create_message_streams(topic)
        assert self.stream.poll_batch(1, timeout=60)
        self.streaming.commit(wait=False, then=self.told)

    def choose(self, _key, _partitions):
        return 0

    def told(self, *_what):
        pass


def test_whoever_holds_a_client_that_calls_it_back_is_collected(broker, make_topic):
    made = [weakref.ref(Service(broker, make_topic())) for _ in range(3)]
    for _ in range(600):
        gc.collect()  # a commit that is under way holds its callback until it is answered
        if all(one() is None for one in made):
            return
        time.sleep(0.1)
    pytest.fail(f"{sum(one() is not None for one in made)} are still there")
