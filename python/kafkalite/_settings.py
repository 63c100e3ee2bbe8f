"""Settings as keywords: Kafka's names in snake_case, and what Python's classes take otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, Literal, NamedTuple, TypeAlias

from kafkalite import _native
from kafkalite.errors import InvalidSettingError

__all__ = ["check_keywords", "keyword", "millis", "table"]

_Client: TypeAlias = Literal["producer", "consumer", "admin"]


class _Otherwise(NamedTuple):
    """A setting that a class does not take as the core has it."""

    instead: str
    """What the class says of it."""
    row: dict[str, str] | None = None
    """What the table has otherwise; ``None``: it is not in it."""


# The one place for what differs between the core's tables and the keywords of Python's classes.
_OTHERWISE: dict[str, dict[str, _Otherwise]] = {
    "producer": {
        "compression_type": _Otherwise("a Producer takes this as the keyword compression=", {"name": "compression"}),
    },
    "consumer": {
        "max_poll_records": _Otherwise("a Consumer takes this as poll_batch(max_messages)"),
    },
    "admin": {
        "default_api_timeout_ms": _Otherwise(
            "an Admin takes this as timeout= (seconds)",
            {"name": "timeout", "type": "double", "default": "30", "range": "seconds above 0, or None"},
        ),
        "allow_auto_create_topics": _Otherwise("an Admin never creates a topic by asking about it; leave it out"),
    },
}
_RENAMED = {
    name: otherwise.row["name"] for names in _OTHERWISE.values() for name, otherwise in names.items() if otherwise.row
}
# Beginnings of Kafka's settings that there will be.
_NOT_YET = (
    *("transactional_id", "security_protocol", "sasl_", "ssl_"),
    *("group_protocol", "group_remote_assignor", "isolation_level"),
)
_MOST_S = 2_147_483  # Kafka counts milliseconds in 32 bits


def table(kind: Literal["broker", "topic", "group"] | _Client) -> list[dict[str, Any]]:
    """Return the settings of a kind, a dict each; a client's as its class takes them."""
    rows = _native.settings(kind)
    if kind not in _OTHERWISE:
        return rows
    keywords = [row | {"name": row["name"].replace(".", "_")} for row in rows]
    otherwise = {name: each.row for name, each in _OTHERWISE[kind].items()}
    changed = ((row, otherwise.get(row["name"], {})) for row in keywords)
    return [row | change for row, change in changed if change is not None]


def keyword(name: str) -> str:
    """Return the keyword that stands for a client's setting of this name in Kafka."""
    name = name.replace(".", "_")
    return _RENAMED.get(name, name)


def check_keywords(kind: _Client, names: Iterable[str]) -> None:
    """Refuse what is no keyword of a class.

    Raises:
        InvalidSettingError: there is no such setting, the class takes it otherwise, or it is written with dots: beside
            the keyword of the same setting one of the two would be lost without a word.
    """
    for name in names:
        if "." in name:
            message = f"{name}: as a keyword it is written {keyword(name)}"
        elif name in _OTHERWISE[kind]:
            message = f"{name}: {_OTHERWISE[kind][name].instead}"
        elif name in _keywords(kind):
            continue
        elif name.startswith(_NOT_YET):
            message = f"{name} is not supported yet (README, 'Not yet'); leave it out"
        else:
            # Kafka's names of what is renamed as well: who is near to one of them means the keyword.
            nearest = _native.nearest(name, [*_keywords(kind), *_RENAMED.keys() & _OTHERWISE[kind].keys()])
            hint = f"; did you mean {keyword(nearest)}?" if nearest else ""
            message = f"no setting is called {name!r}{hint}"
        raise InvalidSettingError(message)


@cache
def _keywords(kind: _Client) -> frozenset[str]:
    return frozenset(row["name"] for row in table(kind))


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
        message = f"{name} cannot be {seconds!r}; expected seconds above 0, at most {_MOST_S}"
        raise InvalidSettingError(message)
    return max(1, round(number * 1000))
