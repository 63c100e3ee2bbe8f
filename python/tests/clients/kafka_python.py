"""kafka-python: pure Python, idempotent by default, the newest versions of the protocol."""

import time
from collections.abc import Sequence

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from clients.face import PATIENCE, Codec, Record


class KafkaPython:
    """Its defaults, but for what is asked."""

    name = "kafka-python"
    peer = None
    reads = True
    sets_timestamps = True

    def produce(self, servers: str, topic: str, partition: int, records: Sequence[Record], codec: Codec) -> None:
        """Publish; every future is looked at."""
        compression = None if codec == "none" else codec
        producer = KafkaProducer(bootstrap_servers=servers, compression_type=compression, linger_ms=20)
        try:
            deliveries = [
                producer.send(
                    topic,
                    value=record.value,
                    key=record.key,
                    partition=partition,
                    timestamp_ms=record.timestamp,
                    headers=list(record.headers),
                )
                for record in records
            ]
            for delivery in deliveries:
                delivery.get(timeout=PATIENCE)
        finally:
            producer.close(timeout=PATIENCE)

    def consume(self, servers: str, topic: str, partition: int, count: int) -> list[Record]:
        """Read without a group."""
        consumer = KafkaConsumer(bootstrap_servers=servers, group_id=None, auto_offset_reset="earliest")
        try:
            where = TopicPartition(topic, partition)
            consumer.assign([where])
            consumer.seek_to_beginning(where)
            records: list[Record] = []
            deadline = time.monotonic() + PATIENCE
            while len(records) < count and time.monotonic() < deadline:
                for messages in consumer.poll(timeout_ms=500).values():
                    records += [
                        Record(message.value, message.key, tuple(message.headers), message.timestamp, message.offset)
                        for message in messages
                    ]
            return records[:count]
        finally:
            consumer.close()
