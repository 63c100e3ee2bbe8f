"""What the commands that talk to a cluster have in common: where it is, and how they answer."""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kafkalite import Admin

__all__ = ["add_arguments", "administering", "explained", "log_to_stderr", "partitions", "place", "positive", "target"]

_VARIABLE = "KAFKALITE_BOOTSTRAP_SERVERS"
_DEFAULT = "localhost:9092"
# Settings that have an option of their own.
_OPTIONS = {"bootstrap_servers": "-b", "group_id": "-g", "timeout": "--timeout"}
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def add_arguments(parser: argparse.ArgumentParser, settings: str = "admin") -> None:
    """Declare what all these commands take; ``settings`` is the table that ``-X`` takes from."""
    variable = os.environ.get(_VARIABLE)
    origin = f"from ${_VARIABLE}" if variable else f"the default, as neither -b nor {_VARIABLE} is given"
    parser.set_defaults(bootstrap_origin=origin)
    group = parser.add_argument_group("the cluster, and the answer")
    group.add_argument(
        "-b",
        "--bootstrap-servers",
        metavar="HOST:PORT",
        action=_Given,
        default=variable or _DEFAULT,
        help=f"one or more brokers, with commas between them (default: ${_VARIABLE}, else {_DEFAULT})",
    )
    group.add_argument(
        "-X",
        dest="settings",
        action="append",
        default=[],
        type=_setting,
        metavar="key=value",
        help=f"a setting of the client; may be repeated ('kafkalite config list {settings}' prints them all)",
    )
    group.add_argument("--timeout", type=_seconds, default=15.0, help="seconds that the cluster may take (default: 15)")
    group.add_argument("--json", action="store_true", help="print one JSON document")
    group.add_argument("--no-color", action="store_true", help="print without colours, as to a file")
    loudness = group.add_mutually_exclusive_group()
    loudness.add_argument("-v", "--verbose", action="store_true", help="log details")
    loudness.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")


class _Given(argparse.Action):
    """Keep an address of the command line, whose origin needs no word."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """Keep the address."""
        del parser, option_string
        namespace.bootstrap_servers = values
        namespace.bootstrap_origin = None


def explained(message: str, options: argparse.Namespace) -> str:
    """Return an error's sentence; of an address that ``-b`` did not give, it says where it is from."""
    origin = getattr(options, "bootstrap_origin", None)
    if origin is None or not re.search(r"\bbootstrap[._]servers\b", message):
        return message
    return f"{message}; {options.bootstrap_servers} is {origin}"


def administering(command: Callable[[argparse.Namespace, Admin], int]) -> Callable[[argparse.Namespace], int]:
    """Return the command with a client for the cluster that the command line names."""

    def run(options: argparse.Namespace) -> int:
        from kafkalite import Admin

        log_to_stderr(options)
        settings = dict(options.settings)
        with Admin(options.bootstrap_servers, timeout=options.timeout, **settings) as admin:
            return command(options, admin)

    return run


def log_to_stderr(options: argparse.Namespace) -> None:
    """Have warnings, or with ``-v`` everything, on standard error."""
    level = logging.DEBUG if options.verbose else logging.ERROR if options.quiet else logging.WARNING
    logging.basicConfig(stream=sys.stderr, level=level, format="%(levelname)s %(name)s: %(message)s")


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        message = f"expected key=value, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    from kafkalite import _settings

    keyword = _settings.keyword(name.strip())
    if keyword in _OPTIONS:
        message = f"{name.strip()} is given as {_OPTIONS[keyword]}"
        raise argparse.ArgumentTypeError(message)
    return keyword, value.strip()


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e6:  # noqa: PLR2004 - eleven days: it is a slip, and beyond it Kafka's milliseconds end
        message = f"expected a number of seconds above 0, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return seconds


def positive(text: str) -> int:
    """Return a whole number of at least 1."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        message = f"expected a whole number from 1, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def partitions(text: str) -> tuple[str, list[int] | None]:
    """Return ``topic`` or ``topic:0,1`` as a name and the partitions; none where all are meant."""
    name, colon, numbers = text.partition(":")
    if not colon:
        return name, None
    if not name or not re.fullmatch(r"\d+(,\d+)*", numbers, re.ASCII):
        message = f"expected a topic, or a topic and partitions as in clicks:0,1, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return name, [int(number) for number in numbers.split(",")]


def place(text: str) -> str | int | datetime | timedelta:
    """Return a :func:`target`, but for negative offsets: here they would be a slip, and destroy something."""
    where = target(text)
    if isinstance(where, int) and where < 0:
        message = f"an offset is at least 0, not {where} (to move a group back there is --by {where})"
        raise argparse.ArgumentTypeError(message)
    return where


def target(text: str) -> str | int | datetime | timedelta:
    """Return what a reset goes to: an end of the log, an offset, a time, or how long ago (``90m``)."""
    if text in {"earliest", "latest"}:
        return text
    if re.fullmatch(r"[+-]?\d{1,18}", text, re.ASCII):
        return int(text)
    if ago := re.fullmatch(r"(\d{1,9})([smhd])", text, re.ASCII):
        return timedelta(seconds=int(ago[1]) * _UNITS[ago[2]])
    try:
        time = datetime.fromisoformat(text)
        time.timestamp()  # some that can be written are not on this system's clock
    except (ValueError, OverflowError):
        message = (
            f"expected earliest, latest, an offset, a time as 2026-11-21T13:00Z, or how long ago as 90m, not {text!r}"
        )
        raise argparse.ArgumentTypeError(message) from None
    return time
