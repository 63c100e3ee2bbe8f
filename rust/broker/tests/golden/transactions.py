"""Has a broker store what transactions of every kind leave behind: ``transactions.py SERVERS``.

In the topic t: three messages of one that is committed, two of one that is aborted, one of none, one of one that is
open. The markers lie at 3 and 6, so what counts are the offsets 0, 1, 2 and 7.
"""

import sys
import time

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

servers = sys.argv[1]
admin = AdminClient({"bootstrap.servers": servers})
admin.create_topics([NewTopic("t", 1, 1)])["t"].result(60)


def transaction(producer, values):
    """Publish in a transaction, which stays open."""
    producer.begin_transaction()
    for value in values:
        producer.produce("t", value, partition=0)
    assert producer.flush(60) == 0


def marked(end):
    """Wait for the marker: the coordinator answers before it has written it."""
    reader = Consumer({"bootstrap.servers": servers, "group.id": "none"})
    deadline = time.monotonic() + 60
    while reader.get_watermark_offsets(TopicPartition("t", 0), 60)[1] < end:
        assert time.monotonic() < deadline, "no marker"
    reader.close()


producer = Producer({"bootstrap.servers": servers, "transactional.id": "ends"})
producer.init_transactions(60)
transaction(producer, ["committed"] * 3)
producer.commit_transaction(60)
marked(4)
transaction(producer, ["aborted"] * 2)
producer.abort_transaction(60)
marked(7)
plain = Producer({"bootstrap.servers": servers})
plain.produce("t", "plain", partition=0)
assert plain.flush(60) == 0
left = Producer({"bootstrap.servers": servers, "transactional.id": "left open", "transaction.timeout.ms": 600_000})
left.init_transactions(60)
transaction(left, ["open"])
