"""The clients of other languages: small programs in tests/peers that speak lines of JSON."""

import base64
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from clients.face import PATIENCE, Codec, Record

__all__ = ["PEERS", "Program", "run"]

PEERS = Path(__file__).parents[3] / "tests" / "peers"


def run(*command: str | Path, stdin: bytes = b"", patience: float = 3 * PATIENCE) -> bytes:
    """Run one of the peers' scripts and return what it printed; its complaint is in the error if it fails."""
    script, *arguments = command
    done = subprocess.run([PEERS / script, *arguments], input=stdin, capture_output=True, timeout=patience, check=False)
    if done.returncode != 0:
        message = (
            f"{script} {' '.join(map(str, arguments))} ended with {done.returncode}:\n{done.stderr.decode()[-4000:]}"
        )
        raise RuntimeError(message)
    return done.stdout


class Program:
    """A script in tests/peers that takes ``produce`` and, if it reads, ``consume``."""

    sets_timestamps = True

    def __init__(self, name: str, *, reads: bool) -> None:
        self.name = self.peer = name
        self.reads = reads

    def produce(self, servers: str, topic: str, partition: int, records: Sequence[Record], codec: Codec) -> None:
        """Give it one line a record."""
        lines = "".join(_line(record) for record in records)
        run(self.name, "produce", servers, topic, str(partition), codec, stdin=lines.encode())

    def consume(self, servers: str, topic: str, partition: int, count: int) -> list[Record]:
        """Take one line a record."""
        lines = run(self.name, "consume", servers, topic, str(partition), str(count)).splitlines()
        return [_record(json.loads(line)) for line in lines]


def _line(record: Record) -> str:
    headers = [[name, _encoded(value)] for name, value in record.headers]
    parts = {
        "key": _encoded(record.key),
        "value": _encoded(record.value),
        "headers": headers,
        "timestamp": record.timestamp,
    }
    return json.dumps(parts) + "\n"


def _record(parts: dict[str, object]) -> Record:
    headers = parts["headers"]
    timestamp, offset = parts["timestamp"], parts["offset"]
    assert isinstance(headers, list)
    assert isinstance(timestamp, int)
    assert isinstance(offset, int)
    pairs = tuple((name, _decoded(value)) for name, value in headers)
    return Record(_decoded(parts["value"]), _decoded(parts["key"]), pairs, timestamp, offset)


def _encoded(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()


def _decoded(text: object) -> bytes | None:
    return None if text is None else base64.b64decode(str(text))
