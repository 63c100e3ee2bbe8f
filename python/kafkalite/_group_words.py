"""Kafka's words for the states and the types of groups (KIP-518, KIP-848, KIP-932, KIP-1071)."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["STATES", "TYPES", "spelled", "words"]

STATES = (
    "Assigning",
    "CompletingRebalance",
    "Dead",
    "Empty",
    "NotReady",
    "PreparingRebalance",
    "Reconciling",
    "Stable",
)
TYPES = ("classic", "consumer", "share", "streams")


def spelled(word: str, known: Sequence[str]) -> str:
    """Return the word as Kafka spells it, whatever its case; one that is unknown as it is."""
    return next((each for each in known if each.lower() == word.lower()), word)


def words(given: str | Sequence[str], what: str, known: Sequence[str]) -> list[str]:
    """Return Kafka's words for a filter; brokers find nothing for words that they do not know, and do not say so.

    Raises:
        ValueError: one of them is none of Kafka's.
    """
    found = [spelled(word, known) for word in ([given] if isinstance(given, str) else given)]
    for word in found:
        if word not in known:
            message = f"groups have no {what} {word!r}; Kafka knows {', '.join(known)}"
            raise ValueError(message)
    return found
