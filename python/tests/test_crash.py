"""kill -9 in the middle of heavy publishing, again and again: nothing acknowledged is lost, nothing is half there."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading

import pytest

from kafkalite import Consumer, KafkaError, MessageSet, Producer

ROUNDS = 8
PARTITIONS = 3
CHUNK = 20  # messages in a set: appears whole or not at all


class Publisher(threading.Thread):
    """Publishes numbered sets to one partition until the broker goes away; keeps what was acknowledged."""

    def __init__(self, address, partition, first):
        super().__init__()
        self.producer = Producer(address, delivery_timeout_ms=3_000, request_timeout_ms=1_000, linger_ms=0)
        self.partition, self.next, self.acknowledged = partition, first, {}
        self.sent_some = threading.Event()

    def run(self):
        pending = []
        try:
            while True:
                payloads = [b"%d" % number for number in range(self.next, self.next + CHUNK)]
                pending.append((self.next, self.producer.send("crash", MessageSet(payloads), partition=self.partition)))
                self.next += CHUNK
                if len(pending) > 10:
                    first, delivery = pending.pop(0)
                    self.acknowledged[first] = delivery.result(timeout=10).offset
                    self.sent_some.set()
        except KafkaError:
            pass
        for first, delivery in pending:
            with contextlib.suppress(KafkaError):
                self.acknowledged[first] = delivery.result(timeout=10).offset
        with contextlib.suppress(KafkaError):
            self.producer.close(timeout=1.0)


def start(directory):
    child = subprocess.Popen(
        [
            *(sys.executable, "-m", "kafkalite.broker", "--json", "-q", "-p", "0", "-d", str(directory)),
            *("-X", f"num.partitions={PARTITIONS}", "-X", "log.segment.bytes=1048576"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    return child, json.loads(child.stdout.readline())["bootstrap_servers"]


@pytest.mark.timeout(600)
def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path):
    dice = random.Random(20110612)
    acknowledged = [{} for _ in range(PARTITIONS)]
    numbers = [0] * PARTITIONS
    for _ in range(ROUNDS):
        child, address = start(tmp_path)
        publishers = [Publisher(address, partition, numbers[partition]) for partition in range(PARTITIONS)]
        for publisher in publishers:
            publisher.start()
        for publisher in publishers:
            assert publisher.sent_some.wait(60)
        threading.Event().wait(dice.uniform(0.0, 0.5))
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        for publisher in publishers:
            publisher.join(60)
            acknowledged[publisher.partition].update(publisher.acknowledged)
            numbers[publisher.partition] = publisher.next

    child, address = start(tmp_path)
    try:
        with Producer(address) as producer, Consumer(address) as consumer:
            for partition, stream in enumerate(consumer.create_message_streams("crash", PARTITIONS)):
                assert acknowledged[partition], "the test must have published something"
                # One more set, so that the reader knows where the end is and need not guess it from silence.
                last = MessageSet(b"%d" % (numbers[partition] + number) for number in range(CHUNK))
                end = producer.send("crash", last, partition=partition).result(timeout=60).offset
                check(partition, stream, acknowledged[partition] | {numbers[partition]: end}, end + CHUNK)
    finally:
        os.kill(child.pid, signal.SIGTERM)
        child.wait(60)


def check(partition, stream, acknowledged, end):
    values = []
    while len(values) < end:
        batch = stream.poll_batch(100_000, timeout=60.0)
        assert batch, f"partition {partition} ends at {len(values)} instead of {end}"
        assert [message.offset for message in batch] == list(range(len(values), len(values) + len(batch)))
        values.extend(int(message.value) for message in batch)
    for first, offset in acknowledged.items():
        assert values[offset : offset + CHUNK] == list(range(first, first + CHUNK)), (
            f"partition {partition}, offset {offset}"
        )
    # Every set is whole, and none came twice or out of order.
    firsts = values[::CHUNK]
    assert values == [number for first in firsts for number in range(first, first + CHUNK)]
    assert firsts == sorted(set(firsts))
