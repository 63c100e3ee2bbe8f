"""Python values as Kafka's property files spell them."""

from __future__ import annotations

__all__ = ["as_property"]


def as_property(value: object) -> str:
    """Spell a Python value as Kafka's property files do."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return str(value)
