"""confluent-kafka: the current librdkafka."""

import time
from collections.abc import Sequence
from typing import cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Message, Producer, TopicPartition

from clients.face import PATIENCE, Codec, Record


class Confluent:
    """Assigned to its partition; its group.id is there because the library insists, no group is joined."""

    name = "confluent-kafka"
    peer = None
    reads = True
    sets_timestamps = True

    def produce(self, servers: str, topic: str, partition: int, records: Sequence[Record], codec: Codec) -> None:
        """Publish with idempotence, as most users of librdkafka would."""
        errors: list[object] = []
        producer = Producer(
            {
                "bootstrap.servers": servers,
                "compression.type": codec,
                "enable.idempotence": True,
                "linger.ms": 20,
                "message.timeout.ms": int(PATIENCE * 1000),
            }
        )
        for record in records:
            producer.produce(
                topic,
                value=record.value,
                key=record.key,
                partition=partition,
                timestamp=record.timestamp,
                headers=list(record.headers),
                on_delivery=lambda error, _message: errors.append(error) if error else None,
            )
        left = producer.flush(PATIENCE)
        assert not errors, errors
        assert left == 0, f"{left} records were not acknowledged"

    def consume(self, servers: str, topic: str, partition: int, count: int) -> list[Record]:
        """Read without committing."""
        consumer = Consumer({"bootstrap.servers": servers, "group.id": "none", "enable.auto.commit": False})
        try:
            consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
            records: list[Record] = []
            deadline = time.monotonic() + PATIENCE
            while len(records) < count and time.monotonic() < deadline:
                for message in consumer.consume(count - len(records), 0.5):
                    error = message.error()
                    if error:
                        raise KafkaException(error)
                    records.append(_record(message))
            return records
        finally:
            consumer.close()


def _record(message: Message) -> Record:
    headers = cast("list[tuple[str, bytes | None]]", message.headers() or [])
    return Record(message.value(), message.key(), tuple(headers), message.timestamp()[1], message.offset())
