"""The ``kafkalite`` command: data on standard output, everything else on standard error."""

from __future__ import annotations

import argparse
import os
import sys

from kafkalite import __version__
from kafkalite.broker import daemon
from kafkalite.cli import cluster, config, consume, demo, group, info, log, output, produce, record, topic
from kafkalite.cli.parser import Parser
from kafkalite.errors import KafkaError

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, run one command, and return the exit status."""
    daemon.fill_standard_streams()
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # names in a terminal without them
    parser = argparse.ArgumentParser(
        prog="kafkalite",
        description="A real Kafka inside Python.",
        epilog="kafkalite COMMAND --help says what a command takes. Data goes to standard output, all else to standard "
        "error; the status is 0, 1 for a failure, or 2 for a wrong command line.",
    )
    parser.add_argument("--version", action="version", version=f"kafkalite {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)

    broker = commands.add_parser("broker", help="run a broker until it is told to stop", description=daemon.DESCRIPTION)
    daemon.add_arguments(broker)
    broker.set_defaults(run=daemon.run)
    for command in (produce, consume, topic, group, record, config, log, demo, info):
        command.add_to(commands)

    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options)
        sys.stdout.flush()  # here, where it can still be told, and not when the interpreter ends
    except BrokenPipeError:
        # The reader of our output went away (`| head`): what is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        return 130
    except UnicodeEncodeError as error:
        print(f"error: {error.object!r} is no UTF-8, as names in Kafka are", file=sys.stderr)
        return 2
    except (KafkaError, OSError) as error:
        print(f"error: {output.one_line(cluster.explained(str(error), options))}", file=sys.stderr)
        return 1
    return status
