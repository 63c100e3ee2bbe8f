"""``kafkalite group``: list, describe, reset, delete, delete-offsets."""

from __future__ import annotations

import argparse
from functools import partial
from typing import TYPE_CHECKING

from kafkalite import _group_words
from kafkalite.cli import cluster, output
from kafkalite.errors import GroupError, UnknownGroupError

if TYPE_CHECKING:
    from kafkalite import Admin
    from kafkalite.admin import GroupDescription, Topics

__all__ = ["add_to"]

_RESET = """\
Have a group go on somewhere else. It must have no members: stop them first, and start them again afterwards. What
changes is printed with the offset before and after. It is done at once, as --execute says as well; with --dry-run it is
only printed. (Kafka's own tool does nothing without --execute.)
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    parser = commands.add_parser("group", help="consumer groups of a cluster")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    listing = actions.add_parser("list", help="print every group")
    for name, known in (("state", _group_words.STATES), ("type", _group_words.TYPES)):
        listing.add_argument(
            f"--{name}",
            action="append",
            default=[],
            type=partial(_group_words.spelled, known=known),
            choices=known,
            metavar=name.upper(),
            help=f"only groups of this {name}: {', '.join(known)}; may be repeated",
        )
    listing.set_defaults(run=cluster.administering(_list))

    describe = actions.add_parser("describe", help="print who reads which partition, how far, and what is left")
    describe.add_argument("groups", nargs="+", metavar="GROUP")
    describe.add_argument("--members", action="store_true", help="print the members and what each reads instead")
    describe.set_defaults(run=cluster.administering(_describe))

    reset = actions.add_parser("reset", help="have a group go on somewhere else", description=_RESET)
    reset.add_argument("group", metavar="GROUP")
    _add_topics(reset, "which (default: all that the group has committed)", required=False)
    where = reset.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--to",
        type=cluster.place,
        metavar="WHERE",
        help="earliest, latest, an offset, a time as 2026-11-21T13:00Z (local without a zone), or how long ago as 90m",
    )
    where.add_argument("--by", type=int, metavar="N", help="so many messages forward, or back as in --by -100")
    certainty = reset.add_mutually_exclusive_group()
    certainty.add_argument("--dry-run", action="store_true", help="only print what would change")
    certainty.add_argument("--execute", action="store_true", help="do it; that is what happens without it too")
    reset.set_defaults(run=cluster.administering(_reset))

    delete = actions.add_parser("delete", help="delete groups and what they have committed")
    delete.add_argument("groups", nargs="+", metavar="GROUP")
    delete.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
    delete.set_defaults(run=cluster.administering(_delete))

    forget = actions.add_parser("delete-offsets", help="have a group forget how far it has read")
    forget.add_argument("group", metavar="GROUP")
    _add_topics(forget, "which", required=True)
    forget.add_argument("--dry-run", action="store_true", help="only say what would be forgotten")
    forget.set_defaults(run=cluster.administering(_forget))

    for action in (listing, describe, reset, delete, forget):
        cluster.add_arguments(action)


def _add_topics(parser: argparse.ArgumentParser, which: str, *, required: bool) -> None:
    parser.add_argument(
        "--topic",
        dest="topics",
        action="append",
        type=cluster.partitions,
        required=required,
        metavar="TOPIC[:0,1]",
        help=f"{which}; may be repeated",
    )


def _list(options: argparse.Namespace, admin: Admin) -> int:
    groups = admin.list_groups(states=options.state, types=options.type)
    if options.json:
        output.document(groups)
        return 0
    rows = ((group.group, group.type, group.state, group.protocol_type) for group in groups)
    output.table(options, ("group", "type", "state", "protocol"), rows)
    return 0


def _describe(options: argparse.Namespace, admin: Admin) -> int:
    described: list[GroupDescription] = []
    missing: list[str] = []  # told at the end: it keeps nobody from seeing the others
    for name in options.groups:
        try:
            described.append(admin.describe_group(name))
        except GroupError as error:
            missing.append(str(error))
    if options.json and described:
        output.document(described)
    for group in () if options.json else described:
        how = f", assignor {group.assignor}" if group.assignor else ""
        output.note(
            options,
            f"group {group.group}: {group.type}, {group.state}, {output.counted(len(group.members), 'member')}{how}, "
            f"lag {'unknown' if group.lag is None else group.lag}, coordinator {group.coordinator}",
        )
        (_print_members if options.members else _print_partitions)(options, group)
    if missing:
        raise GroupError("; ".join(missing))
    return 0


def _print_partitions(options: argparse.Namespace, group: GroupDescription) -> None:
    headings = ("group", "topic", "partition", "committed", "end", "lag", "member", "client", "host")
    rows = (
        (group.group, p.topic, p.partition, p.committed, p.end, p.lag, p.member_id, p.client_id, p.host)
        for p in group.partitions
    )
    output.table(options, headings, rows)


def _print_members(options: argparse.Namespace, group: GroupDescription) -> None:
    headings = ("group", "member", "instance", "client", "host", "reads")
    rows = (
        (
            group.group,
            member.member_id,
            member.instance_id,
            member.client_id,
            member.host,
            None if member.assignment is None else " ".join(f"{topic}-{number}" for topic, number in member.assignment),
        )
        for member in group.members
    )
    output.table(options, headings, rows)


def _topics(options: argparse.Namespace, admin: Admin) -> Topics | None:
    """Return what ``--topic`` says; a topic without partitions means all that it has."""
    if options.topics is None:
        return None
    chosen: dict[str, list[int]] = {}
    for name, numbers in options.topics:
        every = numbers is None and range(len(admin.describe_topic(name).partitions))
        chosen.setdefault(name, []).extend(every or numbers or ())
    return chosen


def _reset(options: argparse.Namespace, admin: Admin) -> int:
    topics = _topics(options, admin)
    if topics is not None:
        _say_if_new(options, admin)
    changes = admin.reset_group(options.group, topics, to=options.to, by=options.by, dry_run=options.dry_run)
    if options.json:
        output.document({"group": options.group, "done": not options.dry_run, "changes": changes})
    else:
        headings = ("group", "topic", "partition", "before", "after", "note")
        output.table(
            options, headings, ((options.group, c.topic, c.partition, c.before, c.after, c.note) for c in changes)
        )
    what = (
        "nothing was changed: this was a dry run"
        if options.dry_run
        else f"committed {output.counted(len(changes), 'offset')}"
    )
    output.say(options, f"group {options.group}: {what}")
    return 0


def _say_if_new(options: argparse.Namespace, admin: Admin) -> None:
    """A reset makes a group that does not exist: by intent before its first member, or by a slip."""
    try:
        admin.describe_group(options.group)
    except UnknownGroupError as error:
        output.say(options, f"{error} (a reset makes it)")


def _delete(options: argparse.Namespace, admin: Admin) -> int:
    doomed = [admin.describe_group(group) for group in dict.fromkeys(options.groups)]
    for group in doomed:  # all or none, as far as can be seen now
        admin.delete_group(group.group, dry_run=True)
    what = "would be deleted" if options.dry_run else "is deleted"
    for group in doomed:
        if not options.dry_run:
            admin.delete_group(group.group)
        output.say(options, f"group {group.group} {what}: {output.counted(len(group.partitions), 'offset')}")
    if options.json:
        output.document([{"group": group.group, "deleted": not options.dry_run} for group in doomed])
    return 0


def _forget(options: argparse.Namespace, admin: Admin) -> int:
    parts = [
        part
        for part in admin.describe_group(options.group).partitions
        if part.committed is not None
        and any(
            part.topic == name and (numbers is None or part.partition in numbers) for name, numbers in options.topics
        )
    ]
    if without := [name for name, _ in options.topics if name not in {part.topic for part in parts}]:
        message = f"group {options.group!r} has committed nothing of {', '.join(without)}"
        raise GroupError(message)
    chosen: dict[str, list[int]] = {}
    for part in parts:
        chosen.setdefault(part.topic, []).append(part.partition)
    admin.delete_group_offsets(options.group, chosen, dry_run=options.dry_run)
    if options.json:
        output.document({"group": options.group, "done": not options.dry_run, "offsets": parts})
    else:
        rows = ((options.group, part.topic, part.partition, part.committed) for part in parts)
        output.table(options, ("group", "topic", "partition", "committed"), rows)
    what = "would forget" if options.dry_run else "forgot"
    output.say(options, f"group {options.group} {what} {output.counted(len(parts), 'offset')}")
    return 0
