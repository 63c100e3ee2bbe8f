"""``kafkalite produce``: lines of files, or of standard input, as messages."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, BinaryIO

from kafkalite import Producer
from kafkalite.cli import cluster, output

__all__ = ["add_to"]

_CHUNK = 1 << 20


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "produce",
        help="publish lines as messages",
        description="Publish each line of the files, or of standard input, as one message, as soon as it is there.",
    )
    parser.add_argument("topic", metavar="TOPIC")
    parser.add_argument("files", nargs="*", metavar="FILE", help="what to publish; - or nothing is standard input")
    parser.add_argument(
        "-K",
        "--key-separator",
        type=_separator,
        metavar="TEXT",
        help=r"what stands between a line's key and its value; \t is a tabulator",
    )
    parser.add_argument("-k", "--key", help="the key of every message")
    parser.add_argument("-p", "--partition", type=int, help="where all go (default: as their keys say, or anywhere)")
    parser.set_defaults(run=_run)
    cluster.add_arguments(parser, settings="producer")


def _separator(text: str) -> bytes:
    r"""Return it as bytes; a shell hands over ``\t`` as two characters."""
    if not text:
        message = "expected what stands between key and value, not nothing"
        raise argparse.ArgumentTypeError(message)
    return text.replace(r"\t", "\t").encode()


def _run(options: argparse.Namespace) -> int:
    cluster.log_to_stderr(options)
    # How long the cluster may take to be found; a delivery that is under way is tried for delivery.timeout.ms.
    given: dict[str, Any] = {"max_block_ms": round(options.timeout * 1000), **dict(options.settings)}
    messages = size = 0
    with ExitStack() as opened:  # every file is opened before the first message is published
        names = options.files or ["-"]
        files = [sys.stdin.buffer if name == "-" else opened.enter_context(open(name, "rb")) for name in names]  # noqa: PTH123 - the stack closes it
        with Producer(options.bootstrap_servers, **given) as producer:
            for file in files:
                for lines in _lines(file):
                    keys, values = _keyed(lines, options)
                    producer.send_many(options.topic, values, keys=keys, partition=options.partition)
                    messages += len(lines)
                    size += sum(map(len, values))
    if options.json:
        output.document({"topic": options.topic, "messages": messages, "bytes": size})
    output.say(options, f"published {output.counted(messages, 'message')} to {options.topic}")
    return 0


def _lines(file: BinaryIO) -> Iterator[list[bytes]]:
    """Yield what has arrived of complete lines, without their ends; the last line may lack its own."""
    reader: Any = file
    rest = b""
    while data := reader.read1(_CHUNK):
        *lines, rest = (rest + data).split(b"\n")
        if lines:
            yield lines
    if rest:
        yield [rest]


def _keyed(lines: list[bytes], options: argparse.Namespace) -> tuple[list[bytes | None] | None, list[bytes]]:
    """Return keys and values; a line without the separator has no key of its own."""
    common = None if options.key is None else options.key.encode()
    if not options.key_separator:
        return (None if common is None else [common] * len(lines)), lines
    keys: list[bytes | None] = []
    values = []
    for line in lines:
        key, separator, value = line.partition(options.key_separator)
        keys.append(key if separator else common)
        values.append(value if separator else line)
    return keys, values
