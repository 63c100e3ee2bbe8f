"""The client of ``compare.py``, in its own process: publishes or reads with librdkafka, prints the seconds as JSON.

The same client with the same settings for every broker. It publishes in lists and reads in lists, so that Python's own
work a message stays small beside librdkafka's.
"""

import json
import random
import sys
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition

CHUNK = 10_000

PRODUCER = {
    "acks": "all",
    "linger.ms": 5,
    "batch.size": 1_000_000,
    "batch.num.messages": 1_000_000,
    "queue.buffering.max.messages": 2_000_000,
    "queue.buffering.max.kbytes": 1_000_000,
}
CONSUMER = {
    "group.id": "none",  # the library insists on one; partitions are assigned and nothing is committed
    "enable.auto.commit": False,
    "check.crcs": False,
    "fetch.message.max.bytes": 4_000_000,
    "queued.max.messages.kbytes": 100_000,
    "queued.min.messages": 1_000_000,
}


def payload(chance: random.Random, number: int, size: int) -> bytes:
    """Return what compresses to about a third, as JSON events do; without a codec the content does not matter."""
    known = b'{"id":%08d,"page":"/index","agent":"' % number
    return (known + chance.randbytes(size // 4).hex().encode() + known * (size // len(known)))[:size]


def produce(servers: str, topic: str, count: int, size: int, codec: str) -> float:
    """Publish ``count`` messages; the clock runs from the first call until the last acknowledgement."""
    failures: list[object] = []
    producer = Producer({"bootstrap.servers": servers, "compression.type": codec} | PRODUCER)
    producer.list_topics(topic, timeout=30)
    chance = random.Random(1)  # noqa: S311 - the same bytes in every run
    messages = [{"value": payload(chance, number, size)} for number in range(min(CHUNK, count))]

    def seen(error: object, _message: object) -> None:
        if error:
            failures.append(error)

    began = time.perf_counter()
    left = count
    while left:
        chunk = messages if left >= len(messages) else messages[:left]
        accepted = producer.produce_batch(topic, chunk, partition=0, on_delivery=seen)
        left -= accepted
        producer.poll(0 if accepted else 0.01)
    unsent = producer.flush(120)
    seconds = time.perf_counter() - began
    if failures or unsent:
        message = f"{len(failures)} deliveries failed, {unsent} are open; the first: {failures[:1]}"
        raise RuntimeError(message)
    return seconds


def consume(servers: str, topic: str, count: int, size: int) -> float:
    """Read ``count`` messages of partition 0; the clock runs from the assignment until the last of them."""
    consumer = Consumer({"bootstrap.servers": servers} | CONSUMER)
    consumer.list_topics(topic, timeout=30)
    began = time.perf_counter()
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    received = 0
    while received < count:
        messages = consumer.consume(min(CHUNK, count - received), 30)
        if not messages:
            sentence = f"only {received} of {count} messages came"
            raise RuntimeError(sentence)
        for message in (messages[0], messages[-1]):
            error = message.error()
            if error:
                raise KafkaException(error)
            if len(message.value() or b"") != size:
                sentence = f"a message of {len(message.value() or b'')} bytes came where {size} were published"
                raise RuntimeError(sentence)
        received += len(messages)
    seconds = time.perf_counter() - began
    consumer.close()
    return seconds


def main() -> None:
    """Take the direction, the servers, the topic, the count, the size and, to publish, the codec."""
    direction, servers, topic, count, size, *codec = sys.argv[1:]
    if direction == "produce":
        seconds = produce(servers, topic, int(count), int(size), *codec)
    else:
        seconds = consume(servers, topic, int(count), int(size))
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
