"""Publishes events and reads them back at the same time, in several threads, keeping account of both sides."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from kafkalite import _native
from kafkalite._native import MessageStream
from kafkalite.broker import Broker
from kafkalite.consumer import Consumer
from kafkalite.demo.events import Event
from kafkalite.producer import Producer

__all__ = ["Account", "Report", "replay"]

_CHUNK = 1_000  # events handed to the producer at once
_WAIT_S = 0.2  # how long a reader waits before it looks whether the replay is over
_PATIENCE_S = 30.0  # how long a reader that misses events waits for them before it gives up


@dataclass
class Account:
    """What one side knows of one partition: how much went by, and a digest of it in its order."""

    messages: int = 0
    size: int = 0  # bytes of payloads
    next_offset: int = 0
    last_heard: float = 0.0  # time.perf_counter() of the last batch
    digest: hashlib.blake2b = field(default_factory=lambda: hashlib.blake2b(digest_size=16))

    def enter(self, key: bytes | None, payload: bytes) -> None:
        """Take one event into account."""
        self.messages += 1
        self.size += len(payload)
        # With the lengths in front no two accounts of different events are the same bytes; 0 is no key at all.
        key_length = 0 if key is None else len(key) + 1
        self.digest.update((key_length << 32 | len(payload)).to_bytes(8, "little"))
        if key:
            self.digest.update(key)
        self.digest.update(payload)

    def agrees_with(self, other: Account) -> bool:
        """Whether both sides saw the same keys and payloads, each once, in the same order."""
        return self.messages == other.messages and self.digest.digest() == other.digest.digest()


@dataclass(frozen=True)
class Report:
    """What came of a replay."""

    published: dict[int, Account]  # by partition
    received: dict[int, Account]
    stored: list[int]  # messages that the broker holds, by partition
    seconds_in: float  # from the first event to the last acknowledgement
    seconds_out: float  # from the first event to the last one read

    @property
    def messages(self) -> int:
        """Events published."""
        return sum(account.messages for account in self.published.values())

    @property
    def size(self) -> int:
        """Bytes of payloads published."""
        return sum(account.size for account in self.published.values())

    @property
    def differences(self) -> list[str]:
        """A sentence for each partition that something is wrong with; empty when every event arrived once, in order."""
        sentences = []
        for partition, mine in self.published.items():
            theirs, held = self.received[partition], self.stored[partition]
            if mine.agrees_with(theirs) and held == mine.messages:
                continue
            numbers = f"{mine.messages:,} events published, {held:,} stored, {theirs.messages:,} received"
            same = mine.messages == theirs.messages == held
            suffix = ", in another order or with other content" if same else ""
            sentences.append(f"partition {partition}: {numbers}{suffix}")
        return sentences


def replay(
    broker: Broker,
    topic: str,
    partitions: int,
    events: Iterable[Event],
    progress: Callable[[int, int], None] = lambda _published, _received: None,
) -> Report:
    """Publish events to an empty topic while as many threads as it has partitions read them back.

    Args:
        broker: a running broker that has the topic.
        topic: the topic, empty.
        partitions: how many partitions it has.
        events: what to publish. Keys choose the partition as in every Kafka client; events without a key go round.
        progress: called now and then with the numbers of events published and received so far.
    """
    published = {partition: Account() for partition in range(partitions)}
    received = {partition: Account() for partition in range(partitions)}
    complete = threading.Event()  # every event is acknowledged: readers stop where the publisher's account ends
    failures: list[BaseException] = []

    def watch() -> None:
        progress(*(sum(account.messages for account in side.values()) for side in (published, received)))

    def read(stream: MessageStream) -> None:
        try:
            _read(stream, published, received, complete)
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            failures.append(error)

    started = time.perf_counter()
    with Consumer(broker) as consumer:
        readers = [
            threading.Thread(target=read, args=(stream,), name=f"reader-{number}")
            for number, stream in enumerate(consumer.create_message_streams(topic, partitions))
        ]
        for reader in readers:
            reader.start()
        try:
            with Producer(broker) as producer:
                for partition, chunk in _by_partition(events, partitions):
                    _publish(producer, topic, partition, chunk, published[partition])
                    watch()
            seconds_in = time.perf_counter() - started
        finally:
            complete.set()
        for reader in readers:
            while reader.is_alive():
                reader.join(_WAIT_S / 2)
                watch()
        seconds_out = max(seconds_in, *(account.last_heard - started for account in received.values()))
    if failures:
        raise failures[0]
    # Readers stop when they have what was published: whether there is more, only the broker knows.
    summary = broker.topics()[topic]
    stored = [end - start for start, end in zip(summary.start_offsets, summary.end_offsets, strict=True)]
    return Report(published, received, stored, seconds_in, seconds_out)


def _by_partition(events: Iterable[Event], partitions: int) -> Iterator[tuple[int, list[Event]]]:
    """Yield chunks of events of one partition; the order within a partition is that of the events."""
    chosen: dict[bytes, int] = {}
    chunks: dict[int, list[Event]] = {partition: [] for partition in range(partitions)}
    for number, event in enumerate(events):
        if event.key is None:
            partition = number % partitions
        elif (partition := chosen.get(event.key, -1)) < 0:
            partition = chosen[event.key] = _native.murmur2_partition(event.key, partitions)
        chunk = chunks[partition]
        chunk.append(event)
        if len(chunk) == _CHUNK:
            yield partition, chunk
            chunks[partition] = []
    yield from ((partition, chunk) for partition, chunk in chunks.items() if chunk)


def _publish(producer: Producer, topic: str, partition: int, chunk: list[Event], account: Account) -> None:
    for event in chunk:
        account.enter(event.key, event.payload)
    keyed = chunk[0].key is not None
    producer.send_many(
        topic,
        [event.payload for event in chunk],
        keys=[event.key for event in chunk] if keyed else None,
        # Keyed events find their partition by themselves: the account checks that the producer agrees.
        partition=None if keyed else partition,
    )


def _read(
    stream: MessageStream, published: dict[int, Account], received: dict[int, Account], complete: threading.Event
) -> None:
    heard = time.perf_counter()
    while True:
        batch = stream.poll_batch(_CHUNK, timeout=_WAIT_S)
        for message in batch:
            account = received[message.partition or 0]
            if message.offset != account.next_offset:
                sentence = (
                    f"partition {message.partition}: offset {message.offset} came where {account.next_offset} was due"
                )
                raise RuntimeError(sentence)
            account.next_offset += 1
            account.enter(message.key, message.value or b"")
        if batch:
            heard = time.perf_counter()
            for _, partition in stream.assignment:
                received[partition].last_heard = heard
        elif complete.is_set():
            # Nothing more came: good if all is there.
            arrived = all(received[one].messages >= published[one].messages for _, one in stream.assignment)
            if arrived or time.perf_counter() - heard > _PATIENCE_S:
                return
