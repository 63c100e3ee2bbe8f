"""What a consumer in a group takes from its caller, in the words of the core."""

from __future__ import annotations

import atexit
import os
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from kafkalite import _native
from kafkalite.errors import GroupError, KafkaError
from kafkalite.topic_partition import TopicPartition

if TYPE_CHECKING:
    from kafkalite._native import Message

RebalanceCallback: TypeAlias = Callable[[list[TopicPartition]], object]
"""Told which partitions came or go; called in the thread that reads."""

CommitCallback: TypeAlias = Callable[[dict[TopicPartition, int], KafkaError | None], object]
"""Told what was to be committed, and what went wrong or ``None``; called in the thread that reads."""

_Pair: TypeAlias = tuple[str, int]
_Kind: TypeAlias = Literal["assigned", "revoked", "lost"]

_LAST_WORDS_S = 5.0  # how long leaving may take when Python ends


def misused(message: str) -> GroupError:
    """Return the error for a call that does not fit how the consumer reads."""
    return GroupError(message)


def names(topics: tuple[object, ...]) -> list[str]:
    """Flatten names and lists of names, each once.

    Raises:
        InvalidTopicError: a name that no topic can have.
    """
    found: dict[str, None] = {}
    for one in topics:
        if isinstance(one, (bytes, bytearray)) or not isinstance(one, Iterable):
            message = f"a topic's name must be str, not {type(one).__name__}"
            raise TypeError(message)
        for name in [one] if isinstance(one, str) else one:
            if not isinstance(name, str):
                message = f"a topic's name must be str, not {type(name).__name__}"
                raise TypeError(message)
            _native.check_topic_name(name)
            found[name] = None
    return list(found)


def expression(pattern: str | re.Pattern[str] | None) -> str | None:
    """Return a pattern as the core takes it, with its flags."""
    if pattern is not None and not isinstance(pattern, (str, re.Pattern)):
        message = f"pattern must be str or re.Pattern, not {type(pattern).__name__}"
        raise TypeError(message)
    if not isinstance(pattern, re.Pattern):
        return pattern
    letters = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE}
    flags = "".join(letter for letter, flag in letters.items() if pattern.flags & flag)
    return (
        f"(?{flags}:{pattern.pattern}\n)"
        if "x" in flags
        else f"(?{flags}:{pattern.pattern})"
        if flags
        else pattern.pattern
    )


def offsets(what: Message | Mapping[TopicPartition, int]) -> dict[_Pair, int]:
    """Return the offsets to commit, by partition."""
    if isinstance(what, _native.Message):
        if what.topic is None or what.partition is None or what.offset is None:
            message = "this message was not read from anywhere: commit one that a consumer handed out"
            raise ValueError(message)
        return {(what.topic, what.partition): what.offset + 1}
    if not isinstance(what, Mapping):
        message = f"commit() takes a Message, or offsets by TopicPartition, not {type(what).__name__}"
        raise TypeError(message)
    found = {place(one, "commit()"): offset for one, offset in what.items()}
    for (topic, partition), offset in found.items():
        if offset < 0:
            message = f"an offset to go on from is at least 0, not {offset} (of {topic}-{partition})"
            raise ValueError(message)
    return found


def place(one: object, who: str) -> _Pair:
    """Return topic and partition of what should name both."""
    match one:
        case (str() as topic, int() as partition):
            return topic, partition
    message = f"{who} takes a TopicPartition, for example TopicPartition('clicks', 0), not {one!r}"
    raise TypeError(message)


def listener(
    on_assigned: RebalanceCallback | None, on_revoked: RebalanceCallback | None, on_lost: RebalanceCallback | None
) -> Callable[[_Kind, list[_Pair]], None] | None:
    """Return one function for all that is to be listened to; ``None`` for nothing."""
    callbacks: dict[_Kind, RebalanceCallback | None] = {
        "assigned": on_assigned,
        "revoked": on_revoked,
        "lost": on_lost or on_revoked,
    }
    for kind, callback in callbacks.items():
        if callback is not None and not callable(callback):
            message = f"on_{kind} must be a function that takes partitions, not {type(callback).__name__}"
            raise TypeError(message)
    if not any(callbacks.values()):
        return None

    def told(kind: _Kind, pairs: list[_Pair]) -> None:
        callback = callbacks[kind]
        if callback is not None:
            callback([TopicPartition(*pair) for pair in pairs])

    return told


def commit_callback(
    then: CommitCallback | None, wait: object
) -> Callable[[dict[_Pair, int], KafkaError | None], None] | None:
    """Return the callback as the core's side calls it.

    Raises:
        ValueError: the commit waits, and so tells its caller.
        TypeError: it cannot be called.
    """
    if then is None:
        return None
    if wait:
        message = "then= is for commit(wait=False): a commit that waits returns or raises"
        raise ValueError(message)
    if not callable(then):
        message = f"then must be a function that takes offsets and an error, not {type(then).__name__}"
        raise TypeError(message)

    def told(committed: dict[_Pair, int], error: KafkaError | None) -> None:
        then({TopicPartition(*pair): offset for pair, offset in committed.items()}, error)

    return told


@cache
def leave_at_exit() -> None:
    """Have what is still open when Python ends commit what is consumed and leave its group, so that others go on."""
    atexit.register(_leave, os.getpid())


def _leave(owner: int) -> None:
    if os.getpid() == owner:  # a forked child is no member
        _native.leave_groups(_LAST_WORDS_S)
