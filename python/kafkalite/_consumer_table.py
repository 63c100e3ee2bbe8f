"""How a consumer shows itself: a line, and a table in a notebook."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kafkalite._native import Reader

_HEADINGS = ("member", "topic", "partition", "position", "lag")


def line(group: str | None, readers: list[Reader]) -> str:
    """Return the group and the partitions, as ``repr`` shows them."""
    partitions = sum(len(reader.assignment()) for reader in readers)
    parts = [] if group is None else [f"group_id={group!r}"]
    parts += [f"members={len(readers)}"] if group is not None else [f"streams={len(readers)}"]
    return f"Consumer({', '.join([*parts, f'partitions={partitions}'])})"


def table(group: str | None, readers: list[Reader]) -> str:
    """Return a table of who reads what, how far, and how much is left."""
    title = "Consumer without a group" if group is None else f"Group {group}"
    head = "".join(f"<th>{heading}</th>" for heading in _HEADINGS)
    rows = (row for number, reader in enumerate(readers, 1) for row in _rows(number, reader))
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<b>{html.escape(title)}</b><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _rows(number: int, reader: Reader) -> list[tuple[str, ...]]:
    who = reader.member_id() or f"stream {number}"
    positions, lag = reader.positions(), reader.lag()
    rows: list[tuple[str, ...]] = []
    for one in sorted(reader.assignment()):
        topic, partition = one
        rows.append((who, topic, str(partition), _number(positions.get(one)), _number(lag.get(one))))
    return rows or [(who, "", "none", "", "")]


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"
