"""Settings as keywords: Kafka's names in snake_case."""

from __future__ import annotations

from collections.abc import Iterable

from kafkalite.errors import InvalidSettingError


def check_keywords(names: Iterable[str]) -> None:
    """Refuse Kafka's dotted names: beside the keyword of the same setting one of the two would be lost without a word.

    Raises:
        InvalidSettingError: a name has a dot.
    """
    for name in names:
        if "." in name:
            message = f"{name}: as a keyword it is written {name.replace('.', '_')}"
            raise InvalidSettingError(message)
