"""kcat with Debian's librdkafka, an old one."""

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from clients.face import Codec, Record
from clients.program import run

__all__ = ["Kcat"]

_HEAD = re.compile(rb"(?P<timestamp>\d+) (?P<offset>\d+) (?P<key>-?\d+) (?P<value>-?\d+)\n(?P<headers>[^\n]*)\n")


class Kcat:
    """One process a record, since the key and headers are arguments; header values must be free of commas and lines."""

    name = peer = "kcat"
    reads = True
    sets_timestamps = False

    def produce(self, servers: str, topic: str, partition: int, records: Sequence[Record], codec: Codec) -> None:
        """Publish each record's value from a file, so that it may be any bytes."""
        common = ["run", "-P", "-b", servers, "-t", topic, "-p", str(partition), "-z", codec, "-X", "acks=all"]
        for record in records:
            headers = [f"-H{name}={(value or b'').decode()}" for name, value in record.headers]
            if not record.value:  # kcat takes "nothing" only beside a key
                assert record.key is not None
                null = ["-Z"] if record.value is None else []
                run("kcat", *common, *headers, *null, "-K", "|", stdin=record.key + b"|\n")
                continue
            key = [] if record.key is None else ["-k", record.key.decode()]
            with tempfile.NamedTemporaryFile() as file:
                Path(file.name).write_bytes(record.value)
                run("kcat", *common, *key, *headers, file.name)

    def consume(self, servers: str, topic: str, partition: int, count: int) -> list[Record]:
        """Print lengths before the bytes, so that these may be anything."""
        where = ["-t", topic, "-p", str(partition), "-o", "beginning", "-c", str(count), "-e"]
        output = run("kcat", "run", "-C", "-q", "-b", servers, *where, "-f", "%T %o %K %S\\n%h\\n%k%s\\n")
        records = []
        while output:
            head = _HEAD.match(output)
            assert head, f"unexpected output of kcat: {output[:200]!r}"
            key, rest = _take(output[head.end() :], int(head["key"]))
            value, rest = _take(rest, int(head["value"]))
            pairs = (pair.split(b"=", 1) for pair in head["headers"].split(b",") if pair)
            headers = tuple((name.decode(), content) for name, content in pairs)
            records.append(Record(value, key, headers, int(head["timestamp"]), int(head["offset"])))
            output = rest[1:]
        return records


def _take(content: bytes, length: int) -> tuple[bytes | None, bytes]:
    return (None, content) if length < 0 else (content[:length], content[length:])
