"""Python values as Kafka's property files spell them."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["as_properties", "as_property"]


def as_property(value: object) -> str:
    """Spell a Python value as Kafka's property files do."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return str(value)


def as_properties(config: Mapping[str, object] | None) -> dict[str, str]:
    """Spell settings as property files do; ``None`` leaves one at its default."""
    return {name: as_property(value) for name, value in (config or {}).items() if value is not None}
