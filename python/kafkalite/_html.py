"""Tables as a notebook shows them."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

__all__ = ["table"]


def table(title: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table with its title; every cell is escaped, and nothing stands where a value is missing."""
    head = "".join(f"<th>{html.escape(heading)}</th>" for heading in headings)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    above = f"<b>{html.escape(title)}</b>" if title else ""
    return f"{above}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"<td style='text-align:right'>{value:,}</td>"
    return f"<td>{html.escape('' if value is None else str(value))}</td>"
