"""Other people's Kafka clients behind one face, so that a test can say "each" and "every other"."""

from clients.aiokafka import AioKafka
from clients.confluent import Confluent
from clients.face import CODECS, Client, Record
from clients.kafka_python import KafkaPython
from clients.kcat import Kcat
from clients.ours import Ours
from clients.program import Program

__all__ = ["CLIENTS", "CODECS", "Client", "Record"]

CLIENTS: tuple[Client, ...] = (
    Confluent(),
    AioKafka(),
    KafkaPython(),
    Kcat(),
    Program("java-client", reads=True),
    Program("franz-go", reads=True),
    Program("kafka-go", reads=False),  # its reader takes what is empty for null: it has tests of its own
    Ours(),
    Program("kafkajs", reads=False),  # it reads only as a member of a group
)
