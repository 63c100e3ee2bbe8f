"""What the core hands over, before it is given names: one tuple a thing, in the order of its description's fields."""

from __future__ import annotations

from typing import Literal, TypeAlias

__all__ = ["BrokerRow", "GroupRow", "MemberRow", "Resource", "SettingRow", "TopicRow"]

Resource: TypeAlias = Literal["topic", "broker", "group"]
BrokerRow: TypeAlias = tuple[int, str, int, str | None]
TopicRow: TypeAlias = tuple[str, str, bool, list[tuple[int, int | None, list[int], list[int]]]]
SettingRow: TypeAlias = tuple[str, str | None, int, bool, bool, str | None]
MemberRow: TypeAlias = tuple[str, str | None, str, str, list[tuple[str, int]] | None]
GroupRow: TypeAlias = tuple[str, str, str, str, str, BrokerRow, list[MemberRow]]
