"""``kafkalite config``: what can be set, and the settings of a cluster's topics, brokers and groups."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING, Any

from kafkalite import _settings
from kafkalite.cli import cluster, output

if TYPE_CHECKING:
    from kafkalite import Admin

__all__ = ["add_to"]

_KINDS = ("broker", "topic", "group", "producer", "consumer", "admin")
_RESOURCES = ("topic", "broker", "group")
_HOW = {"=": "changes", "+=": "append", "-=": "subtract"}


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    parser = commands.add_parser("config", help="what can be set, and what is set in a cluster")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="print a table of settings")
    listing.add_argument("kind", nargs="?", choices=_KINDS, default="broker", help="whose settings (default: broker)")
    listing.add_argument("--json", action="store_true", help="print JSON")
    listing.set_defaults(run=_list)

    show = actions.add_parser("show", help="print what is set on a topic, a broker or a group")
    _add_resource(show, optional=True)
    show.add_argument("--all", action="store_true", help="the defaults as well")
    show.set_defaults(run=cluster.administering(_show))

    change = actions.add_parser("set", help="change settings while the broker runs; the others stay as they are")
    _add_resource(change)
    change.add_argument(
        "changes",
        nargs="+",
        type=_change,
        metavar="NAME=VALUE",
        help="a new value; NAME+=VALUE adds to a list, NAME-=VALUE takes out of it",
    )
    change.set_defaults(run=cluster.administering(_set))

    unset = actions.add_parser("unset", help="take settings back to their defaults")
    _add_resource(unset)
    unset.add_argument("settings_named", nargs="+", metavar="NAME")
    unset.set_defaults(run=cluster.administering(_unset))

    for action in (change, unset):
        action.add_argument("--dry-run", action="store_true", help="only ask whether the broker would do it")
    for action in (show, change, unset):
        cluster.add_arguments(action)


def _add_resource(parser: argparse.ArgumentParser, *, optional: bool = False) -> None:
    parser.add_argument("kind", choices=_RESOURCES, help="what has the settings")
    help_text = "the topic, the broker's number, or the group"
    if optional:
        parser.add_argument("name", nargs="?", help=f"{help_text}; not needed for the only broker")
    else:
        parser.add_argument("name", help=help_text)


def _change(text: str) -> tuple[str, str, str]:
    parts = re.fullmatch(r"\s*([^=+\s-][^=+\s]*?)\s*(\+=|-=|=)(.*)", text, re.DOTALL)
    if not parts:
        message = f"expected NAME=VALUE, NAME+=VALUE or NAME-=VALUE, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return parts[1], _HOW[parts[2]], parts[3].strip()


def _resource(options: argparse.Namespace) -> dict[str, Any]:
    if options.kind == "broker":
        if not options.name.isascii() or not options.name.isdigit():
            print(f"error: a broker is named by its number, not by {options.name!r}", file=sys.stderr)
            raise SystemExit(2)
        return {"broker": int(options.name)}
    return {options.kind: options.name}


def _list(options: argparse.Namespace) -> int:
    rows = _settings.table(options.kind)
    if options.json:
        output.document(rows)
        return 0
    for row in rows:
        default = f" = {row['default']}" if row["default"] else ""
        bounds = f", {row['range']}" if row["range"] else ""
        changed = "; can change while the broker runs" if row["dynamic"] else ""
        print(f"{row['name']}{default}  ({row['type']}{bounds}{changed})\n    {row['doc']}")
    return 0


def _only_broker(options: argparse.Namespace, admin: Admin) -> str:
    if options.kind != "broker":
        print(f"error: which {options.kind}? Name it: kafkalite config show {options.kind} NAME", file=sys.stderr)
        raise SystemExit(2)
    numbers = sorted(broker.id for broker in admin.describe_cluster().brokers)
    if len(numbers) != 1:
        print(f"error: which broker? The cluster has {', '.join(map(str, numbers))}", file=sys.stderr)
        raise SystemExit(2)
    return str(numbers[0])


def _show(options: argparse.Namespace, admin: Admin) -> int:
    if options.name is None:
        options.name = _only_broker(options, admin)
    entries = admin.describe_config(**_resource(options)).values()
    shown = [entry for entry in entries if options.all or not entry.is_default]
    if options.json:
        output.document(shown)
        return 0
    rows = ((e.name, "(secret)" if e.sensitive else e.value, e.source, "no" if e.read_only else "yes") for e in shown)
    output.table(options, ("setting", "value", "set on", "dynamic"), rows)
    if not options.all:
        defaults = output.counted(len(entries) - len(shown), "setting")
        output.say(options, f"not shown: {defaults} at the default; --all prints them")
    return 0


def _set(options: argparse.Namespace, admin: Admin) -> int:
    steps: dict[str, dict[str, str]] = {"changes": {}, "append": {}, "subtract": {}}
    for name, how, value in options.changes:
        steps[how][name] = value
    admin.alter_config(
        steps["changes"],
        append=steps["append"],
        subtract=steps["subtract"],
        dry_run=options.dry_run,
        **_resource(options),
    )
    return _done(options, [name for name, _, _ in options.changes])


def _unset(options: argparse.Namespace, admin: Admin) -> int:
    admin.alter_config(dict.fromkeys(options.settings_named), dry_run=options.dry_run, **_resource(options))
    return _done(options, options.settings_named)


def _done(options: argparse.Namespace, names: list[str]) -> int:
    if options.json:
        output.document({"kind": options.kind, "name": options.name, "settings": names, "done": not options.dry_run})
    what = "would be changed" if options.dry_run else "changed"
    output.say(options, f"{options.kind} {options.name}: {', '.join(names)} {what}")
    return 0
