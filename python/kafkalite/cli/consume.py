"""``kafkalite consume``: messages of a topic on standard output, for ever or up to the end."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from kafkalite.cli import cluster, output
from kafkalite.errors import UnknownGroupError

if TYPE_CHECKING:
    from kafkalite import Admin, Message, MessageStream

__all__ = ["add_to"]

_TOKENS: dict[str, Callable[[Message], object]] = {
    "%": lambda _: b"%",
    "k": lambda message: message.key,
    "o": lambda message: message.offset,
    "p": lambda message: message.partition,
    "s": lambda message: message.value,
    "t": lambda message: message.topic,
    "T": lambda message: message.timestamp,
    "h": lambda message: json.dumps([[name, output.printable(value)] for name, value in message.headers]),
}
_BATCH = 1_000
_LOOK_S = 0.2  # how long to wait for messages before looking whether the end is reached
_ESCAPES = {"n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}
_FORMAT = """\
FORMAT: %s payload, %k key, %o offset, %p partition, %t topic, %T timestamp in milliseconds, %h headers as JSON, %% a
percent sign, \\n, \\t, \\0 and \\\\ as in C; the default is %s\\n. With --json each line is one JSON object.
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("consume", help="print a topic's messages", epilog=_FORMAT)
    parser.add_argument("topic", metavar="TOPIC")
    parser.add_argument("-g", "--group", help="read in this group, from where it is, and commit what was printed")
    parser.add_argument(
        "-o",
        "--offset",
        type=cluster.target,
        metavar="WHERE",
        help="where to begin: earliest (the default), latest, an offset, -10 for the last ten of each partition, a "
        "time as 2026-11-21T13:00Z, or how long ago as 90m; in a group only the first two, where nothing is committed",
    )
    parser.add_argument("-e", "--exit", action="store_true", help="stop at the end of what there is at the start")
    parser.add_argument("-c", "--count", type=cluster.positive, help="stop after so many messages")
    parser.add_argument("-f", "--format", type=_parsed, default=_parsed(r"%s\n"), help="how to print a message")
    parser.set_defaults(run=_run)
    cluster.add_arguments(parser, settings="consumer")


def _parsed(text: str) -> list[bytes | Callable[[Message], object]]:
    """Return a format as pieces: bytes as they stand, and what is to be asked of each message."""
    pieces: list[bytes | Callable[[Message], object]] = []
    for plain, token, escape in re.findall(r"([^%\\]+)|%(.?)|\\(.?)", text, re.DOTALL):
        if plain:
            pieces.append(plain.encode())
        elif token in _TOKENS:
            pieces.append(_TOKENS[token])
        elif escape in _ESCAPES:
            pieces.append(_ESCAPES[escape])
        else:
            wrong = f"\\{escape}" if escape else f"%{token}"
            message = f"there is no {wrong}; known are {', '.join(f'%{name}' for name in _TOKENS)}, \\n, \\t, \\0, \\\\"
            raise argparse.ArgumentTypeError(message)
    return pieces


def _run(options: argparse.Namespace) -> int:
    from kafkalite import Admin, Consumer

    cluster.log_to_stderr(options)
    if options.group is not None and options.offset not in {None, "earliest", "latest"}:
        print("error: a group goes on where it is; 'kafkalite group reset' moves it", file=sys.stderr)
        return 2
    given: dict[str, Any] = {"allow_auto_create_topics": False, **dict(options.settings)}
    if options.group is not None:
        given["group_id"] = options.group
    if options.offset in {"earliest", "latest"}:
        given["auto_offset_reset"] = options.offset
    printed = 0
    with Admin(options.bootstrap_servers, timeout=options.timeout) as admin:
        admin.describe_topic(options.topic)  # says what was nearly right
        ends = _ends(admin, options) if options.exit else None
        with Consumer(options.bootstrap_servers, **given) as consumer:
            (stream,) = consumer.create_message_streams(options.topic, 1, timeout=options.timeout)
            _begin(stream, admin, options)
            while (options.count is None or printed < options.count) and not _is_read(stream, ends):
                most = _BATCH if options.count is None else min(_BATCH, options.count - printed)
                messages = stream.poll_batch(most, timeout=_LOOK_S)
                sys.stdout.buffer.writelines(_line(message, options) for message in messages)
                sys.stdout.buffer.flush()
                printed += len(messages)
                output.check_reader()
                if not messages and ends is not None and options.group is not None:
                    ends = _left(admin, options, ends)
    output.say(options, f"printed {output.counted(printed, 'message')} of {options.topic}")
    return 0


def _ends(admin: Admin, options: argparse.Namespace) -> dict[int, int]:
    """Return where each partition ends now, but for those that hold nothing to read."""
    starts = admin.list_offsets(options.topic, "earliest")
    found = zip(starts, admin.list_offsets(options.topic, "latest"), strict=True)
    ends = {end.partition: end.offset or 0 for start, end in found if start.offset != end.offset}
    return ends if options.group is None else _left(admin, options, ends)


def _left(admin: Admin, options: argparse.Namespace, ends: dict[int, int]) -> dict[int, int]:
    """Return the partitions that neither this member of the group nor another has read to their ends."""
    try:
        partitions = admin.describe_group(options.group).partitions
    except UnknownGroupError:
        return ends  # nobody has joined it yet
    done = {part.partition: part.committed or 0 for part in partitions if part.topic == options.topic}
    return {number: end for number, end in ends.items() if done.get(number, 0) < end}


def _is_read(stream: MessageStream, ends: dict[int, int] | None) -> bool:
    if ends is None:
        return False
    positions = {of.partition: offset for of, offset in stream.positions.items()}
    return all(positions.get(number, -1) >= end for number, end in ends.items())


def _begin(stream: MessageStream, admin: Admin, options: argparse.Namespace) -> None:
    """Go to an offset, as far as the log has it, or to a time."""
    where = options.offset
    if isinstance(where, int):
        starts = {found.partition: found.offset or 0 for found in admin.list_offsets(options.topic, "earliest")}
        for found in admin.list_offsets(options.topic, "latest"):
            start, end = starts[found.partition], found.offset or 0
            stream.seek(found.partition, min(max(where + end if where < 0 else where, start), end))
    elif isinstance(where, (datetime, timedelta)):
        stream.seek_to_time(where)


def _line(message: Message, options: argparse.Namespace) -> bytes:
    if options.json:
        return json.dumps(_facts(message)).encode() + b"\n"
    return b"".join(piece if isinstance(piece, bytes) else _bytes(piece(message)) for piece in options.format)


def _facts(message: Message) -> dict[str, Any]:
    return {
        "topic": message.topic,
        "partition": message.partition,
        "offset": message.offset,
        "timestamp": message.timestamp,
        "key": output.printable(message.key),
        "value": output.printable(message.value),
        "headers": [[name, output.printable(value)] for name, value in message.headers],
    }


def _bytes(value: object) -> bytes:
    if value is None:
        return b""
    return value if isinstance(value, bytes) else str(value).encode()
