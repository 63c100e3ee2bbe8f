"""Has a broker store groups of every kind: ``fill.py SERVERS``.

What is to be read back stands in the Rust test.
"""

import sys
import time

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

servers = sys.argv[1]
admin = AdminClient({"bootstrap.servers": servers})
admin.create_topics([NewTopic("t", 4, 1)])["t"].result(30)


def consumer(group, **settings):
    """A consumer that commits when told."""
    return Consumer({"bootstrap.servers": servers, "group.id": group, "enable.auto.commit": False, **settings})


# Consumers without a group: the last commit counts; many in one batch are worth compressing.
simple = consumer("simple")
for offset in (1, 42):
    places = [TopicPartition("t", number, offset, metadata="größer als nichts " * 5) for number in range(4)]
    simple.commit(offsets=places, asynchronous=False)
simple.close()

# A group that is deleted.
gone = consumer("gone")
gone.commit(offsets=[TopicPartition("t", 0, 1)], asynchronous=False)
gone.close()
admin.delete_consumer_groups(["gone"])["gone"].result(30)

# Offsets in transactions: one that takes effect, one that does not, one that is still open.
reader = consumer("transactions")
for number, end in enumerate(["commit", "abort", "leave open"]):
    producer = Producer({"bootstrap.servers": servers, "transactional.id": end})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce("t", b"x")
    place = [TopicPartition("t", number, 100 + number)]
    producer.send_offsets_to_transaction(place, reader.consumer_group_metadata(), 30)
    if end == "commit":
        producer.commit_transaction(30)
    elif end == "abort":
        producer.abort_transaction(30)
reader.close()

# Members, one of them static, who are there when the broker is killed.
settings = {
    "session.timeout.ms": 1_800_000,
    "max.poll.interval.ms": 1_800_000,
    "partition.assignment.strategy": "range",
}
members = [consumer("members", **settings), consumer("members", **settings, **{"group.instance.id": "one"})]
for member in members:
    member.subscribe(["t"])
deadline = time.monotonic() + 60
while not all(len(member.assignment()) == 2 for member in members):
    assert time.monotonic() < deadline, "no assignment"
    for member in members:
        member.poll(0.1)
members[0].commit(offsets=[TopicPartition("t", 3, 7)], asynchronous=False)
