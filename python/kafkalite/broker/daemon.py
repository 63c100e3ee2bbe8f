"""Runs one broker until it is told to stop."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import re
import resource
import signal
import sys
from pathlib import Path

from kafkalite import _logging, _native
from kafkalite.errors import InvalidSettingError, KafkaError

__all__ = ["DESCRIPTION", "add_arguments", "fill_standard_streams", "main", "run"]

DESCRIPTION = (
    "Run a Kafka broker until SIGINT or SIGTERM. When it serves it prints one line on standard output; "
    "its log goes to standard error."
)

_DEFAULT_DIRECTORY = "kafkalite-data"
_DEFAULT_PORT = 9092
_LAST_PORT = 65_535


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line, run the broker, and return the exit status."""
    fill_standard_streams()
    parser = argparse.ArgumentParser(prog="python -m kafkalite.broker", description=DESCRIPTION)
    add_arguments(parser)
    return run(parser.parse_args(arguments))


def fill_standard_streams() -> None:
    """Open what the shell closed (``2>&-``): a data file would get the number, and what is printed would go into it."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115 - by the lowest free number, and for good


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the daemon takes."""
    parser.add_argument("-d", "--data-dir", help=f"log directory (default: log.dirs, else ./{_DEFAULT_DIRECTORY})")
    parser.add_argument(
        "-p", "--port", type=_port, help=f"port, 0 for a free one (default: listeners, else {_DEFAULT_PORT})"
    )
    parser.add_argument("--host", help="interface to listen on (default: listeners, else 127.0.0.1)")
    parser.add_argument(
        "--zookeeper",
        metavar="ADDRESS",
        help="be one of the cluster registered there, as host:port,host:port/chroot (default: zookeeper.connect)",
    )
    parser.add_argument("--broker-id", metavar="N", help="number of this broker in its cluster (default: broker.id)")
    parser.add_argument("-c", "--config-file", type=Path, metavar="FILE", help="a server.properties file")
    parser.add_argument(
        "-X",
        dest="settings",
        action="append",
        default=[],
        metavar="key=value",
        help="a broker setting, before those of FILE; may be repeated ('kafkalite config list' prints them all)",
    )
    parser.add_argument("--json", action="store_true", help="print the ready line as JSON")
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument("-v", "--verbose", action="store_true", help="log details")
    loudness.add_argument("-q", "--quiet", action="store_true", help="log warnings and errors only")


def run(options: argparse.Namespace) -> int:
    """Run until SIGINT or SIGTERM; 0 after a graceful stop, 1 if the broker could not start, 2 for a wrong setting."""
    level = logging.DEBUG if options.verbose else logging.WARNING if options.quiet else logging.INFO
    logging.basicConfig(stream=sys.stderr, level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Blocked before any thread of the core exists, so that only sigwait() below receives them.
    stops = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    try:
        settings = _settings(options)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    _logging.forward()
    _raise_descriptor_limit()
    # The command line goes before the settings: one of --host and --port is enough.
    listeners = "listeners" in settings and options.host is None and options.port is None
    try:
        broker = _native.Broker(
            options.data_dir or (None if settings.keys() & {"log.dirs", "log.dir"} else _DEFAULT_DIRECTORY),
            options.host or (None if listeners else "127.0.0.1"),
            options.port if options.port is not None else (None if listeners else _DEFAULT_PORT),
            settings,
        )
    except (KafkaError, OSError) as error:
        print(f"error: {_refused(error, options, settings)}", file=sys.stderr)
        return 2 if isinstance(error, ValueError) else 1
    address = broker.bootstrap_servers
    ready = {
        "bootstrap_servers": address,
        "data_dir": broker.data_dir,
        "cluster_id": broker.cluster_id,
        "pid": os.getpid(),
    }
    line = (
        json.dumps(ready)
        if options.json
        else f"kafkalite ready on {address}, data in {broker.data_dir}, pid {os.getpid()}"
    )
    try:
        print(line, flush=True)
        received = signal.sigwait(stops)
        logging.getLogger("kafkalite.broker").info("stopping on %s", signal.Signals(received).name)
    except OSError as error:  # whoever waits for the line would wait for ever
        print(f"error: cannot print that the broker is ready: {error}", file=sys.stderr)
        return 1
    finally:
        # A second signal ends the process at once, should the graceful stop take too long.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, stops)
        broker.close(None)
    return 0


def _raise_descriptor_limit() -> None:
    """Allow as many open files as the system lets us have: each partition and each connection takes one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # some systems promise more than they give
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > _LAST_PORT:
        message = f"a port is a number from 0, which takes a free one, to {_LAST_PORT}, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _properties(file: Path) -> dict[str, str]:
    try:
        data = file.read_bytes()
    except OSError as error:
        message = f"cannot read the properties file {file}: {error.strerror}"
        raise ValueError(message) from error
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("latin-1")  # as Java reads them
    try:
        return _native.parse_properties(text.replace("\r\n", "\n").replace("\r", "\n"))
    except InvalidSettingError as error:
        message = f"{file}: {error}"
        raise ValueError(message) from error


def _refused(error: Exception, options: argparse.Namespace, settings: dict[str, str]) -> str:
    """Return the sentence of an error; one about a setting of the file names the file."""
    sentence = str(error)
    found = re.match(r'(?:no setting is called ")?([\w.-]+)', sentence)
    given = {item.partition("=")[0].strip() for item in options.settings}
    if options.config_file is None or found is None or found[1] not in settings.keys() - given:
        return sentence
    return f"{options.config_file}: {sentence}"


def _settings(options: argparse.Namespace) -> dict[str, str]:
    settings: dict[str, str] = {}
    if options.config_file is not None:
        settings.update(_properties(options.config_file))
    for item in options.settings:
        name, equals, value = item.partition("=")
        if not equals:
            message = f"-X takes key=value, not {item!r}"
            raise ValueError(message)
        settings[name.strip()] = value.strip()
    if options.zookeeper is not None:
        settings["zookeeper.connect"] = options.zookeeper
    if options.broker_id is not None:
        settings["broker.id"] = options.broker_id
    return settings
