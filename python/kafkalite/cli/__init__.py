"""The ``kafkalite`` command: data on standard output, everything else on standard error."""

from __future__ import annotations

import argparse
import sys

from kafkalite import __version__
from kafkalite.broker import daemon
from kafkalite.cli import config, demo, log
from kafkalite.errors import KafkaError

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, run one command, and return the exit status."""
    parser = argparse.ArgumentParser(prog="kafkalite", description="A real Kafka inside Python.")
    parser.add_argument("--version", action="version", version=f"kafkalite {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    broker = commands.add_parser("broker", help="run a broker until it is told to stop")
    daemon.add_arguments(broker)
    broker.set_defaults(run=daemon.run)
    for command in (demo, log, config):
        command.add_to(commands)

    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away: nothing to tell, nobody to tell it to
        return 141
    except KeyboardInterrupt:
        return 130
    except (KafkaError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return status
