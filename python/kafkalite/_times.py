"""Times as users give them, in Kafka's milliseconds since 1970-01-01 UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from operator import index

__all__ = ["OF_TEXT", "millis", "of_message", "of_seek"]

_LAST_MS = 2**63 - 1  # Kafka's timestamps

OF_TEXT = " (datetime.fromisoformat reads a text)"


def of_message(time: object) -> int:
    """Return the time of a message in milliseconds, from milliseconds or a ``datetime``; without a zone it is local.

    Raises:
        TypeError: it is neither.
        ValueError: it is before 1970, or beyond what Kafka can count.
    """
    if isinstance(time, datetime):
        try:
            at = round(datetime.timestamp(time) * 1000)  # not its own method, see millis
        except (OverflowError, TypeError, ValueError) as error:
            message = f"{time!r} is no time that a message can have: {error}"
            raise ValueError(message) from error
    else:
        try:
            at = index(time)  # type: ignore[arg-type] # what is none raises
        except TypeError:
            message = (
                "a timestamp must be int, milliseconds since 1970 UTC, or a datetime"
                f"{OF_TEXT}, not {type(time).__name__}; of seconds as time.time() gives them, take int(seconds * 1000)"
            )
            raise TypeError(message) from None
    if not 0 <= at <= _LAST_MS:
        message = (
            f"{time!r} is no time that a message can have: they start at 0, which is 1970-01-01 UTC, and have 63 bits"
        )
        raise ValueError(message)
    return at


def of_seek(time: object) -> int:
    """Return the time at which to go on reading: in milliseconds as it is given, or as :func:`millis`.

    Raises:
        TypeError: it is no time.
        ValueError: as :func:`millis`, or it is negative, or beyond what Kafka can count.
    """
    at = millis(time, datetime.now(UTC))
    if at is not None:
        return at
    try:
        at = index(time)  # type: ignore[arg-type] # what is none raises
    except TypeError:
        message = f"expected milliseconds since 1970 UTC, a datetime{OF_TEXT} or a timedelta, not {time!r}"
        raise TypeError(message) from None
    if not 0 <= at <= _LAST_MS:
        message = f"{at} is no time in milliseconds: they start at 0, which is 1970-01-01 UTC, and have 63 bits"
        raise ValueError(message)
    return at


def millis(target: object, now: datetime) -> int | None:
    """Return the time that is meant in milliseconds since 1970 UTC, if one is; without a zone it is local.

    Raises:
        ValueError: a duration that lies ahead, or a time that no clock of this system shows.
    """
    if isinstance(target, timedelta):
        if target < timedelta():
            message = f"a duration goes back from now, and {target} lies ahead; timedelta(hours=1) is an hour ago"
            raise ValueError(message)
        return max(round((now.timestamp() - target.total_seconds()) * 1000), 0)
    if not isinstance(target, datetime):
        return None
    try:
        # Not its own method: pandas' takes a time without a zone for UTC.
        return max(round(datetime.timestamp(target) * 1000), 0)
    except (OverflowError, TypeError, ValueError) as error:
        message = f"{target!r} is no time that can be asked for: {error}"
        raise ValueError(message) from error
