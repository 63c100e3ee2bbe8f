"""``kafkalite record delete``: the oldest messages of partitions, for good."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from kafkalite.cli import cluster, output

if TYPE_CHECKING:
    from kafkalite import Admin

__all__ = ["add_to"]


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = commands.add_parser("record", help="messages of a cluster")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    delete = actions.add_parser("delete", help="delete the oldest messages of partitions for good; says how many")
    delete.add_argument("topics", nargs="+", type=cluster.partitions, metavar="TOPIC[:0,1]")
    delete.add_argument(
        "--before",
        type=cluster.place,
        required=True,
        metavar="WHERE",
        help="the first to keep: an offset, a time as 2026-11-21T13:00Z (local without a zone), how long ago as 7d, "
        "or latest, which keeps none",
    )
    delete.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
    delete.set_defaults(run=cluster.administering(_delete))
    cluster.add_arguments(delete)


def _delete(options: argparse.Namespace, admin: Admin) -> int:
    chosen: dict[str, list[int]] = {}
    for name, numbers in options.topics:
        every = numbers is None and range(len(admin.describe_topic(name).partitions))
        chosen.setdefault(name, []).extend(every or numbers or ())
    changes = admin.delete_records(chosen, options.before, dry_run=options.dry_run)
    messages = sum(change.after - (change.before or 0) for change in changes)
    if options.json:
        output.document({"done": not options.dry_run, "messages": messages, "changes": changes})
    else:
        headings = ("topic", "partition", "before", "after", "note")
        output.table(options, headings, ((c.topic, c.partition, c.before, c.after, c.note) for c in changes))
    what = "would delete" if options.dry_run else "deleted"
    output.say(options, f"{what} {output.counted(messages, 'message')}")
    return 0
