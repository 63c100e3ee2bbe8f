"""aiokafka: the client of asyncio; it speaks old versions of the protocol."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from clients.face import PATIENCE, Codec, Record


class AioKafka:
    """One event loop a call."""

    name = "aiokafka"
    peer = None
    reads = True
    sets_timestamps = True

    def produce(self, servers: str, topic: str, partition: int, records: Sequence[Record], codec: Codec) -> None:
        """Publish with idempotence."""
        asyncio.run(asyncio.wait_for(_produce(servers, topic, partition, records, codec), PATIENCE))

    def consume(self, servers: str, topic: str, partition: int, count: int) -> list[Record]:
        """Read without a group."""
        return asyncio.run(asyncio.wait_for(_consume(servers, topic, partition, count), PATIENCE))


async def _produce(servers: str, topic: str, partition: int, records: Sequence[Record], codec: Codec) -> None:
    compression = None if codec == "none" else codec
    async with AIOKafkaProducer(
        bootstrap_servers=servers, compression_type=compression, enable_idempotence=True, linger_ms=20
    ) as producer:
        deliveries = [
            await producer.send(
                topic,
                record.value,
                record.key,
                partition=partition,
                timestamp_ms=record.timestamp,
                headers=list(record.headers),
            )
            for record in records
        ]
        await asyncio.gather(*deliveries)


async def _consume(servers: str, topic: str, partition: int, count: int) -> list[Record]:
    records: list[Record] = []
    async with AIOKafkaConsumer(bootstrap_servers=servers, group_id=None, auto_offset_reset="earliest") as consumer:
        consumer.assign([TopicPartition(topic, partition)])
        await consumer.seek_to_beginning()
        while len(records) < count:
            message = await consumer.getone()
            headers = tuple(message.headers)
            records.append(Record(message.value, message.key, headers, message.timestamp, message.offset))
    return records
