"""Settings as keywords: Kafka's names in snake_case."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from kafkalite import _native
from kafkalite.errors import InvalidSettingError

__all__ = ["check_keywords", "millis", "table"]

_MOST_S = 2_147_483  # Kafka counts milliseconds in 32 bits

_TIMEOUT = {
    "name": "timeout",
    "type": "s",
    "default": "30",
    "range": "seconds above 0, or None",
    "doc": "How long an operation may take, retries included.",
}
# What Python's classes take under another name than the core, or (None) do not take.
_CHANGES: dict[str, dict[str, dict[str, Any] | None]] = {
    "producer": {"compression_type": {"name": "compression"}},
    "admin": {"default_api_timeout_ms": _TIMEOUT, "allow_auto_create_topics": None},
}


def table(kind: Literal["broker", "topic", "group", "producer", "consumer", "admin"]) -> list[dict[str, Any]]:
    """Return the settings of a kind, a dict each; a client's as its class takes them."""
    changes = _CHANGES.get(kind, {})
    rows = ((row, changes.get(row["name"], {})) for row in _native.settings(kind))
    return [row | change for row, change in rows if change is not None]


def check_keywords(names: Iterable[str]) -> None:
    """Refuse Kafka's dotted names: beside the keyword of the same setting one of the two would be lost without a word.

    Raises:
        InvalidSettingError: a name has a dot.
    """
    for name in names:
        if "." in name:
            message = f"{name}: as a keyword it is written {name.replace('.', '_')}"
            raise InvalidSettingError(message)


def millis(name: str, seconds: object) -> int:
    """Return seconds, a number or its text, as the milliseconds that Kafka counts, at least one; ``None`` is the most.

    Raises:
        InvalidSettingError: it is no number above 0, or beyond what Kafka can count.
    """
    if seconds is None:
        seconds = _MOST_S
    try:
        number = float(seconds)  # type: ignore[arg-type] # what callers pass without a type checker is checked
    except (TypeError, ValueError):
        number = 0.0
    if not 0 < number <= _MOST_S:
        message = f"{name}={seconds!r} is not allowed: expected seconds above 0, at most {_MOST_S}"
        raise InvalidSettingError(message)
    return max(1, round(number * 1000))
