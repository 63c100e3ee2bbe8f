"""``kafkalite topic``: list, create, describe, delete, add-partitions."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from kafkalite.cli import cluster, output
from kafkalite.errors import TopicExistsError

if TYPE_CHECKING:
    from kafkalite import Admin

__all__ = ["add_to"]


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    parser = commands.add_parser("topic", help="topics of a cluster")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    listing = actions.add_parser("list", help="print every topic")
    listing.add_argument("--internal", action="store_true", help="the cluster's own as well")
    listing.set_defaults(run=cluster.administering(_list))

    create = actions.add_parser("create", help="create a topic")
    create.add_argument("name", metavar="TOPIC")
    create.add_argument(
        "-p", "--partitions", type=cluster.positive, help="how many (default: the broker's num.partitions)"
    )
    create.add_argument(
        "-r", "--replication-factor", type=cluster.positive, help="copies of each (default: the broker's)"
    )
    create.add_argument(
        "--config", type=_setting, action="append", default=[], metavar="key=value", help="a setting; may be repeated"
    )
    create.add_argument("--exist-ok", action="store_true", help="accept a topic that exists already")
    create.set_defaults(run=cluster.administering(_create))

    describe = actions.add_parser("describe", help="print partitions, leaders, offsets, and settings that were set")
    describe.add_argument("names", nargs="+", metavar="TOPIC")
    describe.set_defaults(run=cluster.administering(_describe))

    delete = actions.add_parser("delete", help="delete topics and their messages; says how many")
    delete.add_argument("names", nargs="+", metavar="TOPIC")
    delete.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
    delete.set_defaults(run=cluster.administering(_delete))

    grow = actions.add_parser("add-partitions", help="give a topic more partitions; keys go to other ones from then on")
    grow.add_argument("name", metavar="TOPIC")
    grow.add_argument(
        "-p",
        "--partitions",
        type=cluster.positive,
        required=True,
        help="how many it has afterwards, those that it has now included",
    )
    grow.set_defaults(run=cluster.administering(_grow))

    for action in (create, grow):
        action.add_argument("--dry-run", action="store_true", help="only ask whether the broker would do it")
    for action in (listing, create, describe, delete, grow):
        cluster.add_arguments(action)


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        message = f"expected key=value, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return name.strip(), value.strip()


def _list(options: argparse.Namespace, admin: Admin) -> int:
    topics = admin.list_topics(internal=options.internal)
    if options.json:
        output.document(topics)
        return 0
    rows = ((topic.name, len(topic.partitions), max(len(p.replicas) for p in topic.partitions)) for topic in topics)
    output.table(options, ("topic", "partitions", "replicas"), rows)
    return 0


def _create(options: argparse.Namespace, admin: Admin) -> int:
    created = True
    try:
        admin.create_topic(
            options.name,
            options.partitions,
            replication_factor=options.replication_factor,
            config=dict(options.config),
            dry_run=options.dry_run,
        )
    except TopicExistsError:
        if not options.exist_ok:
            raise
        created = False
    if options.json:
        output.document({"topic": options.name, "created": created and not options.dry_run})
    what = f"topic {options.name} would be created" if options.dry_run else f"created topic {options.name}"
    output.say(options, what if created else f"topic {options.name} existed already")
    return 0


def _describe(options: argparse.Namespace, admin: Admin) -> int:
    described = []
    for name in options.names:
        topic = admin.describe_topic(name)
        starts = {found.partition: found.offset for found in admin.list_offsets(name, "earliest")}
        ends = {found.partition: found.offset for found in admin.list_offsets(name, "latest")}
        config = {
            key: entry.value for key, entry in admin.describe_config(topic=name).items() if entry.source == "topic"
        }
        described.append((topic, starts, ends, config))
    if options.json:
        output.document(
            [
                {
                    "name": topic.name,
                    "id": topic.id,
                    "internal": topic.internal,
                    "config": config,
                    "partitions": [
                        {
                            "partition": part.partition,
                            "leader": part.leader,
                            "replicas": part.replicas,
                            "in_sync": part.in_sync,
                            "start": starts.get(part.partition),
                            "end": ends.get(part.partition),
                        }
                        for part in topic.partitions
                    ],
                }
                for topic, starts, ends, config in described
            ]
        )
        return 0
    for topic, starts, ends, config in described:
        settings = ", ".join(f"{key}={value}" for key, value in config.items()) or "all settings are the broker's"
        output.note(options, f"topic {topic.name}, id {topic.id}: {settings}")
        rows = (
            (
                topic.name,
                part.partition,
                part.leader,
                ",".join(map(str, part.replicas)),
                ",".join(map(str, part.in_sync)),
                starts.get(part.partition),
                ends.get(part.partition),
            )
            for part in topic.partitions
        )
        output.table(options, ("topic", "partition", "leader", "replicas", "in-sync", "start", "end"), rows)
    return 0


def _delete(options: argparse.Namespace, admin: Admin) -> int:
    doomed = []
    for name in dict.fromkeys(options.names):  # all are looked at before the first is deleted
        starts = admin.list_offsets(name, "earliest")
        ends = admin.list_offsets(name, "latest")
        messages = sum((end.offset or 0) - (start.offset or 0) for start, end in zip(starts, ends, strict=True))
        policy = admin.describe_config(topic=name)["cleanup.policy"].value or ""
        doomed.append((name, len(ends), messages, "compact" in policy))
    what = "would be deleted" if options.dry_run else "is deleted"
    for name, partitions, messages, compacted in doomed:
        admin.delete_topic(name, dry_run=options.dry_run)
        output.say(
            options,
            f"topic {name} {what}: {output.counted(partitions, 'partition')}, "
            f"{'at most ' if compacted else ''}{output.counted(messages, 'message')}",
        )
    if options.json:
        keys = ("topic", "partitions", "messages", "compacted")
        output.document([dict(zip(keys, row, strict=True)) | {"deleted": not options.dry_run} for row in doomed])
    return 0


def _grow(options: argparse.Namespace, admin: Admin) -> int:
    total = options.partitions
    before = len(admin.describe_topic(options.name).partitions)
    admin.add_partitions(options.name, total, dry_run=options.dry_run)
    if options.json:
        output.document({"topic": options.name, "before": before, "after": total, "done": not options.dry_run})
    count = output.counted(total, "partition")
    has = f"would have {count}" if options.dry_run else f"has {count} now"
    output.say(options, f"topic {options.name} {has}, {before} before")
    return 0
