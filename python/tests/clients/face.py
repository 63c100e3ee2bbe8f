"""What every client can be asked to do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias, get_args

__all__ = ["CODECS", "PATIENCE", "Client", "Codec", "Record"]

Codec: TypeAlias = Literal["none", "gzip", "snappy", "lz4", "zstd"]
CODECS: tuple[Codec, ...] = get_args(Codec)
PATIENCE = 30.0  # seconds that a client may take for what it was asked; tests fail on it, they don't measure it


@dataclass(frozen=True)
class Record:
    """A record as a client publishes it, or as it reads it back; its offset is no part of what it says."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()
    timestamp: int = 0  # milliseconds since 1970-01-01 UTC
    offset: int | None = field(default=None, compare=False)


class Client(Protocol):
    """Publishes to one partition with acks=all and the codec asked for, and reads one partition from its start."""

    @property
    def name(self) -> str:
        """What its authors call it."""

    @property
    def peer(self) -> str | None:
        """The script in tests/peers that installs it; ``None`` for a Python package."""

    @property
    def reads(self) -> bool:
        """Whether it can read without a group."""

    @property
    def sets_timestamps(self) -> bool:
        """Whether a record's timestamp is what it is told; otherwise it is the time of sending."""

    def produce(self, servers: str, topic: str, partition: int, records: Sequence[Record], codec: Codec) -> None:
        """Return when every record is acknowledged; raise otherwise."""

    def consume(self, servers: str, topic: str, partition: int, count: int) -> list[Record]:
        """Return the first ``count`` records; raise when they don't come."""
