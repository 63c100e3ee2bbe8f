"""Our own client, judged like the others."""

from collections.abc import Sequence

from clients.face import PATIENCE, Codec, Record


class Ours:
    """Through the public API only; a stream covers the whole topic, so other partitions' messages are left out here."""

    name = "kafkalite"
    peer = None
    reads = True
    sets_timestamps = True

    def produce(self, servers: str, topic: str, partition: int, records: Sequence[Record], codec: Codec) -> None:
        """Publish with the defaults: idempotent, acks=all."""
        from kafkalite import Producer

        with Producer(servers, compression=codec, linger_ms=20) as producer:
            deliveries = [
                producer.send(
                    topic,
                    record.value,
                    key=record.key,
                    headers=record.headers,
                    timestamp=record.timestamp,
                    partition=partition,
                )
                for record in records
            ]
            for delivery in deliveries:
                delivery.result(timeout=PATIENCE)

    def consume(self, servers: str, topic: str, partition: int, count: int) -> list[Record]:
        """Read from the start."""
        from kafkalite import Consumer

        records: list[Record] = []
        with Consumer(servers) as consumer:
            (stream,) = consumer.create_message_streams(topic)
            for message in stream:
                if message.partition == partition:
                    timestamp = message.timestamp
                    assert timestamp is not None
                    records.append(Record(message.value, message.key, message.headers, timestamp, message.offset))
                    if len(records) == count:
                        break
        return records
