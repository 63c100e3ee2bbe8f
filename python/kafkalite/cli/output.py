"""What commands print: aligned tables or one JSON document on standard output, sentences on standard error."""

from __future__ import annotations

import argparse
import base64
import json
import os
import select
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

__all__ = ["check_reader", "counted", "document", "note", "one_line", "printable", "say", "table"]

_BOLD, _FAINT, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"


def document(value: object) -> None:
    """Print one JSON document; a dataclass is an object."""
    json.dump(_plain(value), sys.stdout, indent=1)
    print()


def _plain(value: object) -> Any:  # noqa: ANN401 - JSON is anything
    from dataclasses import fields, is_dataclass  # slow to import, and most commands print no JSON

    if is_dataclass(value) and not isinstance(value, type):
        facts = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        return facts | {name: getattr(value, name) for name in ("lag",) if hasattr(value, name)}
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return list(map(_plain, value))
    return value.isoformat() if isinstance(value, datetime) else value


def table(options: argparse.Namespace, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows under headings, in columns; numbers stand to the right, and ``-`` where there is no value."""
    given = [list(row) for row in rows]
    kinds = [{type(row[at]) for row in given} - {type(None)} for at in range(len(headings))]
    numeric = [kind == {int} for kind in kinds]
    lines = [[heading.upper() for heading in headings], *(list(map(_cell, row)) for row in given)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for number, line in enumerate(lines):
        cells = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ]
        text = "  ".join(cells).rstrip()
        print(f"{_BOLD}{text}{_PLAIN}" if number == 0 and _colored(options) else text)


def _cell(value: object) -> str:
    return "-" if value is None or value == "" else one_line(str(value))


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return ``1 offset`` or ``2 offsets``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def printable(data: bytes | None) -> str | dict[str, str] | None:
    """Return text as it is, and bytes that are not text as base64, so that nothing is lost."""
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def one_line(text: str) -> str:
    r"""Return text without what ends the line or commands the terminal (``\x1b``): names come from anybody."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def note(options: argparse.Namespace, sentence: str) -> None:
    """Print a line of data that belongs to no table."""
    text = one_line(sentence)
    print(f"{_FAINT}{text}{_PLAIN}" if _colored(options) else text)


def check_reader() -> None:
    """Raise ``BrokenPipeError`` if nobody reads standard output any more: without a next message nothing else tells."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    if any(event & select.POLLERR for _, event in poll.poll(0)):
        raise BrokenPipeError


def say(options: argparse.Namespace, sentence: str) -> None:
    """Tell the person in front of the terminal; ``-q`` keeps it quiet."""
    if not options.quiet:
        print(one_line(sentence), file=sys.stderr)


def _colored(options: argparse.Namespace) -> bool:
    """Whether standard output is a terminal whose user has nothing against colours (https://no-color.org)."""
    return sys.stdout.isatty() and not options.no_color and not os.environ.get("NO_COLOR")
